// What the server tells of hosts, all of them in one request.

import { queryBatch, type Outcome } from '../api/batch';
import type { Grid } from '../api/calls';
import { ApiError, type Asking } from '../api/client';
import type { Labels } from '../api/types';
import { gridTimes, toColumn, type Column } from '../chart/columns';
import { matrixOf, vectorOf } from '../page/charts';
import { alignGrid, chooseStep, type Span } from '../time/range';
import { DIALECTS, type Dialect, type DiskExprs, type HostCourses, type HostExprs } from './dialects';
import { diskOf, distinct, type Disk, type Host } from './hosts';

const STEPS = 40;
const LEAST_WINDOW_S = 120;

export interface SeenHosts {
  hosts: readonly Host[];
  grid: Grid;
}

function keyOf({ job = '', instance = '', host_name: name = '' }: Labels): string {
  return JSON.stringify([job, instance, name]);
}

type Known = ReadonlyMap<string, number>;

function byHost(outcome: Outcome | undefined): Known {
  return new Map(
    vectorOf(outcome)
      .filter(({ value }) => Number.isFinite(value))
      .map(({ labels, value }) => [keyOf(labels), value]),
  );
}

/** Values by host, and in it by mount point. */
function byDisk(outcome: Outcome | undefined): ReadonlyMap<string, Known> {
  const found = new Map<string, Map<string, number>>();
  for (const { labels, value } of vectorOf(outcome)) {
    if (!Number.isFinite(value)) continue;
    const own = found.get(keyOf(labels)) ?? new Map<string, number>();
    own.set(labels.mountpoint ?? '', value);
    found.set(keyOf(labels), own);
  }
  return found;
}

function columnsBy(outcome: Outcome | undefined, grid: Grid, length: number): ReadonlyMap<string, Column> {
  return new Map(matrixOf(outcome).map((one) => [keyOf(one.metric), toColumn(one, grid, length)]));
}

/** All answers about the hosts of one dialect, by what was asked. */
interface Told {
  hosts: Readonly<Record<keyof HostExprs, Known>>;
  courses: Readonly<Record<keyof HostCourses, ReadonlyMap<string, Column>>>;
  disks: Readonly<Record<keyof DiskExprs, ReadonlyMap<string, Known>>>;
  names: ReadonlyMap<string, string>;
}

function mapped<Key extends string, From, To>(
  record: Readonly<Record<Key, From>>,
  change: (value: From) => To,
): Record<Key, To> {
  return Object.fromEntries(
    Object.entries<From>(record).map(([key, value]) => [key, change(value)]),
  ) as Record<Key, To>;
}

function disksOf(key: string, { free, size, trend, age }: Told['disks']): Disk[] {
  return [...(free.get(key) ?? [])]
    .map(([mount, bytes]) =>
      diskOf(
        mount,
        bytes,
        size.get(key)?.get(mount) ?? 0,
        trend.get(key)?.get(mount) ?? null,
        age.get(key)?.get(mount) ?? null,
      ),
    )
    .sort((a, b) => a.mount.localeCompare(b.mount));
}

function hostsOf(dialect: Dialect, told: Told, length: number): Host[] {
  const none = (): Column => new Array<number | null>(length).fill(null);
  return [...told.hosts.seen].map(([key, seenS]) => {
    const [job = '', instance = '', named = ''] = JSON.parse(key) as string[];
    const of = (name: keyof HostExprs): number | null => told.hosts[name].get(key) ?? null;
    const courses = mapped(told.courses, (column) => column.get(key) ?? none());
    const bootS = of('boot');
    return {
      name: named || told.names.get(key) || instance || job || 'without a name',
      labels: { job, instance, host_name: named },
      dialect: dialect.id,
      also: [],
      seenMs: seenS * 1000,
      cpu: courses.cpu.findLast((value) => value !== null) ?? null,
      memory: courses.memory.findLast((value) => value !== null) ?? null,
      cpus: of('cpus'),
      load: of('load'),
      memoryTotal: of('memoryTotal'),
      receive: of('receive'),
      transmit: of('transmit'),
      bootMs: bootS === null ? null : bootS * 1000,
      courses,
      disks: disksOf(key, told.disks),
    };
  });
}

function namesOf(outcome: Outcome | undefined): ReadonlyMap<string, string> {
  return new Map(
    vectorOf(outcome).flatMap(({ labels }) => {
      const name = labels.nodename ?? labels.host_name ?? '';
      // The host's other series do not have the name as a label.
      return name === '' ? [] : [[keyOf({ ...labels, host_name: '' }), name] as const];
    }),
  );
}

const NOTHING = 'vector(0) > 1';
/** What tells hosts apart, and no more. */
const TELLING: readonly (keyof HostExprs)[] = ['seen', 'boot'];

/**
 * Every host of which a sample came in the last hour before the end of `span`; with `names` alone nothing is told of
 * them but who they are. Rejects as `queryBatch` does.
 */
export async function loadHosts(
  span: Span,
  asking: Asking,
  wanted: 'figures' | 'names' = 'figures',
): Promise<SeenHosts> {
  const brief = wanted === 'names';
  const stepS = chooseStep(span.toMs - span.fromMs, STEPS, 5);
  const grid = alignGrid(span, stepS);
  const time = span.toMs / 1000;
  const queries: { query: string; time?: number; start?: number; end?: number; step?: number }[] = [];
  const at = (query: string): number => queries.push({ query: query || NOTHING, time }) - 1;
  const over = (query: string): number =>
    brief
      ? at('')
      : queries.push({ query: query.replaceAll('$w', `${Math.max(LEAST_WINDOW_S, stepS)}s`), ...grid }) - 1;
  const askedOf = ({ hosts }: Dialect): HostExprs =>
    brief
      ? { ...mapped(hosts, () => ''), ...Object.fromEntries(TELLING.map((name) => [name, hosts[name]])) }
      : hosts;
  const asked = DIALECTS.map((dialect) => ({
    dialect,
    hosts: mapped(askedOf(dialect), at),
    disks: mapped(dialect.disks, (query) => at(brief ? '' : query)),
    courses: mapped(dialect.courses, over),
    names: at(dialect.names),
  }));
  const outcomes = await queryBatch(queries, asking);
  const length = gridTimes(grid).length;
  const hosts = asked.flatMap((one) => {
    const seen = outcomes[one.hosts.seen];
    if (seen instanceof ApiError) throw seen;
    const told: Told = {
      hosts: mapped(one.hosts, (i) => byHost(outcomes[i])),
      disks: mapped(one.disks, (i) => byDisk(outcomes[i])),
      courses: mapped(one.courses, (i) => columnsBy(outcomes[i], grid, length)),
      names: namesOf(outcomes[one.names]),
    };
    return hostsOf(one.dialect, told, length);
  });
  return { hosts: distinct(hosts), grid };
}
