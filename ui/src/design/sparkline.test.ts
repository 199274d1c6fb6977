import { describe, expect, it } from 'vitest';
import { sparkPath } from './sparkline';

describe('a sparkline', () => {
  it('stands on 0', () => {
    const { line, area } = sparkPath([0, 10], 100, 13);
    expect(line).toBe('M0 11.5L100 1.5');
    expect(area).toBe('M0 11.5L100 1.5L100 13L0 13Z');
  });
  it('is not filled where values are below 0', () => expect(sparkPath([-1, 1], 100, 13).area).toBe(''));
  it('keeps a gap a gap', () =>
    expect(sparkPath([1, null, 1, NaN, 1, 1], 50, 13).line.match(/M/g)).toHaveLength(3));
  it('shows a value that is alone', () => expect(sparkPath([null, 5, null], 50, 13).line).toContain('h0.1'));
  it('of nothing is nothing', () => {
    expect(sparkPath([], 50, 13)).toEqual({ line: '', area: '', last: null });
    expect(sparkPath([null, NaN], 50, 13).last).toBeNull();
  });
  it('of what does not change is level', () =>
    expect(sparkPath([7, 7], 50, 13).line).toBe('M0 6.5L50 6.5'.replaceAll('6.5', '1.5')));
});
