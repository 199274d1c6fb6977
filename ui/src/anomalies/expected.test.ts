import { describe, expect, it } from 'vitest';
import type { Anomaly, AnomalyWatch } from '../api/anomalies';
import type { RangeSeries } from '../api/types';
import { bandsAt, bandsOf, gridThrough, limitsQuery, stretchesOf } from './expected';

const grid = { start: 0, end: 60, step: 30 };
const series = (metric: Record<string, string>, ...values: number[]): RangeSeries => ({
  metric,
  values: values.map((value, i) => [i * 30, String(value)] as const),
});
const watch = (name: string, text: string): AnomalyWatch => ({
  name,
  series: text,
  query: `rate(${text}[5m])`,
  source: 'kept',
  gaps: false,
  alerts: true,
  followed: 1,
});
const depth = series({ __name__: 'queue_depth', queue: 'a' }, 1, 2, 3);
const limit = (name: string, labels: Record<string, string>, ...values: number[]): RangeSeries =>
  series({ __name__: `pharos_anomaly_${name}`, anomaly_watch: 'queues', ...labels }, ...values);

describe('limitsQuery', () => {
  it('asks by the name of what is drawn', () => {
    expect(limitsQuery('queue_depth', [depth], [])).toBe(
      '{__name__=~"pharos_anomaly_lower|pharos_anomaly_upper",anomaly_metric=~"queue_depth"}',
    );
  });

  it('asks by the watch that has the same expression, however it is spaced', () => {
    expect(
      limitsQuery('rate( orders_total [5m])', [series({ job: 'shop' }, 1)], [watch('a.b', 'orders_total')]),
    ).toBe('{__name__=~"pharos_anomaly_lower|pharos_anomaly_upper",anomaly_watch=~"a\\\\.b"}');
  });

  it('asks by no name where only a watch of the expression counts', () => {
    const watched = [watch('orders', 'orders_total')];
    expect(limitsQuery('queue_depth', [depth], watched, false)).toBe('');
    expect(limitsQuery('rate(orders_total[5m])', [depth], watched, false)).toContain(
      'anomaly_watch=~"orders"',
    );
  });

  it('asks nothing of what nobody can watch', () => {
    expect(limitsQuery('sum(up)', [series({}, 1)], [watch('a', 'orders_total')])).toBe('');
  });
});

describe('stretchesOf', () => {
  const own = { anomaly_metric: 'queue_depth', queue: 'a' };
  const limits = [limit('lower', own, 5, 5, 5), limit('upper', own, 9, 9, 9)];
  const anomaly = (changes: Partial<Anomaly>): Anomaly => ({
    id: '1',
    watch: 'queues',
    metric: 'queue_depth',
    labels: { queue: 'a' },
    severity: 'warning',
    state: 'over',
    start: '1970-01-01T00:00:10Z',
    end: '1970-01-01T00:00:40Z',
    score: 0.7,
    confidence: 1,
    value: 12,
    lower: 5,
    upper: 9,
    direction: 'up',
    mark: 'none',
    marked_by: '',
    query: 'queue_depth',
    points: null,
    ...changes,
  });

  it('tells when a series that is drawn was unusual, and that it still is', () => {
    const found = [anomaly({}), anomaly({ severity: 'critical', end: null })];
    expect(stretchesOf([depth], limits, found, 60_000)).toEqual([
      { fromMs: 10_000, toMs: 40_000, text: 'Unusual', tone: 'warning' },
      { fromMs: 10_000, toMs: 60_000, text: 'Unusual', tone: 'critical' },
    ]);
  });

  it('tells nothing of another series, another watch, or one without limits', () => {
    const found = [anomaly({ labels: { queue: 'b' } }), anomaly({ watch: 'others' })];
    expect(stretchesOf([depth], limits, found, 60_000)).toEqual([]);
    expect(stretchesOf([depth], [], [anomaly({})], 60_000)).toEqual([]);
  });
});

describe('bandsOf', () => {
  it('gives each series the limits that have its labels', () => {
    const other = series({ __name__: 'queue_depth', queue: 'b' }, 7, 8, 9);
    const own = { anomaly_metric: 'queue_depth', queue: 'b' };
    const limits = [limit('lower', own, 5, 5, 5), limit('upper', own, 9, 9, 9)];
    expect(bandsOf([depth, other], limits, grid)).toEqual([
      { label: 'expected', lower: [5, 5, 5], upper: [9, 9, 9], series: 1 },
    ]);
  });

  it('takes no limits of another metric, and none of which one end is missing', () => {
    const foreign = { anomaly_metric: 'queue_age', queue: 'a' };
    const own = { anomaly_metric: 'queue_depth', queue: 'a' };
    const limits = [limit('lower', foreign, 1), limit('upper', foreign, 2), limit('lower', own, 1)];
    expect(bandsOf([depth], limits, grid)).toEqual([]);
  });
});

describe('a grid through times', () => {
  it('has their ends and the smallest step', () =>
    expect(gridThrough([30, 60, 120, 150])).toEqual({ start: 30, end: 150, step: 30 }));
  it.each([[[]], [[30]], [[0, 0.001, 3_600]]])('is none through %j', (times) =>
    expect(gridThrough(times)).toBeNull(),
  );
});

describe('bands at times', () => {
  const band = { label: 'expected', lower: [1, 2, 3], upper: [4, 5, 6] };
  it('are as they are where these are the grid', () => {
    const bands = [band];
    expect(bandsAt([0, 30, 60], bands, grid)).toBe(bands);
  });
  it('leave out what lies between', () =>
    expect(bandsAt([0, 60], [band], grid)).toEqual([{ ...band, lower: [1, 3], upper: [4, 6] }]));
});
