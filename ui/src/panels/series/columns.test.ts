import { describe, expect, it } from 'vitest';
import { readFrames, type Figure, type SeriesFrame } from '../answer';
import { transform } from '../transform/transform';
import { configure } from '../overrides';
import { drawableOf, drawingOf, stackSeries } from './columns';
import { rangeOf, tellingSteps, tickLabels } from './plot';

const LOOKS = { scheme: 'dark', clock: { nowMs: 0, utc: true } } as const;

function frame(ref: string, start: number, ...series: readonly (readonly Figure[])[]): SeriesFrame {
  return {
    ...{ shape: 'series', ref, times: { start, step: 1000, count: series[0]?.length ?? 0 } },
    series: series.map((values, i) => ({ name: `${ref}${i}`, labels: { i: String(i) }, values })),
  };
}

function drawn(frames: readonly SeriesFrame[], custom: object, overrides: readonly object[] = []) {
  return drawingOf(configure(readFrames(frames), { defaults: { custom }, overrides }), LOOKS);
}

describe('a drawing', () => {
  it('has one grid for all, and no gap where a series has no instant', () => {
    const { times, series } = drawn([frame('A', 0, [1, 2]), frame('B', 1000, [3, null])], {});
    expect(times).toEqual([0, 1, 2]);
    expect(series.map(({ values }) => values)).toEqual([
      [1, 2, undefined],
      [undefined, 3, null],
    ]);
  });
  it('has an axis for each unit, the second at the right', () => {
    const bytes = { matcher: { id: 'byName', options: 'A1' }, properties: [{ id: 'unit', value: 'bytes' }] };
    const { scales, series } = drawn([frame('A', 0, [1], [2], [3])], {}, [bytes]);
    expect(scales.map(({ unit, side }) => [unit, side])).toEqual([
      ['none', 'left'],
      ['bytes', 'right'],
    ]);
    expect(series.map(({ look }) => look.scale)).toEqual(['y', 'y2', 'y']);
  });
  it('is turned over where it is asked to be', () =>
    expect(drawn([frame('A', 0, [1, null])], { transform: 'negative-Y' }).series[0]?.values).toEqual([
      -1,
      null,
    ]));
  it('reads what JSON has no number for', () =>
    expect(drawn([frame('A', 0, ['NaN', '+Inf', '-Inf', null])], {}).series[0]?.values).toEqual([
      NaN,
      Infinity,
      -Infinity,
      null,
    ]));
  it('leaves out what is hidden', () =>
    expect(drawn([frame('A', 0, [1])], { hideFrom: { viz: true } }).series).toEqual([]));
  it('can be of transformed frames', () => {
    const { frames } = transform(readFrames([frame('A', 0, [1, 2], [3, 4])]), [
      { id: 'joinByField', options: {} },
    ]);
    expect(
      drawingOf(configure(frames, {}), LOOKS).series.map(({ title, values }) => [title, values]),
    ).toEqual([
      ['A0', [1, 2]],
      ['A1', [3, 4]],
    ]);
  });
});

describe('colours of values', () => {
  const ramp = (color: object, thresholds: object, custom: object = { gradientMode: 'scheme' }) =>
    drawingOf(
      configure(readFrames([frame('A', 0, [0, 100], [50, 200])]), {
        defaults: { custom, color, thresholds },
      }),
      LOOKS,
    ).series[0]?.look.ramp;
  const steps = [
    { value: null, color: '#00ff00' },
    { value: 75, color: '#ff0000' },
  ];
  it('are the steps of thresholds', () => {
    expect(ramp({ mode: 'thresholds' }, { mode: 'absolute', steps })).toEqual({
      stepped: true,
      stops: [
        { value: -Infinity, color: '#00ff00' },
        { value: 75, color: '#ff0000' },
      ],
    });
    expect(ramp({ mode: 'thresholds' }, { mode: 'percentage', steps })?.stops[1]?.value).toBe(150);
  });
  it('flow between the ends of all on one axis', () => {
    const made = ramp({ mode: 'continuous-GrYlRd' }, {});
    expect(made?.stepped).toBe(false);
    expect(made?.stops.map(({ value }) => value)).toEqual([0, 50, 100, 150, 200]);
    expect(new Set(made?.stops.map(({ color }) => color)).size).toBe(5);
  });
  it('are not those of a palette, nor of another gradient', () => {
    expect(ramp({ mode: 'palette-classic' }, { steps })).toBeNull();
    expect(ramp({ mode: 'thresholds' }, { steps }, { gradientMode: 'opacity' })).toBeNull();
  });
});

