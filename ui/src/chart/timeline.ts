// Bars on a common axis: what lasted from when until when. Of jobs, spans, silences, shifts.

export interface TimelineBar {
  id: string;
  label: string;
  fromMs: number;
  /** Null for what is not over. */
  toMs: number | null;
  /** Any CSS colour. */
  color?: string;
  /** Not certain, or planned. */
  faint?: boolean;
}

export interface TimelineRow {
  id: string;
  label: string;
  /** How deep in a tree, from 0. */
  depth?: number;
  bars: readonly TimelineBar[];
}

/** Left edge and width of a bar in percent of the axis; null where it lies outside. A sliver is kept of the shortest. */
export function placeBar(
  bar: Pick<TimelineBar, 'fromMs' | 'toMs'>,
  axis: { fromMs: number; toMs: number },
): { left: number; width: number; cutLeft: boolean; cutRight: boolean } | null {
  const span = axis.toMs - axis.fromMs;
  const to = bar.toMs ?? axis.toMs;
  if (span <= 0 || bar.fromMs > axis.toMs || to < axis.fromMs) return null;
  const left = Math.max(0, (bar.fromMs - axis.fromMs) / span);
  const right = Math.min(1, (to - axis.fromMs) / span);
  return {
    left: left * 100,
    width: Math.max(0, right - left) * 100,
    cutLeft: bar.fromMs < axis.fromMs,
    cutRight: bar.toMs === null || bar.toMs > axis.toMs,
  };
}
