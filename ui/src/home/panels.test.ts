import { describe, expect, it } from 'vitest';
import { chartRate, drawn, FIGURES, fillIn, isRated, matchersOf, nameHosts, nowRate, PANELS } from './panels';

const MINUTE = { how: 'rate', windowS: 60 } as const;

describe('query templates', () => {
  it('takes the host as a quoted matcher, whatever it is called', () =>
    expect(
      fillIn(
        '$rate(x{$host}[$w])',
        matchersOf('a"b$w', nameHosts([{ job: 'n', instance: 'a"b$w' }])),
        MINUTE,
      ),
    ).toBe('rate(x{job="n",instance="a\\"b$w"}[60s])'));
  it('tells the same instance of two jobs apart', () => {
    const hosts = nameHosts([{ job: 'n', instance: 'x' }, { job: 'm', instance: 'x' }, { instance: 'y' }]);
    expect(hosts.map((host) => host.name)).toEqual(['x (m)', 'x (n)', 'y']);
    expect(matchersOf('x (m)', hosts)).toBe('job="m",instance="x"');
    expect(matchersOf('y', hosts)).toBe('job="",instance="y"');
  });
  it('shows the only host by itself, several as an overview, and a host that is gone', () => {
    expect(matchersOf(null, nameHosts([{ job: 'n', instance: 'x' }]))).toBe('job="n",instance="x"');
    expect(matchersOf(null, nameHosts([{ instance: 'x' }, { instance: 'y' }]))).toBe(null);
    expect(matchersOf('z', [])).toBe('instance="z"');
  });
  it('has an overview of every host panel, a line for each host', () => {
    for (const panel of PANELS.filter((one) => one.group === 'host'))
      expect(drawn(panel, true).queries.map((query) => query.expr)).toEqual([
        expect.stringMatching(/^topk\(12, .*by \(job, instance\)/),
      ]);
  });
  it('asks for rates in one way only, so that how they are asked is decided in one place', () => {
    const all = PANELS.flatMap((panel) => [...panel.queries, ...drawn(panel, true).queries]);
    for (const { expr } of all) expect(fillIn(expr, '', MINUTE)).not.toMatch(/\$/);
    for (const { expr } of all) expect(expr).not.toMatch(/(^|[^$])rate\(/);
    for (const expr of Object.values(FIGURES)) expect(fillIn(expr, '', MINUTE)).not.toMatch(/\$/);
  });
  it('has something that is no rate in every group, by which the start of its data is known', () => {
    for (const overview of [true, false])
      for (const group of ['host', 'pharos'])
        expect(PANELS.some((panel) => panel.group === group && !isRated(drawn(panel, overview)))).toBe(true);
  });
  it('names every part of every panel differently', () => {
    for (const panel of PANELS) {
      const names = panel.queries.map((query) => query.name);
      expect(new Set(names).size).toBe(names.length);
    }
  });
});

describe('rates of young data', () => {
  it.each([
    [[300], 'rate', 120],
    [[120], 'rate', 120],
    [[25.7], 'rate', 25],
    [[10], 'rate', 10],
    [[9.9], 'irate', 120],
    [[300, 250], 'rate', 120],
    [[300, 20], 'irate', 120],
    [[], 'rate', 120],
  ])('of ages %j are asked now by %s over %d s', (ages, how, windowS) =>
    expect(nowRate(ages)).toEqual({ how, windowS }),
  );
  it.each([
    [5, [300], 'rate', 60],
    [5, [100], 'irate', 60],
    [300, [300], 'rate', 300],
    [300, [299], 'irate', 300],
  ])('at a step of %d s and ages %j are drawn by %s over %d s', (step, ages, how, windowS) =>
    expect(chartRate(step, ages)).toEqual({ how, windowS }),
  );
});
