import type { ReactElement } from 'react';
import styles from './skeleton.module.css';

export type SkeletonKind = 'text' | 'tile' | 'chart' | 'table';

const BARS: readonly number[] = [34, 62, 48, 75, 58, 82, 66, 44, 70, 52, 88, 60, 40, 72, 56, 80];

/** What stands where content will be, as large as it will be, so that nothing moves when it comes. */
export function Skeleton(props: {
  kind: SkeletonKind;
  /** What is awaited. */
  label: string;
  /** Lines of text, rows of a table. */
  rows?: number;
  height?: number;
}): ReactElement {
  const { kind, label, rows = 5, height } = props;
  const lines = Array.from({ length: rows }, (_, i) => i);
  return (
    <div
      className={styles[kind]}
      role="status"
      aria-label={`${label}: loading`}
      {...(height === undefined ? {} : { style: { height } })}
    >
      {kind === 'chart'
        ? BARS.map((share, i) => <i key={i} style={{ height: `${share}%` }} />)
        : lines
            .slice(0, kind === 'tile' ? 3 : rows)
            .map((i) => (
              <i key={i} style={kind === 'text' ? { width: `${BARS[i % BARS.length] ?? 50}%` } : {}} />
            ))}
    </div>
  );
}
