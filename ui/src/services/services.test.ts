import { describe, expect, it } from 'vitest';
import type { AlertView } from '../api/alerts';
import type { RateSeries } from '../api/traces';
import { CONVENTIONS, exprOf } from './conventions';
import {
  compareJudged,
  judgeService,
  mergeServices,
  NO_FARE,
  noCourse,
  serviceOf,
  servicesOfSpans,
  type Service,
} from './services';
import { VERSION_FIELD, versionsOf } from './versions';

const LENGTH = 8;

function service(name: string, more: Partial<Service> = {}): Service {
  return {
    name,
    source: 'spans',
    kind: 'server',
    convention: '',
    matchers: '',
    targets: null,
    fare: { ...NO_FARE, rate: 1, errorRatio: 0 },
    course: {
      ...noCourse(LENGTH),
      rates: new Array<number>(LENGTH).fill(1),
      failures: new Array<number>(LENGTH).fill(0),
    },
    ...more,
  };
}

function series(
  labels: Readonly<Record<string, string>>,
  ...points: readonly [number, number, number?][]
): RateSeries {
  return {
    labels,
    points: points.map(([time_ms, spans, errors = 0]) => ({
      time_ms,
      spans,
      rate: spans / 10,
      errors,
      error_ratio: spans === 0 ? 0 : errors / spans,
      mean_ns: 1,
      exemplar: 'ab',
      quantiles_ns: { '0.5': 1e6, '0.95': 2e6, '0.99': 3e6 },
    })),
  };
}

describe('the service that labels name', () => {
  it.each([
    [{ job: 'shop/cart' }, 'cart'],
    [{ job: 'cart' }, 'cart'],
    [{ service: 'pay', job: 'x' }, 'pay'],
    [{ service_name: 'pay', job: 'x' }, 'pay'],
    [{}, ''],
  ])('%o is %s', (labels, name) => expect(serviceOf(labels)).toBe(name));
});

describe('services by their spans', () => {
  const grid = { start: 0, end: 80, step: 10 };
  const found = servicesOfSpans(
    [
      series({ service: 'a', kind: 'server' }, [0, 80, 8]),
      series({ service: 'a', kind: 'client' }, [0, 400]),
    ],
    [
      series({ service: 'a', kind: 'server' }, [10_000, 20, 5]),
      series({ service: 'a', kind: 'client' }, [0, 9]),
    ],
    grid,
    LENGTH,
  );
  it('count what they serve, not what they ask others', () => {
    expect(found).toHaveLength(1);
    expect(found[0]?.fare).toMatchObject({ rate: 1, errorRatio: 0.1, p95: 0.002 });
  });
  it('have no requests where they have no spans', () => {
    expect(found[0]?.course.rates).toEqual([0, 2, 0, 0, 0, 0, 0, 0]);
    expect(found[0]?.course.failures[1]).toBe(0.5);
    expect(found[0]?.course.p95[0]).toBeNull();
  });
});

describe('how a service stands', () => {
  const course = (failures: number): Service['course'] => ({
    ...service('x').course,
    failures: [0, 0, 0, 0, 0, 0, failures, failures],
  });
  it.each([
    [0, 'ok'],
    [0.02, 'warning'],
    [0.2, 'critical'],
  ])('with %d failing lately it is %s', (failures, status) =>
    expect(judgeService(service('x', { course: course(failures) }), [], 60).status).toBe(status),
  );
  it('that it is slower than before is said', () => {
    const slow = { ...service('x').course, p95: [0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.5, 0.5] };
    expect(judgeService(service('x', { course: slow }), [], 60).reasons).toEqual([
      'p95 is 500 ms, 5.0 times that of before',
    ]);
  });
  it('that nobody asks it any more is said', () => {
    const silent = { ...service('x').course, rates: [1, 1, 1, 1, 1, 1, 0, 0] };
    expect(judgeService(service('x', { course: silent }), [], 60)).toMatchObject({
      status: 'warning',
      reasons: ['no requests in the last 2m'],
    });
  });
  it('its alerts and its targets count', () => {
    const alert = {
      fingerprint: 'f',
      labels: { alertname: 'Down', job: 'x', severity: 'critical' },
      annotations: {},
      state: 'firing',
      since: '2026-11-30T00:00:00Z',
    } as unknown as AlertView;
    const verdict = judgeService(service('x', { targets: { up: 1, all: 2 } }), [alert], 60);
    expect(verdict.status).toBe('critical');
    expect(verdict.reasons).toEqual(['Down', '1 of 2 targets down']);
    expect(judgeService(service('y'), [alert], 60).status).toBe('ok');
  });
  it('what burns comes first, then what fails most', () => {
    const judged = [service('calm'), service('bad', { course: course(0.5) }), service('busy')].map((one) => ({
      service: one.name === 'busy' ? { ...one, fare: { ...one.fare, rate: 9 } } : one,
      verdict: judgeService(one, [], 60),
    }));
    expect(judged.sort(compareJudged).map((one) => one.service.name)).toEqual(['bad', 'busy', 'calm']);
  });
});

describe('what several tell of one service', () => {
  it('spans go before metrics, and targets are added', () => {
    const merged = mergeServices(
      [service('a')],
      [service('a', { source: 'metrics' }), service('b', { source: 'metrics' })],
      new Map([
        ['a', { up: 1, all: 1 }],
        ['c', { up: 0, all: 1 }],
      ]),
      LENGTH,
    );
    expect(merged.map(({ name, source, targets }) => [name, source, targets?.all])).toEqual([
      ['a', 'spans', 1],
      ['b', 'metrics', undefined],
      ['c', 'targets', 1],
    ]);
  });
});

describe('requests as metrics name them', () => {
  it('are asked by the labels of services', () => {
    const grpc = CONVENTIONS.find(({ count }) => count.startsWith('grpc'));
    expect(grpc && exprOf(grpc, 'rate', '5m', 'job="a"')).toBe(
      'sum by (service, service_name, job) (rate(grpc_server_handled_total{job="a"}[5m]))',
    );
    const millis = CONVENTIONS.find(({ perSecond }) => perSecond === 1000);
    expect(millis && exprOf(millis, 0.95, '5m')).toMatch(/^histogram_quantile\(0\.95, .*\) \/ 1000$/u);
  });
});

describe('versions', () => {
  const of = (version: string, ...times: number[]): RateSeries =>
    series({ [VERSION_FIELD]: version }, ...times.map((at): [number, number] => [at, 5]));
  it('began when their first span came, if another was there before', () =>
    expect(
      versionsOf([of('1.0', 0, 10_000), of('1.1', 30_000), of('', 0)], 0, 10_000).map((one) => [
        one.version,
        one.before,
        one.firstMs,
      ]),
    ).toEqual([
      ['1.1', false, 30_000],
      ['1.0', true, 0],
    ]));
  it('the only one is no news', () =>
    expect(versionsOf([of('1.0', 30_000)], 0, 10_000).map(({ before }) => before)).toEqual([true]));
});
