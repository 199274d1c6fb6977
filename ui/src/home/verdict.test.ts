import { describe, expect, it } from 'vitest';
import type { ActiveTarget } from '../api/types';
import { startOfData, type HomeSnapshot, type PanelColumns } from './load';
import { drawn, fillIn, matchersOf, nameHosts, nowExpr, panelExpr, PANELS, unite } from './panels';
import { judge as judgeAll, unmeasured, type Evidence, type Finding } from './verdict';

function snapshot(panels: Record<string, Record<string, number>>, figures = {}): HomeSnapshot {
  const now = Object.entries(panels).map(([id, series]) => [id, new Map(Object.entries(series))] as const);
  return {
    times: [],
    grid: { start: 0, end: 0, step: 5 },
    range: [0, 0],
    panels: {},
    now: Object.fromEntries(now),
    figures: { uptime: 60, rejected: 0, setAside: 0, setAsideParts: 0, diskFree: 1e12, ...figures },
    unread: [],
    whole: true,
    hosts: [],
    matchers: 'job="node",instance="a"',
    takenMs: 0,
  };
}

const judge = (shown: HomeSnapshot | undefined, targets: ActiveTarget[] | undefined): Finding[] =>
  judgeAll({ snapshot: shown, lost: null, targets, targetsLost: null });

const target = (health: ActiveTarget['health']): ActiveTarget => ({
  discoveredLabels: {},
  labels: {},
  scrapePool: 'a',
  scrapeUrl: '',
  globalUrl: '',
  lastError: '',
  lastScrape: '',
  lastScrapeDuration: 0,
  health,
});

describe('the verdict', () => {
  it('finds nothing wrong with a calm system', () =>
    expect(
      judge(snapshot({ cpu: { user: 0.2 }, fill: { '/': 0.5 }, lag: { lag: 0.3 } }), [target('up')]),
    ).toEqual([]));
  it('finds nothing wrong with what has no value', () =>
    expect(judge(snapshot({}, { rejected: null, setAside: null }), undefined)).toEqual([]));
  it('puts the bad before the suspicious', () => {
    const found = judge(snapshot({ fill: { '/var': 0.87, '/data': 0.99 } }), [target('down'), target('up')]);
    expect(found.map((one) => one.level)).toEqual(['bad', 'bad', 'warn']);
    expect(found.map((one) => one.text)).toEqual([
      '1 of 2 scrape targets is down',
      'File system /data is 99 % full',
      'File system /var is 87 % full',
    ]);
  });
  it('adds the modes of the CPU up', () =>
    expect(judge(snapshot({ cpu: { user: 0.6, system: 0.38 } }), [])[0]?.level).toBe('bad'));
  it('warns of rejected samples', () =>
    expect(judge(snapshot({}, { rejected: 3 }), [])[0]?.text).toBe('3/s samples are rejected'));
  it('warns of damaged parts of the store', () =>
    expect(judge(snapshot({}, { setAsideParts: 1 }), [])[0]?.text).toBe(
      'Damaged parts of the store were set aside: 1',
    ));
  it('names each host in need when all are shown', () => {
    const all = {
      ...snapshot({ cpu: { a: 0.99, b: 0.1 }, memory: { a: 0.2, b: 0.9 } }),
      matchers: null,
    };
    expect(judge(all, []).map((one) => [one.text, one.host])).toEqual([
      ['CPU of a 99 % busy', 'a'],
      ['Memory of b 90 % used', 'b'],
    ]);
  });
  it('says what could not be read', () => {
    const refused: PanelColumns = { names: [], columns: [], error: 'over capacity' };
    const panels = Object.fromEntries(PANELS.map(({ id }) => [id, refused]));
    const blind = { ...snapshot({}), panels, unread: [{ what: 'hosts', error: 'over capacity' }] };
    const say = (evidence: Partial<Evidence>): string[] =>
      judgeAll({ snapshot: snapshot({}), lost: null, targets: [], targetsLost: null, ...evidence }).map(
        (one) => `${one.level}: ${one.text}: ${one.detail}`,
      );
    expect(say({ snapshot: blind })).toEqual([
      'bad: 12 of 12 panels could not be read: over capacity',
      'bad: Unknown: hosts: over capacity',
    ]);
    expect(say({ snapshot: { ...blind, panels: { cpu: refused }, unread: [] } })).toEqual([
      'warn: 1 of 12 panels could not be read: over capacity',
    ]);
    expect(say({ targetsLost: 'no' })).toEqual(['bad: Unknown: scrape targets: no']);
    expect(say({ lost: 'gone' })).toEqual(['bad: The figures are old: they could not be read again: gone']);
    expect(say({ snapshot: undefined, lost: 'gone' })).toEqual(['bad: The figures could not be read: gone']);
  });
  it('knows what has no value', () => {
    const calm = snapshot({
      cpu: { user: 0.1 },
      memory: { used: 1, free: 2 },
      fill: { '/': 0.1 },
      lag: { lag: 0.2 },
      storage: { 'log not yet loaded': 0 },
    });
    expect(unmeasured(calm)).toEqual([]);
    expect(unmeasured({ ...calm, figures: { ...calm.figures, rejected: null } })).toEqual([
      'rejected samples',
    ]);
    expect(unmeasured(snapshot({}))).toEqual(['lag', 'log', 'CPU', 'memory', 'file systems']);
  });
});

