import { useEffect, useRef, useState, type ReactElement, type ReactNode } from 'react';
import { copyText } from './copy';
import { formatInstant } from './format';
import { usePageClock } from './hooks';
import { Glyph, type GlyphName } from './Glyph';
import { Icon } from './Icon';
import { IconButton } from './IconButton';
import { toasts } from './toasts';

export { IconButton } from './IconButton';

/** Copies `text` (or what it returns) and says for a moment that it did. */
export function CopyIcon({ text, label }: { text: string | (() => string); label: string }): ReactElement {
  const [state, setState] = useState<'idle' | 'done'>('idle');
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const copy = (): void => {
    void copyText(typeof text === 'string' ? text : text()).then((done) => {
      setState(done ? 'done' : 'idle');
      if (!done) toasts.show({ level: 'warning', text: 'The browser refused to copy' });
      clearTimeout(timer.current);
      timer.current = setTimeout(() => setState('idle'), 1600);
    });
  };
  return (
    <IconButton
      icon={state === 'done' ? 'check' : 'copy'}
      label={state === 'done' ? 'Copied' : label}
      onClick={copy}
    />
  );
}

/** A remark in its place: something failed, is suspicious, or worth knowing. */
export function Note({
  level,
  children,
}: {
  level: 'bad' | 'warn' | 'info';
  children: ReactNode;
}): ReactElement {
  const icon = level === 'bad' ? 'error' : level === 'warn' ? 'warning' : 'info';
  return (
    <div className={`note ${level}`} role={level === 'bad' ? 'alert' : 'status'}>
      <Icon name={icon} />
      <div className="grow">{children}</div>
    </div>
  );
}

/** What an answer warns of, each in a remark of its own. */
export function Warnings({ of }: { of: readonly string[] }): ReactElement {
  return (
    <>
      {of.map((text) => (
        <Note level="warn" key={text}>
          {text}
        </Note>
      ))}
    </>
  );
}

/** That `what` cannot be read: at all, or anew, so that what is shown is of `asOfMs` (0 when nothing is). */
export function Unreadable(props: {
  what: string;
  error: Error | null;
  asOfMs: number;
}): ReactElement | null {
  const { what, error, asOfMs } = props;
  const { utc } = usePageClock();
  if (error === null) return null;
  if (asOfMs === 0)
    return (
      <Note level="bad">
        {what} cannot be read: {error.message}
      </Note>
    );
  return (
    <Note level="bad">
      {what} as of {formatInstant(Math.floor(asOfMs / 1000) * 1000, utc)}; now they cannot be read:{' '}
      {error.message}
    </Note>
  );
}

/** What stands where content would be, when there is none. */
export function Empty({ icon, children }: { icon: GlyphName; children: ReactNode }): ReactElement {
  return (
    <div className="empty">
      <Glyph name={icon} size={26} />
      <div>{children}</div>
    </div>
  );
}
