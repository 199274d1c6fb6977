import { describe, expect, it } from 'vitest';
import type { RateSeries } from '../api/traces';
import type { LogPattern } from '../api/logs';
import type { RelatedAnswer } from '../api/types';
import { ofDifferences, ofLogs, ofRelated, ranked, servicesChanged, type Finding } from './rank';
import { baselineMs, readSpike, spikeAround, writeSpike, type Spike } from './spike';

const SPIKE: Spike = { expr: 'up{a="b"}', labels: { job: 'a "b"' }, fromMs: 1_000_000, toMs: 1_120_000 };

describe('a spike', () => {
  it('is read back from its address', () => expect(readSpike(writeSpike(SPIKE))).toEqual(SPIKE));
  it.each([{}, { spike: '5-5' }, { spike: 'x-9' }, { spike: '9-3' }])('%o is none', (search) =>
    expect(readSpike(search)).toBeNull(),
  );
  it('without labels that can be read is of none', () =>
    expect(readSpike({ spike: '1-2', labels: '{"a":1}' })?.labels).toEqual({}));
  it('is compared with four times as long, ten minutes at least', () => {
    expect(baselineMs({ fromMs: 0, toMs: 60_000 })).toBe(600_000);
    expect(baselineMs({ fromMs: 0, toMs: 3_600_000 })).toBe(14_400_000);
  });
  it('lasts as long as values stay above half of the way up', () => {
    const times = Array.from({ length: 10 }, (_, i) => i * 60);
    const column = [1, 1, 1, 1, 8, 10, 9, 2, 1, 1];
    expect(spikeAround(column, times, 5)).toEqual({ fromMs: 180_000, toMs: 420_000 });
    expect(spikeAround([1, 1, null], [0, 60, 120], 2)).toBeNull();
  });
  it('may be a dip', () =>
    expect(spikeAround([9, 9, 9, 1, 9, 9], [0, 60, 120, 180, 240, 300], 3)).toEqual({
      fromMs: 120_000,
      toMs: 240_000,
    }));
});

function pattern(template: string, lines: number, level = 'info'): LogPattern {
  return { template, level, lines, first_ns: '1000000000000', last_ns: '1000000000000', counts: [lines] };
}

describe('log patterns', () => {
  it('that are new, or much more frequent, are told; errors before the rest', () => {
    const found = ofLogs(
      [
        pattern('pool empty', 40, 'error'),
        pattern('slow <_>', 30, 'warn'),
        pattern('GET <_>', 100),
        pattern('hello', 9),
      ],
      [pattern('slow <_>', 3, 'warn'), pattern('GET <_>', 95)],
      true,
    );
    expect(ranked(found).map(({ title }) => title)).toEqual(['pool empty', 'slow <_>', 'hello']);
    expect(found[1]?.text).toContain('10 times as often');
  });
  it('beside nothing none is new', () => expect(ofLogs([pattern('a', 9)], [], false)).toEqual([]));
});

function rates(service: string, spans: number, errors: number, p95: number): RateSeries {
  const point = {
    time_ms: 0,
    spans,
    rate: 1,
    errors,
    error_ratio: errors / spans,
    mean_ns: 1,
    exemplar: '',
    quantiles_ns: { '0.95': p95 * 1e9 },
  };
  return { labels: { service }, points: [point] };
}

describe('services', () => {
  it('that fail more often or take longer are told, the worst first', () => {
    const before = [rates('a', 100, 0, 0.1), rates('b', 100, 1, 0.1), rates('c', 100, 0, 0.1)];
    const during = [
      rates('a', 100, 30, 0.1),
      rates('b', 100, 1, 0.3),
      rates('c', 100, 0, 0.11),
      rates('d', 100, 0, 9),
    ];
    expect(servicesChanged(before, during).map(({ service }) => service)).toEqual(['a', 'b']);
  });
  it('attributes that tell the failed from the rest are told', () => {
    const values = [
      { value: '/pay', selected: 0.9, rest: 0.1 },
      { value: '/', selected: 0.1, rest: 0.9 },
    ];
    const same = [{ value: 'x', selected: 0.5, rest: 0.5 }];
    const found = ofDifferences(
      'a',
      'failed',
      [
        { attribute: 'route', distance: 0.8, values },
        { attribute: 'pod', distance: 0, values: same },
      ] as never,
      (name, value) => `${name}:${value}`,
    );
    expect(found.map(({ title, lead }) => [title, 'query' in lead && lead.query])).toEqual([
      ['route = /pay', 'route:/pay'],
    ]);
  });
});

describe('what is related', () => {
  const part = { items: [], has_more: false, failure: '', lacks: '', link: '' };
  const start = (version: string, at_ns: string) => ({
    what: 'version',
    at_ns,
    labels: { service: 'a' },
    version,
    before: '1.0',
    reasons: ['service'],
    link: '/traces',
  });
  it('counts more the nearer it is to the beginning', () => {
    const answer = {
      starts: { ...part, items: [start('near', '990000000000'), start('far', '1000000000')] },
      alerts: part,
      changes: part,
      health: part,
    } as unknown as RelatedAnswer;
    const found: readonly Finding[] = ranked(ofRelated(answer, SPIKE));
    expect(found.map(({ title }) => title)).toEqual(['Version near began', 'Version far began']);
    expect(found[0]?.score).toBeGreaterThan(0.9);
  });
  it('tells of checks of health, of those that went down and of the same thing first', () => {
    const check = (title: string, state: string, reason: string, at_ns = '990000000000') => ({
      ...{ check: title, title, was: state === 'down' ? 'up' : 'down', state, at_ns, text: 'timed out' },
      ...{ reasons: [reason], link: `/health?check=${title}` },
    });
    const items = [
      check('again', 'up', 'service'),
      check('other', 'down', 'time'),
      check('long ago', 'down', 'service', '1000000000'),
      check('shop', 'down', 'service'),
    ];
    const answer = {
      ...{ starts: part, alerts: part, changes: part },
      health: { ...part, items },
    } as unknown as RelatedAnswer;
    const found = ranked(ofRelated(answer, SPIKE));
    expect(found.map(({ title }) => title)).toEqual([
      'shop went down',
      'other went down',
      'again is up again',
      'long ago went down',
    ]);
    expect(found[0]).toMatchObject({
      ...{ kind: 'health', text: 'it was up: timed out', atMs: 990_000 },
      lead: { page: 'link', link: '/health?check=shop' },
    });
  });
});
