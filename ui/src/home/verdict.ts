// What deserves attention now, in the order of urgency. Pure, so that its thresholds are tested.

import type { ActiveTarget } from '../api/types';
import { formatCount, formatSeconds, formatValue } from '../design/format';
import type { HomeSnapshot, Present } from './load';
import { PANELS } from './panels';

export type Level = 'good' | 'warn' | 'bad' | 'unknown';

export interface Finding {
  level: 'warn' | 'bad';
  text: string;
  /** The server's words. */
  detail?: string;
  /** A PromQL expression that shows it, or the page that does. */
  expr?: string;
  page?: 'targets';
  /** The host whose panels show it. */
  host?: string;
}

const NOTHING: Present = new Map();

/** The present of a panel's series; empty when there is none, or it could not be read. */
export function present(snapshot: HomeSnapshot, panelId: string): Present {
  return snapshot.now[panelId] ?? NOTHING;
}

export function total(values: ReadonlyMap<string, number>): number | null {
  return values.size === 0 ? null : [...values.values()].reduce((a, b) => a + b, 0);
}

/** The highest with its name; no name and null when there is none. */
export function highest(values: ReadonlyMap<string, number>): [string, number | null] {
  let found: [string, number | null] = ['', null];
  for (const [name, value] of values) if (found[1] === null || value > found[1]) found = [name, value];
  return found;
}

/** `bad` from `bad` up, `warn` from `warn` up. */
export function levelOf(value: number | null | undefined, warn: number, bad: number): Level {
  if (value == null) return 'unknown';
  if (value >= bad) return 'bad';
  return value >= warn ? 'warn' : 'good';
}

type Measure = 'cpu' | 'memory' | 'fill' | 'lag' | 'log';

/** From where a measure is suspicious, and from where it is bad. */
export const LIMITS: Readonly<Record<Measure, readonly [number, number]>> = {
  cpu: [0.85, 0.97],
  memory: [0.88, 0.96],
  fill: [0.85, 0.95],
  lag: [2, 15],
  log: [512 * 2 ** 20, 4 * 2 ** 30],
};

function say(level: Level, finding: Omit<Finding, 'level'>): Finding[] {
  return level === 'warn' || level === 'bad' ? [{ level, ...finding }] : [];
}

const OVERVIEW_SAYS = [
  ['cpu', 'CPU of', 'busy'],
  ['memory', 'Memory of', 'used'],
  ['fill', 'A file system of', 'full'],
] as const;

function overviewFindings(snapshot: HomeSnapshot): Finding[] {
  return OVERVIEW_SAYS.flatMap(([panelId, whose, how]) =>
    [...present(snapshot, panelId)].flatMap(([host, value]) =>
      say(levelOf(value, ...LIMITS[panelId]), {
        text: `${whose} ${host} ${formatValue(value, 'ratio')} ${how}`,
        host,
      }),
    ),
  );
}

function hostFindings(snapshot: HomeSnapshot): Finding[] {
  if (snapshot.matchers === null) return overviewFindings(snapshot);
  const cpu = total(present(snapshot, 'cpu'));
  const memory = present(snapshot, 'memory');
  const used = memory.get('used');
  const all = total(memory);
  const share = used != null && all ? used / all : null;
  const findings = [
    ...say(levelOf(cpu, ...LIMITS.cpu), { text: `CPU ${formatValue(cpu ?? 0, 'ratio')} busy` }),
    ...say(levelOf(share, ...LIMITS.memory), { text: `Memory ${formatValue(share ?? 0, 'ratio')} used` }),
  ];
  for (const [mount, fill] of present(snapshot, 'fill'))
    findings.push(
      ...say(levelOf(fill, ...LIMITS.fill), {
        text: `File system ${mount} is ${formatValue(fill, 'ratio')} full`,
        expr: `node_filesystem_avail_bytes{${snapshot.matchers},mountpoint=${JSON.stringify(mount)}}`,
      }),
    );
  return findings;
}

