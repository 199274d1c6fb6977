// `smoothing`: a series without its noise, by ASAP (Rong and Bailis, 2017): the moving mean that is smoothest among those
// that keep what stands out, which the kurtosis tells.

import { numeric, type Cell, type Field } from '../frame';
import { numberAt } from '../json';
import type { Step } from './names';

interface Point {
  x: number;
  y: number;
}

const RESOLUTION = 100;
const MOST = 1000;
/** Less agreement with itself is no period. */
const LEAST_PEAK = 0.2;

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** The mean power of how far values are from their mean. */
function moment(values: readonly number[], power: number): number {
  const middle = mean(values);
  return mean(values.map((value) => (value - middle) ** power));
}

function kurtosis(values: readonly number[]): number {
  const spread = moment(values, 2);
  return spread === 0 ? 0 : moment(values, 4) / spread ** 2;
}

function roughness(values: readonly number[]): number {
  return values.length < 2 ? 0 : Math.sqrt(moment(steps(values), 2));
}

function steps(values: readonly number[]): number[] {
  return values.slice(1).map((value, i) => value - (values[i] ?? 0));
}

function means(values: readonly number[], wide: number, step: number): number[] {
  const made: number[] = [];
  for (let from = 0; from + wide <= values.length; from += step)
    made.push(mean(values.slice(from, from + wide)));
  return made;
}

/** The lags, up to `most`, at which the series agrees with itself more than at those beside them. */
function periods(values: readonly number[], most: number): number[] {
  const middle = mean(values);
  const off = values.map((value) => value - middle);
  const whole = off.reduce((sum, value) => sum + value * value, 0);
  if (whole === 0) return [];
  const agreement = Array.from({ length: most + 2 }, (_, lag) => {
    let sum = 0;
    for (let i = lag; i < off.length; i += 1) sum += (off[i] ?? 0) * (off[i - lag] ?? 0);
    return sum / whole;
  });
  return agreement.flatMap((value, lag) =>
    lag > 1 &&
    lag <= most &&
    value > LEAST_PEAK &&
    value > (agreement[lag - 1] ?? 0) &&
    value >= (agreement[lag + 1] ?? 0)
      ? [lag]
      : [],
  );
}

/** How many values the moving mean is of. */
export function windowOf(values: readonly number[]): number {
  const most = Math.round(values.length / 10);
  const telling = kurtosis(values);
  let [best, least] = [1, roughness(values)];
  const fits = (wide: number): boolean => {
    const made = means(values, wide, 1);
    if (kurtosis(made) < telling) return false;
    const rough = roughness(made);
    if (rough < least) [best, least] = [wide, rough];
    return true;
  };
  for (const lag of periods(values, most)) fits(lag);
  // What is not periodic: the wider, the smoother, until what stands out is lost.
  let [low, high] = [best + 1, most];
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (fits(middle)) low = middle + 1;
    else high = middle - 1;
  }
  return best;
}

function smoothed(points: readonly Point[], resolution: number): Point[] {
  const block = points.length >= 2 * resolution ? Math.floor(points.length / resolution) : 1;
  const [xs, ys] = [points.map(({ x }) => x), points.map(({ y }) => y)];
  const [times, values] = [means(xs, block, block), means(ys, block, block)];
  const wide = windowOf(values);
  const centres = means(times, wide, 1);
  return means(values, wide, 1).map((y, i) => ({ x: centres[i] ?? 0, y }));
}

/** The height of a line through `points` at each of `times`; before and after it, that of its ends. */
function along(points: readonly Point[], times: readonly Cell[]): Cell[] {
  let place = 0;
  return times.map((cell) => {
    const x = numeric(cell);
    const [first, last] = [points[0], points.at(-1)];
    if (x === null || !first || !last) return null;
    if (x <= first.x) return first.y;
    if (x >= last.x) return last.y;
    if (x < (points[place]?.x ?? 0)) place = 0;
    while ((points[place + 1]?.x ?? Infinity) < x) place += 1;
    const [left = first, right = last] = [points[place], points[place + 1]];
    return left.y + ((x - left.x) / (right.x - left.x)) * (right.y - left.y);
  });
}

export const smoothing: Step = (frames, options) => {
  const wished = numberAt(options, 'resolution') ?? RESOLUTION;
  const resolution = Math.round(Math.max(1, Math.min(MOST, wished)));
  return frames.map((frame) => {
    const time = frame.fields.find(({ type }) => type === 'time');
    if (!time) return frame;
    const fields = frame.fields.map((field): Field => {
      if (field.type !== 'number') return field;
      const points = field.values
        .flatMap((cell, row): Point[] => {
          const [x, y] = [numeric(time.values[row]), numeric(cell)];
          return x === null || y === null || !Number.isFinite(y) ? [] : [{ x, y }];
        })
        .sort((a, b) => a.x - b.x);
      if (points.length === 0) return field;
      return {
        ...field,
        name: `${field.name} (smoothed)`,
        values: along(smoothed(points, resolution), time.values),
      };
    });
    const some = fields.some((field, i) => field !== frame.fields[i]);
    return some ? { ...frame, fields, name: `${frame.name ?? 'Data'} (smoothed)` } : frame;
  });
};
