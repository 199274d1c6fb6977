// Host metrics as senders name them: node_exporter (Pharos' own too), and OpenTelemetry's `system.*`.

import { fillIn, PANELS } from '../home/panels';
import type { ChartSpec } from '../page/charts';

/** Labels that tell hosts apart. */
export const BY = 'job, instance, host_name';

const REAL_FILES = 'tmpfs|devtmpfs|overlay|squashfs|ramfs|proc|sysfs|fuse.*|nsfs|autofs|iso9660';
const REAL_NETS = 'lo|veth.*|docker.*|br-.*|cni.*|flannel.*|virbr.*';
const RATE_S = 120;
/** So far back the trend of a file system is looked for. */
const TREND = '6h';

/** What is asked of all hosts at one time, by names; each expression has a value per host. */
export interface HostExprs {
  /** When its last sample was, in seconds; of the last hour. */
  seen: string;
  cpus: string;
  load: string;
  memoryTotal: string;
  receive: string;
  transmit: string;
  boot: string;
}

/** What is drawn of each host in the list. */
export interface HostCourses {
  cpu: string;
  memory: string;
  network: string;
}

/** What is asked of the file systems; each expression has a value per host and mount point. */
export interface DiskExprs {
  free: string;
  size: string;
  /** By how many bytes a second more is free. */
  trend: string;
  /** For how many seconds it is known, as far as the trend looks back. */
  age: string;
}

export interface Dialect {
  id: 'node' | 'otel';
  /** What tells a host's own name, where the labels of its series do not. */
  names: string;
  hosts: HostExprs;
  courses: HostCourses;
  disks: DiskExprs;
  /** The charts of one host. */
  charts: (matchers: string, windowS: number) => readonly ChartSpec[];
}

const BY_DISK = `${BY}, mountpoint`;

function seen(metric: string): string {
  return `max by (${BY}) (max_over_time(timestamp(${metric})[1h:1m]))`;
}

function rate(metric: string, matchers: string): string {
  return `sum by (${BY}) (rate(${metric}{${matchers}}[${RATE_S}s]))`;
}

function trend(selector: string): string {
  return `min by (${BY_DISK}) (deriv(${selector}[${TREND}]))`;
}

function age(selector: string): string {
  return `max by (${BY_DISK}) (time() - min_over_time(timestamp(${selector})[${TREND}:5m]))`;
}

const NODE_FREE = `node_filesystem_avail_bytes{fstype!~"${REAL_FILES}"}`;
const NODE_NET = `device!~"${REAL_NETS}"`;

const NODE: Dialect = {
  id: 'node',
  names: `max by (${BY}, nodename) (node_uname_info)`,
  hosts: {
    seen: seen('node_load1'),
    cpus: `count by (${BY}) (node_cpu_seconds_total{mode="idle"})`,
    load: `max by (${BY}) (node_load1)`,
    memoryTotal: `max by (${BY}) (node_memory_MemTotal_bytes)`,
    receive: rate('node_network_receive_bytes_total', NODE_NET),
    transmit: rate('node_network_transmit_bytes_total', NODE_NET),
    boot: `max by (${BY}) (node_boot_time_seconds)`,
  },
  courses: {
    cpu: `1 - avg by (${BY}) (rate(node_cpu_seconds_total{mode="idle"}[$w]))`,
    memory: `1 - max by (${BY}) (node_memory_MemAvailable_bytes) / max by (${BY}) (node_memory_MemTotal_bytes)`,
    network: `sum by (${BY}) (rate(node_network_receive_bytes_total{${NODE_NET}}[$w]) + rate(node_network_transmit_bytes_total{${NODE_NET}}[$w]))`,
  },
  disks: {
    free: `min by (${BY_DISK}) (${NODE_FREE})`,
    size: `max by (${BY_DISK}) (node_filesystem_size_bytes{fstype!~"${REAL_FILES}"})`,
    trend: trend(NODE_FREE),
    age: age(NODE_FREE),
  },
  charts: (matchers, windowS) => {
    const own = (expr: string): string => fillIn(expr, matchers, { how: 'rate', windowS });
    return PANELS.filter(({ group }) => group === 'host').map(
      ({ id, title, unit, queries, stacked, atLeast }) => ({
        id,
        title,
        unit,
        ...(stacked === undefined ? {} : { stacked }),
        ...(atLeast === undefined ? {} : { atLeast }),
        queries: queries.map((query) => ({ ...query, expr: own(query.expr) })),
      }),
    );
  },
};

