import type { ReactElement } from 'react';
import { ALERT_NAME } from '../alerts/alerts';
import type { Firing, Outcome, Replay } from '../api/rules';
import type { Labels } from '../api/types';
import { formatInstant, formatSeconds } from '../design/format';
import { usePageClock } from '../design/hooks';
import { Note } from '../design/parts';
import { LabelSet, Value } from '../design/Value';
import { changeOf, saidOf } from './outcome';
import styles from './rules.module.css';

/** Alerts that are named. */
const NAMED = 8;

function When({ firing }: { firing: Firing }): ReactElement {
  const { utc } = usePageClock();
  const startMs = Date.parse(firing.start);
  return (
    <>
      {formatInstant(Math.floor(startMs / 1000) * 1000, utc)},{' '}
      {firing.end === null
        ? 'still firing'
        : `for ${formatSeconds(Math.round((Date.parse(firing.end) - startMs) / 1000))}`}
    </>
  );
}

function Firings({ outcome }: { outcome: Outcome }): ReactElement | null {
  const all = outcome.rules
    .flatMap(({ firings }) => firings)
    .sort((a, b) => Date.parse(b.start) - Date.parse(a.start));
  if (all.length === 0) return null;
  return (
    <ul className={styles.firings} aria-label="When it would have fired">
      {all.slice(0, NAMED).map((firing, i) => (
        <li key={`${firing.start} ${i}`}>
          <span className="dim">
            <When firing={firing} />
          </span>
          <LabelSet labels={firing.labels} without={[ALERT_NAME]} />
        </li>
      ))}
      {outcome.fired > NAMED ? (
        <li className="dim">and {(outcome.fired - NAMED).toLocaleString('en')} before</li>
      ) : null}
    </ul>
  );
}

/** An alert by what people know it by; by something else what has no labels. */
function Named({ labels, otherwise }: { labels: Labels; otherwise: string }): ReactElement {
  if (Object.keys(labels).length === 0) return <Value text={otherwise} mono />;
  return (
    <>
      <Value text={labels[ALERT_NAME] ?? 'an alert'} /> <LabelSet labels={labels} without={[ALERT_NAME]} />
    </>
  );
}

/** Of which alerts a receiver would not have been told for a while, and what would have held them back. */
function HeldBack({ outcome }: { outcome: Outcome }): ReactElement | null {
  const { utc } = usePageClock();
  const { held } = outcome;
  if (held.length === 0) return null;
  return (
    <>
      <b>Held back</b>
      <ul className={styles.firings} aria-label="What would have been held back">
        {held.slice(0, NAMED).map((one, i) => (
          <li key={`${one.time} ${i}`}>
            <span className="dim">
              {formatInstant(Math.floor(Date.parse(one.time) / 1000) * 1000, utc)}, from{' '}
              <Value text={one.receiver} />
            </span>
            <Named labels={one.labels} otherwise="an alert" />
            <span className="dim">
              {one.reason}
              {one.source === '' ? '' : ' by'}
            </span>
            {one.source === '' ? null : <Named labels={one.alert} otherwise={one.source} />}
          </li>
        ))}
        {held.length > NAMED ? (
          <li className="dim">and {(held.length - NAMED).toLocaleString('en')} more</li>
        ) : null}
      </ul>
    </>
  );
}

/** What rules would have done, and what a change of them changes. */
export function Backtest({ replay }: { replay: Replay }): ReactElement {
  const shown = replay.compared ?? replay.outcome;
  const change = changeOf(replay);
  const receivers = Object.entries(shown.pages_by_receiver);
  const faults = [...new Set(shown.rules.flatMap((rule) => rule.faults))].slice(0, NAMED);
  return (
    <section className={styles.outcome} aria-label="What it would have done" aria-live="polite">
      <b>{saidOf(shown)}</b>
      {change === null ? null : <p>{change}</p>}
      {receivers.length === 0 ? null : (
        <p>
          <span className="dim">Told: </span>
          {receivers.map(([name, count], i) => (
            <span key={name}>
              {i === 0 ? '' : ', '}
              <Value text={name} /> {count}
            </span>
          ))}
        </p>
      )}
      {faults.map((fault) => (
        <Note level="warn" key={fault}>
          <Value text={fault} />
        </Note>
      ))}
      <Firings outcome={shown} />
      <HeldBack outcome={shown} />
    </section>
  );
}
