import type { ReactElement } from 'react';
import { formatValue, type Unit } from './format';
import { sparkPath } from './sparkline';
import styles from './sparkline.module.css';

/** How some values went, in the size of a word; what they were is told to readers who cannot see it. */
export function Sparkline(props: {
  label: string;
  values: readonly (number | null)[];
  unit?: Unit;
  width?: number;
  height?: number;
  /** Instead of the accent. */
  color?: string;
  /** As wide as there is room for; the newest value has no dot then. */
  fluid?: boolean;
}): ReactElement {
  const { label, values, unit = 'none', width = 96, height = 22, color, fluid = false } = props;
  const { line, area, last } = sparkPath(values, width, height);
  const known = values.filter((value): value is number => value !== null && Number.isFinite(value));
  const newest = known.at(-1);
  const said =
    newest === undefined
      ? 'no data'
      : `${formatValue(newest, unit)} now, from ${formatValue(Math.min(...known), unit)} to ${formatValue(Math.max(...known), unit)}`;
  return (
    <svg
      className={styles.spark}
      width={width}
      height={height}
      viewBox={`0 0 ${width} ${height}`}
      {...(fluid ? { preserveAspectRatio: 'none' } : {})}
      role="img"
      aria-label={`${label}: ${said}`}
      {...(color === undefined ? {} : { style: { color } })}
    >
      <title>{said}</title>
      {last === null ? (
        <path className={styles.none} d={`M0 ${height / 2}H${width}`} />
      ) : (
        <>
          <path className={styles.area} d={area} />
          <path className={styles.line} d={line} />
          {fluid ? null : <circle cx={Math.min(last.x, width - 2)} cy={last.y} r={2} fill="currentColor" />}
        </>
      )}
    </svg>
  );
}
