// What the home page asks and how it shows it. `$host` stands for the matchers of one host, `$rate` and `$w` for the
// function and the window of rates. Where several hosts are known and none is chosen, a panel shows its overview: a
// line for each host.

import type { Unit } from '../design/format';

export interface PanelQuery {
  expr: string;
  /** The series' name; where it is absent, the value of the label `by` is the name. */
  name?: string;
  by?: string;
}

export interface Panel {
  id: string;
  group: 'host' | 'pharos';
  title: string;
  unit: Unit;
  queries: readonly PanelQuery[];
  stacked?: boolean;
  atLeast?: number;
  overview?: Overview;
  /** No tile and no finding reads it: only its chart does. */
  chartOnly?: true;
}

/** A host panel for all hosts: one figure of each. */
export interface Overview {
  title: string;
  unit: Unit;
  atLeast?: number;
  expr: string;
}

const HOST = 'by (job, instance)';

const REAL_DISKS = 'device!~"(loop|ram|dm-|zram|md|sr).*"';
const REAL_NETS = 'device!~"lo|veth.*|docker.*|br-.*|cni.*|flannel.*|virbr.*"';
const REAL_FILES = 'fstype!~"tmpfs|devtmpfs|overlay|squashfs|ramfs|proc|sysfs|fuse.*|nsfs|autofs"';