function pharosFindings(snapshot: HomeSnapshot): Finding[] {
  const lag = present(snapshot, 'lag').get('lag') ?? null;
  const log = present(snapshot, 'storage').get('log not yet loaded') ?? null;
  const { rejected, setAside, setAsideParts } = snapshot.figures;
  return [
    ...say(levelOf(lag, ...LIMITS.lag), {
      text: `New samples become visible after ${formatSeconds(lag ?? 0)}`,
      expr: 'pharos_loader_lag_seconds',
    }),
    ...say(levelOf(log, ...LIMITS.log), {
      text: `${formatValue(log ?? 0, 'bytes')} of accepted data wait in the log`,
      expr: 'pharos_wal_size_bytes',
    }),
    ...say(levelOf(rejected, Number.MIN_VALUE, 1000), {
      text: `${formatValue(rejected ?? 0, 'per-second')} samples are rejected`,
      expr: 'sum by (reason) (rate(pharos_ingest_rejected_samples_total[5m]))',
    }),
    ...say(levelOf(setAside, 1, Infinity), {
      text: `${formatCount(setAside ?? 0)} damaged frames were set aside`,
      expr: 'pharos_loader_set_aside_frames_total',
    }),
    ...say(levelOf(setAsideParts, 1, Infinity), {
      text: `Damaged parts of the store were set aside: ${formatCount(setAsideParts ?? 0)}`,
      expr: 'pharos_store_set_aside_parts_total',
    }),
  ];
}

/** What a verdict rests on. */
export interface Evidence {
  snapshot: HomeSnapshot | undefined;
  /** Why the latest refresh brought nothing at all. */
  lost: string | null;
  targets: readonly ActiveTarget[] | undefined;
  /** Why the targets could not be read the last time. */
  targetsLost: string | null;
}

/** What could not be read is no good news. */
function unreadFindings({ snapshot, lost, targetsLost }: Evidence): Finding[] {
  const findings: Finding[] = [];
  if (lost !== null)
    findings.push({
      level: 'bad',
      text: snapshot ? 'The figures are old: they could not be read again' : 'The figures could not be read',
      detail: lost,
    });
  const errors = PANELS.flatMap(({ id }) => snapshot?.panels[id]?.error ?? []);
  if (errors.length > 0)
    findings.push({
      level: errors.length === PANELS.length ? 'bad' : 'warn',
      text: `${errors.length} of ${PANELS.length} panels could not be read`,
      detail: errors[0] ?? '',
    });
  for (const { what, error } of snapshot?.unread ?? [])
    findings.push({ level: 'bad', text: `Unknown: ${what}`, detail: error });
  if (targetsLost !== null)
    findings.push({ level: 'bad', text: 'Unknown: scrape targets', detail: targetsLost, page: 'targets' });
  return findings;
}

/** What is wrong now, the bad before the merely suspicious. */
export function judge(evidence: Evidence): Finding[] {
  const { snapshot, targets } = evidence;
  const down = targets?.filter((target) => target.health === 'down') ?? [];
  const findings: Finding[] = [
    ...unreadFindings(evidence),
    ...say(down.length > 0 ? 'bad' : 'good', {
      text: `${down.length} of ${targets?.length ?? 0} scrape targets ${down.length === 1 ? 'is' : 'are'} down`,
      page: 'targets',
    }),
    ...(snapshot ? [...pharosFindings(snapshot), ...hostFindings(snapshot)] : []),
  ];
  return findings.sort((a, b) => Number(b.level === 'bad') - Number(a.level === 'bad'));
}

/** The measures that were asked for and have no value, so that nothing is known of them. */
export function unmeasured(snapshot: HomeSnapshot): string[] {
  const { rejected, setAside } = snapshot.figures;
  const memory = present(snapshot, 'memory');
  const measures: readonly (readonly [string, unknown])[] = [
    ['lag', present(snapshot, 'lag').get('lag')],
    ['log', present(snapshot, 'storage').get('log not yet loaded')],
    ['rejected samples', rejected],
    ['damaged frames', setAside],
    ['CPU', total(present(snapshot, 'cpu'))],
    ['memory', snapshot.matchers === null ? total(memory) : memory.get('used')],
    ['file systems', total(present(snapshot, 'fill'))],
  ];
  return measures.filter(([, value]) => value == null).map(([name]) => name);
}
