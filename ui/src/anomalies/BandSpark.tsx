import type { ReactElement } from 'react';
import type { AnomalyPoints } from '../api/anomalies';
import { bandPaths } from './band';
import styles from './anomalies.module.css';

const WIDTH = 150;
const HEIGHT = 32;

/** How a series went, and between which limits it was to be expected. */
export function BandSpark({ points, label }: { points: AnomalyPoints; label: string }): ReactElement {
  const { line, band, last } = bandPaths(points, WIDTH, HEIGHT);
  return (
    <svg
      className={styles.spark}
      width={WIDTH}
      height={HEIGHT}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label={last === null ? `${label}: no data` : `${label}: what it did, and what was to be expected`}
    >
      <path className={styles.band} d={band} />
      <path className={styles.line} d={line} />
      {last === null ? null : (
        <circle className={styles.dot} cx={Math.min(last.x, WIDTH - 2)} cy={last.y} r={2} />
      )}
    </svg>
  );
}
