import { describe, expect, it } from 'vitest';
import { alertNow, recordNow, seriesIn } from './now';

describe('what an expression answers now', () => {
  it.each([
    [1, 3, 'Now it holds for 1 of 3 series', false],
    [2, null, 'Now it holds for 2 series', false],
    [0, 3, 'Now it holds for none of 3 series', false],
    [0, null, 'Now it holds for nothing', false],
    [0, 0, 'Now there is nothing to compare: no series is called so, or has these labels', true],
  ])('of an alert: %i of %s', (found, measured, text, suspicious) =>
    expect(alertNow(found, measured)).toEqual({ text, suspicious }),
  );

  it('of an alert without a limit says what that means', () =>
    expect(alertNow(2, null, false)).toEqual({
      text: 'Now it holds for 2 series: without a limit it fires whatever the value is',
      suspicious: true,
    }));

  it('of what is recorded', () => {
    expect(recordNow(1200)).toEqual({ text: 'Now it records 1,200 series', suspicious: false });
    expect(recordNow(0).suspicious).toBe(true);
  });

  it('a scalar is one series', () => {
    expect(seriesIn({ resultType: 'scalar', result: [0, '1'] })).toBe(1);
    expect(seriesIn({ resultType: 'vector', result: [] })).toBe(0);
  });
});
