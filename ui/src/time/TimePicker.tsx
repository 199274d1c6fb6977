import clsx from 'clsx';
import { Popover } from '@mantine/core';
import '@mantine/core/styles/Popover.css';
import { useRef, useState, type FocusEvent, type SyntheticEvent, type ReactElement } from 'react';
import { Glyph } from '../design/Glyph';
import { formatInstant } from '../design/format';
import { useNow, usePageClock } from '../design/hooks';
import { Icon } from '../design/Icon';
import { IconButton } from '../design/parts';
import {
  absolute,
  describeRange,
  parseTime,
  QUICK_RANGES,
  readRange,
  resolveRange,
  shift,
  widen,
  type TimeRange,
} from './range';
import styles from './picker.module.css';

/** What is typed into a field that keys led to replaces what was there. */
function selected(event: FocusEvent<HTMLInputElement>): void {
  event.target.select();
}

function RangeForm(props: { range: TimeRange; onApply: (range: TimeRange) => void }): ReactElement {
  const { utc, setUtc } = usePageClock();
  const [from, setFrom] = useState(props.range.from);
  const [to, setTo] = useState(props.range.to);
  const [tried, setTried] = useState(false);
  const now = useNow(1_000);
  const meant = readRange({ from, to }, now, utc);
  const resolved = resolveRange(meant, now, utc);
  const wrong = typeof resolved === 'string' ? resolved : null;
  const isNoTime = (text: string): boolean => parseTime(text, now, utc) === null;
  // Ends in the wrong order are wrong together.
  const oneIsNone = isNoTime(meant.from) || isNoTime(meant.to);
  const isWrong = (text: string): boolean => tried && wrong !== null && (!oneIsNone || isNoTime(text));
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault();
    setTried(true);
    if (wrong !== null || typeof resolved === 'string') return;
    const keep = (text: string): boolean => text.startsWith('now');
    // A calendar time without a zone would mean something else to a reader elsewhere: a link carries UTC.
    const fixed = absolute(resolved.fromMs, resolved.toMs);
    props.onApply({
      from: keep(meant.from) ? meant.from : fixed.from,
      to: keep(meant.to) ? meant.to : fixed.to,
    });
  };
  const ends =
    typeof resolved === 'string'
      ? null
      : `${formatInstant(Math.floor(resolved.fromMs / 1000) * 1000, utc)} to ${formatInstant(Math.floor(resolved.toMs / 1000) * 1000, utc)}`;
  return (
    <form className={styles.pickerForm} onSubmit={submit}>
      <label>
        <span className="dim">From</span>
        <input
          className="field"
          value={from}
          onChange={(event) => setFrom(event.target.value)}
          onFocus={selected}
          aria-invalid={isWrong(meant.from)}
          data-autofocus
        />
      </label>
      <label>
        <span className="dim">To</span>
        <input
          className="field"
          value={to}
          onChange={(event) => setTo(event.target.value)}
          onFocus={selected}
          aria-invalid={isWrong(meant.to)}
        />
      </label>
      <p className={wrong === null ? 'dim' : styles.pickerWrong} role={wrong === null ? undefined : 'alert'}>
        {wrong ?? ends}
      </p>
      <div className="row">
        <button type="submit" className="button primary">
          Apply
        </button>
        <span className="grow" />
        <button type="button" className="button" aria-pressed={utc} onClick={() => setUtc(!utc)}>
          UTC
        </button>
      </div>
      <p className={clsx('dim', styles.pickerHint)}>
        3h, yesterday, now-90m, now/d, 14:30, 2026-11-21 14:30, or seconds since 1970
      </p>
    </form>
  );
}

/** The range's name as a button that opens quick ranges and exact times; arrows move and widen it. */
export function TimePicker(props: { range: TimeRange; onChange: (range: TimeRange) => void }): ReactElement {
  const { range, onChange } = props;
  const { utc } = usePageClock();
  const [open, setOpen] = useState(false);
  const opener = useRef<HTMLButtonElement>(null);
  const apply = (next: TimeRange): void => {
    setOpen(false);
    // What was pressed goes with the box: keys go on where they came from.
    opener.current?.focus();
    onChange(next);
  };
  const move = (change: (span: { fromMs: number; toMs: number }) => TimeRange): void => {
    const span = resolveRange(range, Date.now(), utc);
    if (typeof span !== 'string') onChange(change(span));
  };
  return (
    <div className={clsx('row', styles.picker)}>
      <IconButton icon="chevronLeft" label="Earlier" onClick={() => move((span) => shift(span, -1))} />
      <Popover
        opened={open}
        onChange={setOpen}
        position="bottom-end"
        trapFocus
        transitionProps={{ duration: 0 }}
      >
        <Popover.Target>
          <button
            ref={opener}
            type="button"
            className="button"
            onClick={() => setOpen(!open)}
            aria-expanded={open}
          >
            <Icon name="clock" size={14} />
            {describeRange(range, utc, formatInstant)}
            {utc ? <span className="dim">UTC</span> : null}
            <Glyph name="chevronDown" size={13} />
          </button>
        </Popover.Target>
        <Popover.Dropdown className={styles.pickerBox}>
          <RangeForm key={`${range.from} ${range.to}`} range={range} onApply={apply} />
          <ul className={styles.pickerQuick} aria-label="Quick ranges">
            {QUICK_RANGES.map(([from, name]) => (
              <li key={from}>
                <button
                  type="button"
                  className="plain"
                  aria-current={range.from === from && range.to === 'now'}
                  onClick={() => apply({ from, to: 'now' })}
                >
                  {name}
                </button>
              </li>
            ))}
          </ul>
        </Popover.Dropdown>
      </Popover>
      <IconButton icon="chevronRight" label="Later" onClick={() => move((span) => shift(span, 1))} />
      <IconButton
        icon={<Glyph name="zoomOut" />}
        label="Wider"
        onClick={() => move((span) => widen(span, Date.now()))}
      />
    </div>
  );
}
