import clsx from 'clsx';
import type { ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import type { MaintenanceWindow } from '../api/holds';
import { useSaved } from '../api/saved';
import { formatInstant } from '../design/format';
import { useNow, usePageClock } from '../design/hooks';
import { Value } from '../design/Value';
import { visibleText } from '../design/value';
import { sheetOf, type Entry, type SheetDay } from './sheet';
import styles from './maintenance.module.css';

const WEEKS = 6;
/** Windows that are named on one day. */
const NAMED = 3;
const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

function Item({ entry, onOpen }: { entry: Entry; onOpen: (name: string) => void }): ReactElement {
  const { utc } = usePageClock();
  const minute = (text: string): string => formatInstant(Math.floor(Date.parse(text) / 60_000) * 60_000, utc);
  const { name, occurrence, goesOn } = entry;
  return (
    <li>
      <button
        type="button"
        className={styles.entry}
        title={visibleText(`${name}: ${minute(occurrence.starts)} to ${minute(occurrence.ends)}`)}
        onClick={() => onOpen(name)}
      >
        <span className="dim">{goesOn ? '…' : minute(occurrence.starts).slice(11, 16)}</span>{' '}
        <Value text={name} />
      </button>
    </li>
  );
}

function Day({ of, onOpen }: { of: SheetDay; onOpen: (name: string) => void }): ReactElement {
  const at = new Date(of.day);
  const isFirst = at.getUTCDate() === 1;
  const said = at.toLocaleDateString('en', {
    day: 'numeric',
    ...(isFirst ? { month: 'short' } : {}),
    timeZone: 'UTC',
  });
  return (
    <td
      className={clsx(of.isGone && styles.gone, of.isToday && styles.today)}
      {...(of.isToday ? { 'aria-current': 'date' } : {})}
    >
      <span className={styles.number}>{said}</span>
      {of.entries.length === 0 ? null : (
        <ul className={styles.entries}>
          {of.entries.slice(0, NAMED).map((entry) => (
            <Item key={`${entry.name} ${entry.occurrence.starts}`} entry={entry} onOpen={onOpen} />
          ))}
          {of.entries.length > NAMED ? <li className="dim">and {of.entries.length - NAMED} more</li> : null}
        </ul>
      )}
    </td>
  );
}

/** The days on which nothing is are left out where there is no room for a sheet. */
function Agenda({
  weeks,
  onOpen,
}: {
  weeks: readonly SheetDay[][];
  onOpen: (name: string) => void;
}): ReactElement {
  const days = weeks.flat().filter(({ entries }) => entries.length > 0);
  if (days.length === 0) return <p className={clsx('dim', styles.agenda)}>None in the next {WEEKS} weeks.</p>;
  return (
    <ul className={styles.agenda}>
      {days.map((one) => (
        <li key={one.day}>
          <b>
            {new Date(one.day).toLocaleDateString('en', {
              weekday: 'short',
              day: 'numeric',
              month: 'short',
              timeZone: 'UTC',
            })}
          </b>
          <ul className={styles.entries}>
            {one.entries.map((entry) => (
              <Item key={`${entry.name} ${entry.occurrence.starts}`} entry={entry} onOpen={onOpen} />
            ))}
          </ul>
        </li>
      ))}
    </ul>
  );
}

/** The next weeks, and the windows of each day, on the clock of the page. */
export function Sheet(props: {
  windows: readonly MaintenanceWindow[];
  onOpen: (name: string) => void;
}): ReactElement {
  const { windows, onOpen } = props;
  const { tenant } = useAddress();
  const saved = useSaved();
  const { utc } = usePageClock();
  const now = useNow(60_000);
  const weeks = sheetOf(windows, now, WEEKS, utc);
  return (
    <section className="panel card" aria-label="Calendar of the next weeks">
      <header className={styles.head}>
        <h2>The next {WEEKS} weeks</h2>
        <span className="dim">{utc ? 'in UTC' : 'on your clock'}</span>
        <span className="grow" />
        {/* A link could not say of which tenant. */}
        <button
          type="button"
          className="button quiet"
          disabled={saved.busy}
          onClick={() => void saved.run('/api/alerting/maintenance.ics', 'maintenance.ics', tenant)}
        >
          iCal
        </button>
      </header>
      <table className={styles.sheet}>
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
          {weeks.map((week) => (
            <tr key={week[0]?.day}>
              {week.map((day) => (
                <Day key={day.day} of={day} onOpen={onOpen} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      <Agenda weeks={weeks} onOpen={onOpen} />
    </section>
  );
}
