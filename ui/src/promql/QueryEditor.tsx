import clsx from 'clsx';
import { lazy, Suspense, useEffect, useRef, type ReactElement, type RefObject } from 'react';
import styles from './promql.module.css';

export interface QueryEditorProps {
  text: string;
  /** What it is called for readers who cannot see where it stands. */
  label?: string;
  tenant: string | null;
  /** Variables that the text may refer to, as that of a dashboard does. */
  variables?: readonly string[];
  onChange: (text: string) => void;
  onRun: () => void;
  /** The server's words about this very text; a position in them is marked. */
  error?: string | null;
  /** Whoever opens the page begins here; what is typed takes the place of what stands in it. */
  autoFocus?: boolean;
}

/** Where somebody is in the text before the editor has come, and whether they wrote in it; null while nobody is. */
export type Begun = RefObject<{ selected: [number, number]; wrote: boolean } | null>;

const Editor = lazy(() => import('./Editor'));

/** The text as it is written while the editor, the largest part of a page with one, is on its way. */
function Plain({ begunRef, ...props }: QueryEditorProps & { begunRef: Begun }): ReactElement {
  const area = useRef<HTMLTextAreaElement>(null);
  const { autoFocus = false } = props;
  useEffect(() => {
    if (autoFocus) area.current?.select();
  }, [autoFocus]);
  const note = (wrote = begunRef.current?.wrote ?? false): void => {
    const { current } = area;
    if (current) begunRef.current = { selected: [current.selectionStart, current.selectionEnd], wrote };
  };
  return (
    <div className={clsx(styles.editor, styles.plain)} data-written={props.text} data-text={`${props.text} `}>
      <textarea
        ref={area}
        aria-label={props.label ?? 'PromQL expression'}
        spellCheck={false}
        rows={1}
        value={props.text}
        onChange={({ target }) => {
          props.onChange(target.value);
          note(true);
        }}
        onSelect={() => note()}
        onFocus={() => note()}
        onBlur={() => (begunRef.current = null)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || event.shiftKey) return;
          event.preventDefault();
          props.onRun();
        }}
      />
    </div>
  );
}

/** An editor of PromQL, which completes, marks what is wrong, and runs the query on Enter. */
export function QueryEditor(props: QueryEditorProps): ReactElement {
  const begunRef: Begun = useRef(null);
  return (
    <Suspense fallback={<Plain {...props} begunRef={begunRef} />}>
      <Editor {...props} begunRef={begunRef} />
    </Suspense>
  );
}
