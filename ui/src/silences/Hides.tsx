import type { ReactElement } from 'react';
import { ALERT_NAME } from '../alerts/alerts';
import type { LabelsByAlert } from '../api/alerts';
import { LabelSet, Value } from '../design/Value';
import styles from './silences.module.css';

/** Alerts that are named. */
const NAMED = 6;

/** The alerts that there are now and are held back by what is made. */
export function Hides(props: {
  fingerprints: readonly string[];
  /** Their labels: it is by these that people know them. */
  labels: LabelsByAlert;
  /** What is said of none, and of some after their number. */
  none?: string;
  some?: string;
  label?: string;
}): ReactElement {
  const { fingerprints, labels, label = 'What it hides' } = props;
  const { none = 'No alert now; those to come that fit.', some = 'now, and those to come that fit:' } = props;
  const shown = fingerprints.slice(0, NAMED);
  return (
    <section className={styles.preview} aria-label={label} aria-live="polite">
      <b>
        {fingerprints.length === 0
          ? none
          : `${fingerprints.length} ${fingerprints.length === 1 ? 'alert' : 'alerts'} ${some}`}
      </b>
      <ul>
        {shown.map((fingerprint) => (
          <li key={fingerprint}>
            <Value text={labels[fingerprint]?.[ALERT_NAME] ?? 'an alert'} />{' '}
            <LabelSet labels={labels[fingerprint] ?? {}} without={[ALERT_NAME]} />
          </li>
        ))}
      </ul>
      {fingerprints.length > shown.length ? (
        <span className="dim">and {fingerprints.length - shown.length} more</span>
      ) : null}
    </section>
  );
}
