import uPlot from 'uplot';
import { describe, expect, it } from 'vitest';
import { increments, plotOptions, TIME_INCREMENTS_S, timeSpace, valueLabels, type PlotLook } from './plot';

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

describe('value ticks', () => {
  it('exist for all doubles', () => {
    expect(increments('none').at(-1)).toBe(1e308);
    expect(increments('bytes').at(-1)).toBe(2 ** 1023);
    expect(increments('none').every(Number.isFinite)).toBe(true);
  });
  it('tell neighbours apart', () => {
    expect(valueLabels([999_999_999, 1e9, 1_000_000_001], 'none', 1)).toEqual([
      '999,999,999',
      '1,000,000,000',
      '1,000,000,001',
    ]);
    expect(valueLabels([1000, 1000.5], 'seconds', 0.5)).toEqual(['1000 s', '1000.5 s']);
    expect(valueLabels([0, 20, 40], 'none', 20)).toEqual(['0', '20', '40']);
  });
});

describe('time ticks', () => {
  it('are several even on a small chart', () => {
    expect(chosen(200, 900)).toBe(300);
    expect(chosen(300, 900)).toBe(180);
    expect(chosen(250, 600)).toBe(120);
  });
  it('leave room for seconds where they are written', () => expect(chosen(200, 60)).toBe(20));
});

describe('stacked series', () => {
  it('stand on a base that has no gaps, instead of on the series below', () => {
    const { bands, series } = plotOptions(LOOK, () => [0, 1]);
    expect(series).toHaveLength(1 + 3 + 2);
    expect(bands).toEqual([{ series: [3, 5] }, { series: [2, 4] }]);
  });
});