export const PANELS: readonly Panel[] = [
  {
    id: 'cpu',
    group: 'host',
    title: 'CPU by mode',
    unit: 'ratio',
    stacked: true,
    atLeast: 1,
    overview: {
      title: 'CPU busy',
      unit: 'ratio',
      atLeast: 1,
      expr: `1 - avg ${HOST} ($rate(node_cpu_seconds_total{mode="idle"}[$w]))`,
    },
    queries: [
      {
        expr: `sum by (mode) ($rate(node_cpu_seconds_total{$host,mode!="idle"}[$w])) / scalar(count(count by (cpu) (node_cpu_seconds_total{$host,mode="idle"})))`,
        by: 'mode',
      },
    ],
  },
  {
    id: 'memory',
    group: 'host',
    title: 'Memory',
    unit: 'bytes',
    stacked: true,
    overview: {
      title: 'Memory used',
      unit: 'ratio',
      atLeast: 1,
      expr: `1 - max ${HOST} (node_memory_MemAvailable_bytes) / max ${HOST} (node_memory_MemTotal_bytes)`,
    },
    queries: [
      {
        expr: 'node_memory_MemTotal_bytes{$host} - node_memory_MemFree_bytes{$host} - node_memory_Buffers_bytes{$host} - node_memory_Cached_bytes{$host}',
        name: 'used',
      },
      { expr: 'node_memory_Buffers_bytes{$host} + node_memory_Cached_bytes{$host}', name: 'cache' },
      { expr: 'node_memory_MemFree_bytes{$host}', name: 'free' },
    ],
  },
  {
    id: 'load',
    group: 'host',
    title: 'Load',
    unit: 'none',
    overview: {
      title: 'Load per CPU',
      unit: 'none',
      expr: `max ${HOST} (node_load1) / count ${HOST} (node_cpu_seconds_total{mode="idle"})`,
    },
    queries: [
      { expr: 'node_load1{$host}', name: '1 min' },
      { expr: 'node_load5{$host}', name: '5 min' },
      { expr: 'node_load15{$host}', name: '15 min' },
      { expr: 'count(count by (cpu) (node_cpu_seconds_total{$host,mode="idle"}))', name: 'CPUs' },
    ],
  },
  {
    id: 'disk',
    group: 'host',
    title: 'Disk throughput',
    unit: 'bytes-per-second',
    chartOnly: true,
    overview: {
      title: 'Disk throughput',
      unit: 'bytes-per-second',
      expr: `sum ${HOST} ($rate(node_disk_read_bytes_total{${REAL_DISKS}}[$w]) + $rate(node_disk_written_bytes_total{${REAL_DISKS}}[$w]))`,
    },
    queries: [
      { expr: `sum($rate(node_disk_read_bytes_total{$host,${REAL_DISKS}}[$w]))`, name: 'read' },
      { expr: `sum($rate(node_disk_written_bytes_total{$host,${REAL_DISKS}}[$w]))`, name: 'written' },
    ],
  },
  {
    id: 'fill',
    group: 'host',
    title: 'File systems filled',
    unit: 'ratio',
    atLeast: 1,
    overview: {
      title: 'Fullest file system',
      unit: 'ratio',
      atLeast: 1,
      expr: `1 - min ${HOST} (node_filesystem_avail_bytes{${REAL_FILES}} / node_filesystem_size_bytes{${REAL_FILES}})`,
    },
    queries: [
      {
        expr: `1 - min by (mountpoint) (node_filesystem_avail_bytes{$host,${REAL_FILES}} / node_filesystem_size_bytes{$host,${REAL_FILES}})`,
        by: 'mountpoint',
      },
    ],
  },
  {
    id: 'network',
    group: 'host',
    title: 'Network',
    unit: 'bytes-per-second',
    overview: {
      title: 'Network, both ways',
      unit: 'bytes-per-second',
      expr: `sum ${HOST} ($rate(node_network_receive_bytes_total{${REAL_NETS}}[$w]) + $rate(node_network_transmit_bytes_total{${REAL_NETS}}[$w]))`,
    },
    queries: [
      { expr: `sum($rate(node_network_receive_bytes_total{$host,${REAL_NETS}}[$w]))`, name: 'received' },
      { expr: `sum($rate(node_network_transmit_bytes_total{$host,${REAL_NETS}}[$w]))`, name: 'sent' },
    ],
  },
  {
    id: 'samples',
    group: 'pharos',
    title: 'Samples in',
    unit: 'per-second',
    stacked: true,
    queries: [{ expr: 'sum by (source) ($rate(pharos_ingest_samples_total[$w]))', by: 'source' }],
  },
  {
    id: 'lag',
    group: 'pharos',
    title: 'Data delay',
    unit: 'seconds',
    queries: [
      { expr: 'max(pharos_loader_lag_seconds)', name: 'lag' },
      {
        expr: 'histogram_quantile(0.99, sum by (le) ($rate(pharos_ingest_accept_duration_seconds_bucket[$w])))',
        name: 'accept p99',
      },
    ],
  },
  {
    id: 'queries',
    group: 'pharos',
    title: 'Queries',
    unit: 'per-second',
    stacked: true,
    queries: [{ expr: 'sum by (route) ($rate(pharos_query_duration_seconds_count[$w]))', by: 'route' }],
  },
  {
    id: 'latency',
    group: 'pharos',
    title: 'Query latency',
    unit: 'seconds',
    queries: [
      {
        expr: 'histogram_quantile(0.5, sum by (le) ($rate(pharos_query_duration_seconds_bucket[$w])))',
        name: 'p50',
      },
      {
        expr: 'histogram_quantile(0.99, sum by (le) ($rate(pharos_query_duration_seconds_bucket[$w])))',
        name: 'p99',
      },
    ],
  },
  {
    id: 'storage',
    group: 'pharos',
    title: 'Memory and log',
    unit: 'bytes',
    queries: [
      { expr: 'sum(process_resident_memory_bytes{job="pharos"})', name: 'memory' },
      { expr: 'sum(pharos_wal_size_bytes)', name: 'log not yet loaded' },
    ],
  },
  {
    id: 'series',
    group: 'pharos',
    title: 'Active series',
    unit: 'count',
    queries: [{ expr: 'sum(pharos_ingest_known_series)', name: 'series' }],
  },
];

/** Single figures that no panel shows. */
export const FIGURES = {
  uptime: 'time() - max(process_start_time_seconds{job="pharos"})',
  // A counter by reason is absent until the first of them: none then, as long as Pharos itself is seen.
  rejected:
    'sum($rate(pharos_ingest_rejected_samples_total[$w])) or 0 * max(process_start_time_seconds{job="pharos"})',
  setAside: 'sum(pharos_loader_set_aside_frames_total)',
  setAsideParts: 'sum(pharos_store_set_aside_parts_total)',
  diskFree: 'min(pharos_disk_free_bytes)',
} as const;

export type Figure = keyof typeof FIGURES;

/** At most so many lines a chart; of more hosts the highest at each moment. */
export const MOST_SERIES = 12;

