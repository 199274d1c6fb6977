import { describe, expect, it } from 'vitest';
import { comparedIn, thresholdOf } from './threshold';

describe('what a rule compares with a number', () => {
  it.each([
    ['up == 0', 'up', '==', 0],
    ['rate(x_total{code=~"5.."}[5m]) > 0.05', 'rate(x_total{code=~"5.."}[5m])', '>', 0.05],
    ['sum by (job) (a) / sum by (job) (b)\n  >= 1e-3', 'sum by (job) (a) / sum by (job) (b)', '>=', 0.001],
    ['a < -2.5 # low', 'a', '<', -2.5],
    ['sum(a > bool 3) / count(a or b) > 0.5', 'sum(a > bool 3) / count(a or b)', '>', 0.5],
    ['x{y="a > 3 and b"} > bool 4', 'x{y="a > 3 and b"}', '>', 4],
  ])('finds it in %s', (text, measure, operator, limit) => {
    expect(comparedIn(text)).toEqual({ measure, operator, limit });
  });

  it.each([
    'absent(up)',
    'a > 1 and b > 2',
    'a > b',
    '(a > 1',
    'a) > 1',
    'a > on (job) b * 2',
    'sum(a > 3) > 2 unless c > 1',
    'vector(1)',
  ])('finds none in %s', (text) => {
    expect(comparedIn(text)).toBeNull();
  });

  it('marks it once, on the side that is bad', () => {
    const [more, equal] = ['a > 3', 'a == 0'].map(comparedIn);
    expect(more && thresholdOf(more, 'critical')).toEqual({
      value: 3,
      label: '>',
      tone: 'critical',
      beyond: 'above',
    });
    expect(equal && thresholdOf(equal, 'warning')).toEqual({ value: 0, label: '==', tone: 'warning' });
  });
});