describe('the range of a young server', () => {
  const times = Array.from({ length: 181 }, (_, i) => i * 5);
  const panel = (first: number): Record<string, PanelColumns> => ({
    a: { names: ['x'], columns: [times.map((_, i) => (i >= first ? 1 : null))], error: null },
  });
  it('starts a little before its first value', () =>
    expect(startOfData(times, panel(100))).toBe(900 - 400 * 1.15));
  it('is two minutes at least', () => expect(startOfData(times, panel(178))).toBe(780));
  it('is whole when all of it is known', () => expect(startOfData(times, panel(0))).toBe(0));
  it('is two minutes when nothing is known', () => expect(startOfData(times, {})).toBe(780));
});

describe('query templates', () => {
  it('takes the host as a quoted matcher, whatever it is called', () =>
    expect(
      fillIn('rate(x{$host}[$w])', matchersOf('a"b$w', nameHosts([{ job: 'n', instance: 'a"b$w' }])), '1m'),
    ).toBe('rate(x{job="n",instance="a\\"b$w"}[1m])'));
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
      expect(panelExpr(drawn(panel, true))).toMatch(/^topk\(12, .*by \(job, instance\)/);
  });
  it('asks several things at once and can tell them apart', () =>
    expect(
      unite([
        ['a', 'up'],
        ['b "x"', 'sum(y)'],
      ]),
    ).toBe('label_replace(up, "part", "a", "", "") or label_replace(sum(y), "part", "b \\"x\\"", "", "")'));
  it('asks for the present with a window of its own, of every panel that is judged', () => {
    const pharos = nowExpr('pharos', null);
    const host = nowExpr('host', 'job="n"');
    expect(`${pharos}${host}`).not.toMatch(/\$w|\$host/);
    for (const id of ['samples', 'lag', 'queries', 'latency', 'storage', 'series', 'figures'])
      expect(pharos).toContain(`"panel", "${id}"`);
    for (const id of ['cpu', 'memory', 'load', 'fill', 'network']) expect(host).toContain(`"panel", "${id}"`);
    expect(host).toContain('rate(node_cpu_seconds_total{job="n",mode!="idle"}[2m])');
  });
  it('leaves a single query as it is', () => {
    const cpu = PANELS.find((panel) => panel.id === 'cpu');
    expect(cpu && panelExpr(cpu)).toBe(cpu?.queries[0]?.expr);
  });
  it('names every part of every panel differently', () => {
    for (const panel of PANELS) {
      const names = panel.queries.map((query) => query.name);
      expect(new Set(names).size).toBe(names.length);
    }
  });
});
