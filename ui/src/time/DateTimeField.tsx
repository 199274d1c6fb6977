import { Popover } from '@mantine/core';
import '@mantine/core/styles/Popover.css';
import clsx from 'clsx';
import { useRef, useState, type KeyboardEvent, type ReactElement } from 'react';
import { Field, type FieldFrame } from '../design/fields';
import { formatClock, formatInstant } from '../design/format';
import { usePageClock } from '../design/hooks';
import { Glyph } from '../design/Glyph';
import { IconButton } from '../design/parts';
import popover from '../design/popover.module.css';
import { addMonths, dayAfterKey, dayOf, monthSheet, writeDay } from './calendar';
import styles from './datetime.module.css';
import { parseTime } from './range';

const WEEKDAYS = ['Mo', 'Tu', 'We', 'Th', 'Fr', 'Sa', 'Su'];
const MONTH = new Intl.DateTimeFormat('en', { month: 'long', year: 'numeric', timeZone: 'UTC' });
const DAY = new Intl.DateTimeFormat('en', { dateStyle: 'full', timeZone: 'UTC' });

/** A month to choose a day from: arrows move by days and weeks, Page Up and Down by months, Enter takes. */
export function Calendar(props: {
  /** The chosen day, as `dayOf` says it. */
  day: number;
  today: number;
  onChoose: (day: number) => void;
}): ReactElement {
  const { today, onChoose } = props;
  const [at, setAt] = useState(props.day);
  const table = useRef<HTMLTableElement>(null);
  const focus = (day: number): void => {
    setAt(day);
    requestAnimationFrame(() =>
      table.current?.querySelector<HTMLElement>(`[data-day='${writeDay(day)}']`)?.focus(),
    );
  };
  const onKey = (event: KeyboardEvent): void => {
    const next = dayAfterKey(event.key, at);
    if (next === null) return;
    event.preventDefault();
    focus(next);
  };
  const month = new Date(at).getUTCMonth();
  return (
    <div className={styles.calendar}>
      <div className={styles.month}>
        <IconButton icon="chevronLeft" label="Month before" onClick={() => setAt(addMonths(at, -1))} />
        <b aria-live="polite">{MONTH.format(at)}</b>
        <IconButton icon="chevronRight" label="Month after" onClick={() => setAt(addMonths(at, 1))} />
      </div>
      <table ref={table} role="grid" aria-label={MONTH.format(at)} onKeyDown={onKey}>
        <thead>
          <tr>
            {WEEKDAYS.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {monthSheet(at).map((week) => (
            <tr key={week[0]}>
              {week.map((day) => (
                <td key={day} aria-selected={day === props.day}>
                  <button
                    type="button"
                    data-day={writeDay(day)}
                    aria-label={DAY.format(day)}
                    {...(day === today ? { 'aria-current': 'date' as const } : {})}
                    className={clsx(
                      styles.day,
                      day === props.day && styles.chosen,
                      new Date(day).getUTCMonth() !== month && styles.other,
                    )}
                    tabIndex={day === at ? 0 : -1}
                    {...(day === at ? { 'data-autofocus': true } : {})}
                    onClick={() => onChoose(day)}
                  >
                    {new Date(day).getUTCDate()}
                  </button>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** An instant: typed as in addresses (`now-2h`, `2026-11-21 14:30`), or its day taken from a calendar. */
export function DateTimeField(
  props: FieldFrame & {
    /** As it is written. */
    text: string;
    onChange: (text: string) => void;
    nowMs: number;
  },
): ReactElement {
  const { text, onChange, nowMs, label, hint, required = false } = props;
  const { utc } = usePageClock();
  const [open, setOpen] = useState(false);
  const ms = parseTime(text, nowMs, utc);
  const wrong = text.trim() !== '' && ms === null;
  const said =
    ms === null ? hint : `${formatInstant(Math.floor(ms / 1000) * 1000, utc)} ${utc ? 'UTC' : 'local time'}`;
  const error =
    props.error ?? (wrong ? 'Not a time: write now-2h, 2026-11-21 14:30, or seconds since 1970' : undefined);
  const take = (day: number): void => {
    const clock = ms === null ? '00:00:00' : formatClock(Math.floor(ms / 1000) * 1000, utc);
    onChange(`${writeDay(day)} ${clock}`);
    setOpen(false);
  };
  return (
    <Field label={label} hint={said} error={error} required={required}>
      {({ id, describedBy, invalid }) => (
        <span className={styles.box}>
          <input
            id={id}
            className="field"
            value={text}
            placeholder="2026-11-21 14:30"
            aria-invalid={invalid}
            aria-describedby={describedBy}
            onChange={(event) => onChange(event.target.value)}
          />
          <Popover
            opened={open}
            onChange={setOpen}
            position="bottom-end"
            offset={4}
            trapFocus
            returnFocus
            transitionProps={{ duration: 0 }}
          >
            <Popover.Target>
              <button
                type="button"
                className="icon-button"
                aria-label={`Calendar for ${label}`}
                title="Calendar"
                onClick={() => setOpen(!open)}
              >
                <Glyph name="calendar" />
              </button>
            </Popover.Target>
            <Popover.Dropdown className={popover.dropdown ?? ''}>
              <Calendar day={dayOf(ms ?? nowMs, utc)} today={dayOf(nowMs, utc)} onChoose={take} />
            </Popover.Dropdown>
          </Popover>
        </span>
      )}
    </Field>
  );
}
