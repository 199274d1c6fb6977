import { describe, expect, it } from 'vitest';
import type { TraceSummary } from '../api/traces';
import { barsOf, nearest, pictureOf } from './scatter';

function trace(id: string, startMs: number, durationNs: number): TraceSummary {
  return {
    trace_id: id,
    start_ns: `${startMs}000000`,
    duration_ns: durationNs,
    spans: 1,
    errors: 0,
    has_root: true,
    service: 's',
    name: 'n',
    services: [],
  };
}

const SPAN = { fromMs: 1_000, toMs: 2_000 };
const PICTURE = pictureOf([trace('a', 1_500, 1e6), trace('b', 1_000, 1e9)], SPAN);

describe('durations over time', () => {
  it('stand on a scale of logarithms', () => {
    expect(PICTURE.dots.map(({ x, y }) => [x, y])).toEqual([
      [0.5, 1],
      [0, 0],
    ]);
    expect(PICTURE.lines.map((line) => line.seconds)).toEqual([0.001, 0.01, 0.1, 1]);
  });
  it('tell the duration of a place, and the place of a duration', () => {
    expect(PICTURE.secondsAt(1)).toBeCloseTo(0.001);
    expect(PICTURE.secondsAt(PICTURE.yOf(0.05))).toBeCloseTo(0.05);
  });
  it('are hit when the pointer is near', () => {
    const size = { width: 100, height: 100 };
    expect(nearest(PICTURE.dots, { x: 52, y: 97 }, size, 8)?.trace.trace_id).toBe('a');
    expect(nearest(PICTURE.dots, { x: 80, y: 50 }, size, 8)).toBeUndefined();
  });
});

it('spans are counted by time, failed ones apart', () =>
  expect(
    barsOf([
      { labels: { status: 'unset' }, points: [{ time_ms: 60, spans: 3 }] },
      { labels: { status: 'ok' }, points: [{ time_ms: 60, spans: 1 }] },
      { labels: { status: 'error' }, points: [{ time_ms: 0, spans: 2 }] },
    ]),
  ).toEqual([
    { fromMs: 0, failed: 2, others: 0 },
    { fromMs: 60, failed: 0, others: 4 },
  ]));
