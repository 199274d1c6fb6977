import type { ReactElement } from 'react';
import type { Effect, Outcome } from '../api/versions';
import { effectWords, placesOf } from './effect';
import styles from './versions.module.css';

/** An effect with its interval on a line, of which the middle is "no change". */
export function EffectLine(props: {
  of: Effect;
  verdict: Outcome;
  /** How many times more or less the ends of the line are. */
  reach: number;
  label: string;
}): ReactElement {
  const { of, verdict, reach, label } = props;
  const places = placesOf(of, reach);
  return (
    <svg
      className={styles.effect}
      data-verdict={verdict}
      viewBox="0 0 100 16"
      preserveAspectRatio="none"
      role="img"
      aria-label={`${label}: ${effectWords(of)}`}
    >
      <line className={styles.axis} x1={0} x2={100} y1={8} y2={8} />
      <line className={styles.zero} x1={50} x2={50} y1={1} y2={15} />
      {places === null ? null : (
        <>
          <rect
            className={styles.interval}
            x={places.low}
            width={Math.max(places.high - places.low, 0.6)}
            y={4.5}
            height={7}
          />
          {places.effect === null ? null : (
            <line className={styles.mark} x1={places.effect} x2={places.effect} y1={2} y2={14} />
          )}
        </>
      )}
    </svg>
  );
}