const OTEL_FREE = `system_filesystem_usage_bytes{state="free",type!~"${REAL_FILES}"}`;

const OTEL: Dialect = {
  id: 'otel',
  names: `max by (${BY}) (target_info{host_name!=""})`,
  hosts: {
    seen: seen('system_memory_usage_bytes{state="used"}'),
    cpus: `count by (${BY}) (system_cpu_time_seconds_total{state="idle"})`,
    load: `max by (${BY}) (system_cpu_load_average_1m)`,
    memoryTotal: `sum by (${BY}) (system_memory_usage_bytes)`,
    receive: rate('system_network_io_bytes_total', 'direction="receive",device!~"lo|veth.*|docker.*"'),
    transmit: rate('system_network_io_bytes_total', 'direction="transmit",device!~"lo|veth.*|docker.*"'),
    boot: '',
  },
  courses: {
    cpu: `1 - sum by (${BY}) (rate(system_cpu_time_seconds_total{state="idle"}[$w])) / sum by (${BY}) (rate(system_cpu_time_seconds_total[$w]))`,
    memory: `sum by (${BY}) (system_memory_usage_bytes{state="used"}) / sum by (${BY}) (system_memory_usage_bytes)`,
    network: `sum by (${BY}) (rate(system_network_io_bytes_total{device!~"${REAL_NETS}"}[$w]))`,
  },
  disks: {
    free: `min by (${BY_DISK}) (${OTEL_FREE})`,
    size: `sum by (${BY_DISK}) (max by (${BY_DISK}, state) (system_filesystem_usage_bytes{type!~"${REAL_FILES}"}))`,
    trend: trend(OTEL_FREE),
    age: age(OTEL_FREE),
  },
  charts: (matchers, windowS) => {
    const rated = (metric: string, more = ''): string =>
      `rate(${metric}{${matchers}${more === '' ? '' : `,${more}`}}[${windowS}s])`;
    return [
      {
        id: 'cpu',
        title: 'CPU by mode',
        unit: 'ratio',
        stacked: true,
        atLeast: 1,
        queries: [
          {
            expr: `sum by (state) (${rated('system_cpu_time_seconds_total', 'state!="idle"')}) / scalar(sum(${rated('system_cpu_time_seconds_total')}))`,
            by: 'state',
          },
        ],
      },
      {
        id: 'memory',
        title: 'Memory',
        unit: 'bytes',
        stacked: true,
        queries: [{ expr: `sum by (state) (system_memory_usage_bytes{${matchers}})`, by: 'state' }],
      },
      {
        id: 'load',
        title: 'Load',
        unit: 'none',
        queries: [
          { expr: `max(system_cpu_load_average_1m{${matchers}})`, name: '1 min' },
          { expr: `max(system_cpu_load_average_5m{${matchers}})`, name: '5 min' },
          { expr: `max(system_cpu_load_average_15m{${matchers}})`, name: '15 min' },
        ],
      },
      {
        id: 'disk',
        title: 'Disk throughput',
        unit: 'bytes-per-second',
        queries: [{ expr: `sum by (direction) (${rated('system_disk_io_bytes_total')})`, by: 'direction' }],
      },
      {
        id: 'fill',
        title: 'File systems filled',
        unit: 'ratio',
        atLeast: 1,
        queries: [
          {
            expr: `max by (mountpoint) (sum by (mountpoint, device) (system_filesystem_usage_bytes{${matchers},state="used"}) / sum by (mountpoint, device) (system_filesystem_usage_bytes{${matchers}}))`,
            by: 'mountpoint',
          },
        ],
      },
      {
        id: 'network',
        title: 'Network',
        unit: 'bytes-per-second',
        queries: [
          {
            expr: `sum by (direction) (${rated('system_network_io_bytes_total', `device!~"${REAL_NETS}"`)})`,
            by: 'direction',
          },
        ],
      },
    ];
  },
};

export const DIALECTS: readonly Dialect[] = [NODE, OTEL];
