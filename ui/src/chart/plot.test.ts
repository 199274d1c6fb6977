import uPlot from 'uplot';
import { describe, expect, it } from 'vitest';
import { plotOptions, timeSpace, type PlotLook } from './plot';
import { TIME_INCREMENTS_S } from './ticks';

const LOOK: PlotLook = {
  scheme: 'dark',
  unit: 'none',
  utc: true,
  stacked: true,
  filled: false,
  colors: ['#111111', '#222222', '#333333'],
  faint: null,
  syncKey: null,
  atLeast: null,
  compact: false,
};

/** The distance between ticks that uPlot chooses: the first of `steps` that leaves them room. */
function chosen(widthPx: number, rangeS: number): number {
  const space =
    typeof timeSpace === 'function'
      ? timeSpace(undefined as unknown as uPlot, 0, 0, rangeS, widthPx)
      : timeSpace;
  return TIME_INCREMENTS_S.find((step) => (step * widthPx) / rangeS >= space) ?? Infinity;
}

describe('time ticks', () => {
  it('are several even on a small chart', () => {
    expect(chosen(200, 900)).toBe(300);
    expect(chosen(300, 900)).toBe(300);
    expect(chosen(250, 600)).toBe(300);
  });
  it('leave room for seconds where they are written', () => expect(chosen(200, 60)).toBe(30));
});

describe('stacked series', () => {
  it('stand on a base that has no gaps, instead of on the series below', () => {
    const { bands, series } = plotOptions(LOOK, () => [0, 1]);
    expect(series).toHaveLength(1 + 3 + 2);
    expect(bands).toEqual([{ series: [3, 5] }, { series: [2, 4] }]);
  });
});
