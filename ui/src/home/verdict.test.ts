import { describe, expect, it } from 'vitest';
import type { ActiveTarget } from '../api/types';
import type { HomeSnapshot, PanelColumns } from './load';
import { PANELS } from './panels';
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
    young: false,
    ownAgeS: 300,
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
  scrapeInterval: '15s',
  scrapeTimeout: '10s',
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
