import { describe, expect, it } from 'vitest';
import { alertName, limitedIn, metricIn, withLimit } from './limit';

describe('a limit', () => {
  it.each([
    ['hello', { measure: 'hello', operator: '>', limit: null }],
    ['hello < 45.5', { measure: 'hello', operator: '<', limit: 45.5 }],
    ['sum by (job) (rate(x{a=~"b>c"}[5m])) / 2', { operator: '>', limit: null }],
  ])('is chosen for %s', (expression, limited) => expect(limitedIn(expression)).toMatchObject(limited));
  it.each(['', 'a > b', 'a > 1 and b > 2', 'a or b', 'absent(up)', 'a # why\n> 3', '1 < a', 'sum('])(
    'is not for %j',
    (expression) => expect(limitedIn(expression)).toBeNull(),
  );
  it('is put behind what is measured, and taken from it', () => {
    expect(withLimit('hello', '>=', '-4.5e3')).toBe('hello >= -4.5e3');
    expect(withLimit('hello', '>=', '')).toBe('hello');
  });
});

describe('what an alert may be called', () => {
  it.each([
    ['hello', 'hello'],
    ['sum by (le) (rate(http_requests_total{code="x"}[5m]))', 'http_requests_total'],
    ['100 * (1 - node:free:ratio)', 'node:free:ratio'],
    ['{job="hello"}', ''],
    ['1e3 * queue offset 5m', 'queue'],
    ['time()', ''],
  ])('is read from %s', (expression, metric) => expect(metricIn(expression)).toBe(metric));
  it('begins each part with a capital', () => {
    expect(alertName('node:memory_MemAvailable_bytes')).toBe('NodeMemoryMemAvailableBytes');
    expect(alertName('')).toBe('');
  });
});
