import { describe, expect, it } from 'vitest';
import { increments, powerTicks, TIME_INCREMENTS_S, timeLabels, timeTicks, valueLabels } from './ticks';

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
  it('of a logarithmic axis are powers of ten', () => {
    expect(powerTicks(0.001, 100, 10)).toEqual([0.001, 0.01, 0.1, 1, 10, 100]);
    expect(powerTicks(0.001, 100, 3)).toEqual([0.001, 0.1, 10]);
  });
});

describe('time ticks', () => {
  it('are those of a clock', () =>
    expect(TIME_INCREMENTS_S.filter((step) => step >= 1 && step <= 3600)).toEqual([
      1, 5, 10, 15, 30, 60, 300, 600, 900, 1800, 3600,
    ]));
  it('stand at whole steps', () => {
    const ticks = timeTicks(1_000_000_007, 1_000_001_807, 6, true);
    expect(ticks.map((tick) => tick.label)).toEqual(['01:50', '01:55', '02:00', '02:05', '02:10', '02:15']);
  });
  it('name the day where it changes', () =>
    expect(timeLabels([86_400 - 3600, 86_400, 86_400 + 3600], 3600, true)).toEqual([
      '23:00',
      'Jan 2',
      '01:00',
    ]));
  it('have seconds and less where they are that close', () => {
    expect(timeLabels([61], 1, true)).toEqual(['00:01:01']);
    expect(timeLabels([61.25], 0.05, true)).toEqual(['01.250']);
  });
  it('of no time are none', () => expect(timeTicks(5, 5, 6, true)).toEqual([]));
});