/** The panel as it is drawn: of one host, or its overview of all of them. */
export function drawn(panel: Panel, overview: boolean): Panel {
  if (!overview || panel.overview === undefined) return panel;
  const { expr, ...rest } = panel.overview;
  return { id: panel.id, group: panel.group, ...rest, queries: [{ expr: `topk(${MOST_SERIES}, ${expr})` }] };
}

/** The window of rates that are judged: two scrapes a minute apart, whatever the chart beside shows. */
export const NOW_WINDOW_S = 120;

/** A host is what one job scrapes at one instance; whichever job that is, node_exporter's names tell it. */
export interface Host {
  job: string;
  instance: string;
  /** The instance alone where no other job scrapes the same. */
  name: string;
  /** Seconds since its first sample without a gap, `SEEN_S` at most: longer than that nobody looks back. */
  ageS: number;
}

/** How far back the age of data is looked for. */
export const SEEN_S = 300;

/** The hosts, with their ages as values. A rate over more time than there is data for would be far too low. */
export const HOSTS_QUERY = `time() - min by (job, instance) (min_over_time(timestamp(node_load1)[${SEEN_S}s:5s]))`;

/** The same of Pharos itself. */
export const OWN_AGE_QUERY = `time() - min(min_over_time(timestamp(up{job="pharos"})[${SEEN_S}s:5s]))`;

/** Sorted by name, each name once. */
export function nameHosts(found: readonly { job?: string; instance?: string; ageS?: number }[]): Host[] {
  const count = new Map<string, number>();
  for (const { instance = '' } of found) count.set(instance, (count.get(instance) ?? 0) + 1);
  return found
    .map(({ job = '', instance = '', ageS = SEEN_S }) => ({
      job,
      instance,
      ageS,
      name: count.get(instance) === 1 ? instance : `${instance} (${job})`,
    }))
    .sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
}

/** The matchers of the host of that name, or of the only one; null when all are to be shown together. */
export function matchersOf(chosen: string | null, hosts: readonly Host[]): string | null {
  const host = chosen === null ? hosts[0] : hosts.find((one) => one.name === chosen);
  if (chosen === null && hosts.length > 1) return null;
  // A host that is gone, or not seen yet, has its past still.
  if (host === undefined) return `instance=${JSON.stringify(chosen ?? '')}`;
  return `job=${JSON.stringify(host.job)},instance=${JSON.stringify(host.instance)}`;
}

/** How rates are asked: over a window in seconds, or of the last two samples where ages differ. */
export interface RateWindow {
  how: 'rate' | 'irate';
  windowS: number;
}

/** `expr` with the host's matchers and the rates put in. */
export function fillIn(expr: string, matchers: string | null, { how, windowS }: RateWindow): string {
  // The rates first: a host's name may hold `$w`.
  return expr
    .replaceAll('$rate', how)
    .replaceAll('$w', `${windowS}s`)
    .replaceAll('$host', () => matchers ?? '');
}

/** Whether a panel's values are rates, which need data all over their window to be true. */
export function isRated(panel: Panel): boolean {
  return panel.queries.some(({ expr }) => expr.includes('$w'));
}

const LEAST_WINDOW_S = 10;
/** Data this many windows old have a chart of rates worth looking at. */
const OLD_WINDOWS = 3;

/**
 * How a rate of the present is asked of data of these ages: never over more time than all of it has. One age narrows
 * the window; of the very first seconds, and where several hosts are asked at once, the last two samples of each series
 * say the truth.
 */
export function nowRate(agesS: readonly number[]): RateWindow {
  const youngest = Math.min(...agesS, SEEN_S);
  if (youngest >= NOW_WINDOW_S) return { how: 'rate', windowS: NOW_WINDOW_S };
  if (agesS.length > 1 || youngest < LEAST_WINDOW_S) return { how: 'irate', windowS: NOW_WINDOW_S };
  return { how: 'rate', windowS: Math.floor(youngest) };
}

/** How a chart's rates are asked: of young data from sample to sample, so that its first minute is no slope from 0. */
export function chartRate(stepS: number, agesS: readonly number[]): RateWindow {
  const windowS = Math.max(60, stepS);
  const youngest = Math.min(...agesS, SEEN_S);
  return { how: youngest < Math.min(OLD_WINDOWS * windowS, SEEN_S) ? 'irate' : 'rate', windowS };
}