describe('a stack', () => {
  const { series } = drawn([frame('A', 0, [1, 2], [3, null], [4, 5])], {
    stacking: { mode: 'normal', group: 'A' },
  });
  it('lays each on those before it', () =>
    expect(stackSeries(series, new Set(), [0, 1])).toEqual({
      tops: [
        [1, 2],
        [4, null],
        [8, 7],
      ],
      bases: [null, [1, 2], [4, 2]],
    }));
  it('leaves out what is hidden', () =>
    expect(stackSeries(series, new Set([0]), [0, 1]).tops[2]).toEqual([7, 5]));
  it('makes a whole of shares', () => {
    const { series: shares } = drawn([frame('A', 0, [1, 0], [3, 0])], {
      stacking: { mode: 'percent', group: 'A' },
    });
    expect(stackSeries(shares, new Set(), [0, 1]).tops).toEqual([
      [0.25, 0],
      [1, 0],
    ]);
  });
  it('lays what is below 0 apart', () => {
    const { series: both } = drawn([frame('A', 0, [1], [-2], [3])], {
      stacking: { mode: 'normal', group: 'A' },
    });
    expect(stackSeries(both, new Set(), [0]).tops).toEqual([[1], [-2], [4]]);
    expect(both.map(({ look }) => look.hangs)).toEqual([false, true, false]);
  });
  it('is even where its series have different steps', () => {
    const coarse: SeriesFrame = {
      ...frame('A', 1000, [10, 14]),
      times: { start: 1000, step: 4000, count: 2 },
    };
    const { series: both, times } = drawn([coarse, frame('B', 0, [1, 1, 1, 1, 1, 1, 1])], {
      stacking: { mode: 'normal', group: 'A' },
    });
    expect(stackSeries(both, new Set(), times)).toEqual({
      tops: [
        [10, 10, 11, 12, 13, 14, 14],
        [11, 11, 12, 13, 14, 15, 15],
      ],
      bases: [null, [10, 10, 11, 12, 13, 14, 14]],
    });
    // What is told of it stays what was answered.
    expect(both[0]?.values).toEqual([undefined, 10, undefined, undefined, undefined, 14, undefined]);
  });
  it('of steps keeps its steps, and of bars has nothing between them', () => {
    const coarse: SeriesFrame = { ...frame('A', 0, [1, 3]), times: { start: 0, step: 2000, count: 2 } };
    const tops = (custom: object) => {
      const { series: both, times } = drawn([coarse, frame('B', 0, [5, 5, 5])], {
        ...custom,
        stacking: { mode: 'normal', group: 'A' },
      });
      return stackSeries(both, new Set(), times).tops[1];
    };
    expect(tops({ lineInterpolation: 'stepAfter' })).toEqual([6, 6, 8]);
    expect(tops({ lineInterpolation: 'stepBefore' })).toEqual([6, 8, 8]);
    expect(tops({ drawStyle: 'bars' })).toEqual([6, 5, 8]);
  });
});

describe('a line', () => {
  const [one] = drawn([frame('A', 0, [1, null, 2, null, null, 3])], { spanNulls: 2000 }).series;
  it('goes on over gaps that are short enough', () =>
    expect(one && drawableOf(one.values, one.look, [0, 1, 2, 3, 4, 5])).toEqual([
      1,
      undefined,
      2,
      null,
      null,
      3,
    ]));
});

describe('a gap', () => {
  const one = frame('A', 0, [1, 2, 3]);
  const late = { ...one, times: [0, 1000, 5000] };
  const shown = (custom: object, ...frames: SeriesFrame[]) => {
    const { times, series } = drawn(frames, custom);
    return [times, ...series.map(({ values }) => values)];
  };
  it('is where instants are further apart than is asked for', () =>
    expect(shown({ insertNulls: 2000 }, late)).toEqual([
      [0, 1, 3, 5],
      [1, 2, null, 3],
    ]));
  it('is none where they are as far apart, or nothing is asked for', () => {
    expect(shown({ insertNulls: 4000 }, late)).toEqual([
      [0, 1, 5],
      [1, 2, 3],
    ]);
    expect(shown({ insertNulls: false }, late)).toEqual([
      [0, 1, 5],
      [1, 2, 3],
    ]);
  });
  it('leaves the other series as they are', () =>
    expect(shown({ insertNulls: 2000 }, late, frame('B', 1000, [7, 8, 9]))).toEqual([
      [0, 1, 2, 3, 5],
      [1, 2, undefined, null, 3],
      [undefined, 7, 8, 9, undefined],
    ]));
});

describe('an axis', () => {
  const [scale] = drawn([frame('A', 0, [1])], {}).scales;
  it.each([
    [{}, 0.1, 10, [0, 10.6]],
    [{}, 99, 100, [98.94, 100.06]],
    [{ min: 5, max: 6 }, 0, 100, [5, 6]],
    [{ softMax: 200 }, 0, 100, [0, 200]],
    [{ centered: true }, -1, 4, [-4.3, 4.3]],
    [{ log: 10 }, 3, 400, [1, 1000]],
    [{ log: 2 }, 3, 5, [2, 8]],
    [{ percent: true }, 0, 1.000_01, [0, 1]],
    [{}, 7, 7, [0, 9.275]],
    [{}, Infinity, -Infinity, [0, 1.06]],
    // A minimum in bytes that few bytes are below.
    [{ min: 1024 }, 4, 20, [0, 21.2]],
    [{ max: 1 }, 40, 50, [39.4, 50.6]],
  ])('%j of %d to %d', (change, least, most, expected) => {
    const [low, high] = rangeOf({ ...(scale as NonNullable<typeof scale>), ...change }, least, most, []);
    expect(low).toBeCloseTo(expected[0] ?? 0, 2);
    expect(high).toBeCloseTo(expected[1] ?? 0, 2);
  });
  it('has labels that tell neighbours apart', () =>
    expect(tickLabels([1, 1.05, 1.1], { ...(scale as NonNullable<typeof scale>), unit: 's' }, 0.05)).toEqual([
      '1 s',
      '1.05 s',
      '1.1 s',
    ]));

  it('has no two ticks of one label', () => {
    const at = (change: object, high: number): number | undefined =>
      tellingSteps(
        [0.1, 0.25, 0.5, 1, 2, 5],
        { ...(scale as NonNullable<typeof scale>), ...change },
        0,
        high,
        6,
      )[0];
    expect(at({ unit: 'none', decimals: 0 }, 1.06)).toBe(1);
    expect(at({ unit: 'none', decimals: 0 }, 6)).toBe(1);
    expect(at({ unit: 'none', decimals: undefined }, 1.06)).toBe(0.25);
    expect(at({ unit: 'percentunit', decimals: 0 }, 1.06)).toBe(0.25);
  });
});
