// The shape of a few values as an SVG path, without axis: only how they went.

export interface SparkPath {
  /** Strokes; several where there are gaps. */
  line: string;
  /** Closed to the ground, for a fill; empty where the values do not stand on 0. */
  area: string;
  /** Where the newest value is; null without any. */
  last: { x: number; y: number } | null;
}

/** Room above and below for the stroke's width. */
const EDGE = 1.5;

function fixed(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/**
 * `values` in a box of `width` by `height`. From 0 where none is negative, so that a fill does not lie; a value that
 * is not finite is a gap.
 */
export function sparkPath(values: readonly (number | null)[], width: number, height: number): SparkPath {
  const known = values.filter((value): value is number => value !== null && Number.isFinite(value));
  if (known.length === 0) return { line: '', area: '', last: null };
  const grounded = known.every((value) => value >= 0);
  const low = grounded ? 0 : Math.min(...known);
  const high = Math.max(...known);
  const x = (i: number): number => (values.length < 2 ? width : (i / (values.length - 1)) * width);
  const y = (value: number): number =>
    high === low
      ? height - EDGE - (high > 0 ? (height - 2 * EDGE) / 2 : 0)
      : height - EDGE - ((value - low) / (high - low)) * (height - 2 * EDGE);
  let line = '';
  let area = '';
  let run: [number, number][] = [];
  let last: SparkPath['last'] = null;
  const close = (): void => {
    const [first] = run;
    const end = run.at(-1);
    if (!first || !end) return;
    const drawn = run.map(([px, py]) => `${fixed(px)} ${fixed(py)}`).join('L');
    // A value alone between gaps is a dot.
    line += run.length === 1 ? `M${drawn}h0.1` : `M${drawn}`;
    if (grounded && run.length > 1)
      area += `M${drawn}L${fixed(end[0])} ${fixed(height)}L${fixed(first[0])} ${fixed(height)}Z`;
    run = [];
  };
  values.forEach((value, i) => {
    if (value === null || !Number.isFinite(value)) {
      close();
      return;
    }
    last = { x: x(i), y: y(value) };
    run.push([last.x, last.y]);
  });
  close();
  return { line, area, last };
}
