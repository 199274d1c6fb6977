// How Pharos itself fares, from its own metrics: what is asked, and what is wrong in words. Pure.

import { formatCount, formatSeconds, formatValue, type Unit } from '../design/format';
import type { Status } from '../design/status';
import { fullIn } from '../hosts/hosts';

/** What is asked of the present. All are sums over the server; a counter that never counted has no series, which is 0. */
export const FIGURES = {
  uptime: 'time() - max(process_start_time_seconds{job="pharos"})',
  samples: 'sum(rate(pharos_ingest_samples_total[2m]))',
  events: 'sum(rate(pharos_ingest_events_total[2m]))',
  bytes: 'sum(rate(pharos_ingest_bytes_total[2m]))',
  rejectedSamples: 'sum(rate(pharos_ingest_rejected_samples_total[10m]))',
  rejectedEvents: 'sum(rate(pharos_ingest_rejected_events_total[10m]))',
  limited: 'sum(increase(pharos_tenant_refused_total[1h]))',
  linesLost: 'sum(increase(pharos_ingest_lines_lost_total[1h]))',
  delay: 'max(pharos_loader_lag_seconds)',
  log: 'sum(pharos_wal_size_bytes)',
  series: 'sum(pharos_ingest_known_series)',
  setAside: 'sum(pharos_loader_set_aside_frames_total)',
  setAsideParts: 'sum(pharos_store_set_aside_parts_total)',
  damaged: 'sum(pharos_wal_damaged_bytes_total)',
  failedWrites: 'sum(increase(pharos_store_failed_writes_total[1h]))',
  syncP99: 'histogram_quantile(0.99, sum by (le) (rate(pharos_wal_sync_duration_seconds_bucket[5m])))',
  queries: 'sum(rate(pharos_query_duration_seconds_count[2m]))',
  queryP99: 'histogram_quantile(0.99, sum by (le) (rate(pharos_query_duration_seconds_bucket[5m])))',
  waiting: 'sum(pharos_query_queue_length)',
  failedQueries: 'sum(increase(pharos_query_failed_total{kind!~"invalid|cancelled"}[1h]))',
  slowQueries: 'sum(increase(pharos_query_slow_total[1h]))',
  loopP99: 'histogram_quantile(0.99, sum by (le) (rate(pharos_loop_lag_seconds_bucket[5m])))',
  memory: 'sum(process_resident_memory_bytes{job="pharos"})',
  cpu: 'sum(rate(process_cpu_seconds_total{job="pharos"}[2m]))',
  openFiles: 'max(process_open_fds{job="pharos"} / process_max_fds{job="pharos"})',
  diskFree: 'min(pharos_disk_free_bytes)',
  diskTrend: 'min(deriv(pharos_disk_free_bytes[6h]))',
  diskAge: 'time() - min(min_over_time(timestamp(pharos_disk_free_bytes)[6h:5m]))',
  stateFailed: 'sum(increase(pharos_state_units_failed_total[1h]))',
  missed: 'sum(increase(pharos_rule_group_iterations_missed_total[1h]))',
  ruleFailures: 'sum(increase(pharos_rule_evaluation_failures_total[1h]))',
  rulesUnknown: 'sum(pharos_rules_unknown{reason="failed"})',
  rules: 'sum(pharos_rule_group_rules)',
  evaluations: 'sum(rate(pharos_rule_evaluations_total[5m]))',
  owed: 'sum(pharos_messages_owed)',
  sent: 'sum(increase(pharos_messages_total{outcome="sent"}[24h]))',
  refused: 'sum(increase(pharos_messages_total{outcome="refused"}[24h]))',
  messageP99: 'histogram_quantile(0.99, sum by (le) (rate(pharos_message_delay_seconds_bucket[1h])))',
  clients: 'sum(pharos_live_clients)',
  dropped: 'sum(increase(pharos_live_dropped_messages_total[1h]))',
  connectionsRefused: 'sum(increase(pharos_http_connections_refused_total[1h]))',
  scrapesFailed: 'sum(rate(pharos_scrapes_total{result!="ok"}[5m])) / sum(rate(pharos_scrapes_total[5m]))',
} as const;

export type FigureName = keyof typeof FIGURES;
/** Null where nothing is known of it. */
export type Figures = Readonly<Record<FigureName, number | null>>;

/** What the server is asked besides, as far as the reader may see it. */
export interface Beside {
  /** Letters that were not delivered, and integrations that fail; null where they cannot be seen. */
  dead: number | null;
  failing: readonly string[];
  /** Kernels that are compiled, and how many there are. */
  kernels: { compiled: number; total: number } | null;
  /** The last reading of the configuration succeeded. */
  reloaded: boolean;
}

export interface Fault {
  status: 'critical' | 'warning';
  text: string;
  /** What it means, and what to do. */
  hint: string;
  /** What shows it in Explore. */
  expr?: string;
  page?: 'receivers' | 'rules' | 'targets';
}

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const DAY_S = 86_400;

/** One measure with its limits: what is said from `warning` up, and from `critical` up. */
interface Limit {
  of: FigureName;
  warning: number;
  critical?: number;
  say: (value: number) => string;
  hint: string;
  page?: Fault['page'];
}

const LIMITS: readonly Limit[] = [
  {
    of: 'delay',
    warning: 5,
    critical: 60,
    say: (value) => `What comes in can be seen after ${formatSeconds(value, 2)} only`,
    hint: 'The store does not follow: the disk or the processor is at its limit, or far more comes in than usual.',
  },
  {
    of: 'log',
    warning: 512 * MIB,
    critical: 4 * GIB,
    say: (value) => `${formatValue(value, 'bytes')} of accepted data wait in the log`,
    hint: 'They are safe and will be stored; while this grows, less must be sent or the machine is too small.',
  },
  {
    of: 'failedWrites',
    warning: 0.5,
    critical: 0.5,
    say: (value) => `The disk refused ${formatCount(value)} writes in the last hour`,
    hint: 'They are repeated. Look at the disk: full, or failing.',
  },
  {
    of: 'setAside',
    warning: 1,
    say: (value) => `${formatCount(value)} frames could not be stored and were set aside`,
    hint: 'They are kept in the folder of dead letters of the log; the server’s own log says why.',
  },
  {
    of: 'setAsideParts',
    warning: 1,
    critical: 1,
    say: (value) => `${formatCount(value)} damaged parts of the store were set aside`,
    hint: 'What they held is missing: restore it from a backup.',
  },
  {
    of: 'damaged',
    warning: 1,
    say: (value) => `${formatValue(value, 'bytes')} of the log were damaged when the server started`,
    hint: 'They were set aside; what is intact was stored.',
  },
  {
    of: 'rejectedSamples',
    warning: 0.01,
    say: (value) => `${formatValue(value, 'per-second')} samples are rejected`,
    hint: 'Their reasons tell what senders do wrong, or which limit is reached.',
  },
  {
    of: 'rejectedEvents',
    warning: 0.01,
    say: (value) => `${formatValue(value, 'per-second')} log records and spans are rejected`,
    hint: 'Their reasons tell what senders do wrong, or which limit is reached.',
  },
  {
    of: 'limited',
    warning: 0.5,
    say: (value) => `Limits of tenants turned away ${formatCount(value)} requests in the last hour`,
    hint: 'The page Tenants has the limits, and who uses how much.',
  },
  {
    of: 'linesLost',
    warning: 0.5,
    critical: 0.5,
    say: (value) => `${formatCount(value)} log lines were lost in the last hour`,
    hint: 'They came by listeners whose senders do not send again.',
  },
  {
    of: 'waiting',
    warning: 8,
    critical: 64,
    say: (value) => `${formatCount(value)} queries wait for others to end`,
    hint: 'Long ranges and many series are what makes queries slow; the log names the slow ones.',
  },
  {
    of: 'failedQueries',
    warning: 0.5,
    say: (value) => `${formatCount(value)} queries could not be answered in the last hour`,
    hint: 'By kind: a limit was reached, they took too long, or the store refused.',
  },
  {
    of: 'loopP99',
    warning: 0.25,
    critical: 1,
    say: (value) => `The server comes to what is due ${formatSeconds(value)} late`,
    hint: 'The processor is busy: live pages and rules may lag behind.',
  },
  {
    of: 'openFiles',
    warning: 0.8,
    critical: 0.95,
    say: (value) => `${formatValue(value, 'ratio')} of the files that may be open are`,
    hint: 'Raise the limit of open files (ulimit -n) and start anew.',
  },
  {
    of: 'stateFailed',
    warning: 0.5,
    critical: 0.5,
    say: (value) => `The database of people’s state failed ${formatCount(value)} times in the last hour`,
    hint: 'Telemetry comes in; signing in, alerts and changes need it.',
  },
  {
    of: 'missed',
    warning: 0.5,
    say: (value) => `${formatCount(value)} evaluations of rules were left out in the last hour`,
    hint: 'A group took longer than its interval: make it longer, or its rules cheaper.',
    page: 'rules',
  },
  {
    of: 'ruleFailures',
    warning: 0.5,
    say: (value) => `${formatCount(value)} evaluations of rules failed in the last hour`,
    hint: 'What a rule that fails would say is not known.',
    page: 'rules',
  },
  {
    of: 'refused',
    warning: 0.5,
    critical: 0.5,
    say: (value) => `Receivers refused ${formatCount(value)} messages in the last day`,
    hint: 'Who was to be told was not. They are kept, and can be sent again.',
    page: 'receivers',
  },
  {
    of: 'dropped',
    warning: 0.5,
    say: (value) => `${formatCount(value)} updates were left out for live clients that did not read in time`,
    hint: 'They see newer ones; a slow network or a busy browser is the reason.',
  },
  {
    of: 'connectionsRefused',
    warning: 0.5,
    say: (value) => `${formatCount(value)} connections were refused in the last hour`,
    hint: 'There were more than max_connections.',
  },
];

function diskFaults({ diskFree, diskTrend, diskAge }: Figures): Fault[] {
  if (diskFree === null) return [];
  const seconds = fullIn(diskFree, diskTrend, diskAge);
  const soon = seconds !== null && seconds < 4 * DAY_S;
  if (diskFree >= GIB && !soon) return [];
  return [
    {
      status: diskFree < GIB || (seconds ?? Infinity) < DAY_S ? 'critical' : 'warning',
      text: `${formatValue(diskFree, 'bytes')} are free where the data lie${seconds === null ? '' : `, none in ${formatSeconds(seconds, 2)}`}`,
      hint: 'Nothing is taken in once it is nearly full: shorten the retention, or make the disk larger.',
      expr: 'pharos_disk_free_bytes',
    },
  ];
}

function besideFaults({ dead, failing, kernels, reloaded }: Beside): Fault[] {
  const faults: Fault[] = [];
  if (dead !== null && dead > 0)
    faults.push({
      status: 'critical',
      text: `${formatCount(dead)} messages were not delivered and wait for somebody to look at them`,
      hint: 'Dead letters can be sent again once the receiver works.',
      page: 'receivers',
    });
  if (failing.length > 0)
    faults.push({
      status: 'warning',
      text: `Receivers that fail now: ${failing.join(', ')}`,
      hint: 'What they are owed is tried again.',
      page: 'receivers',
    });
  if (kernels && kernels.compiled < kernels.total)
    faults.push({
      status: 'warning',
      text: `${kernels.compiled} of ${kernels.total} pieces of code are compiled for this processor`,
      hint: 'Once after an installation; until then first answers take longer.',
    });
  if (!reloaded)
    faults.push({
      status: 'warning',
      text: 'The configuration could not be read again; the one before holds',
      hint: 'The server’s log names the line.',
    });
  return faults;
}

/** What is wrong, the worst first. */
export function faultsOf(figures: Figures, beside: Beside): Fault[] {
  const limited = LIMITS.flatMap(({ of, warning, critical = Infinity, say, hint, page }): Fault[] => {
    const value = figures[of];
    if (value === null || value < warning) return [];
    return [
      {
        status: value >= critical ? 'critical' : 'warning',
        text: say(value),
        hint,
        ...(page === undefined ? { expr: FIGURES[of] } : { page }),
      },
    ];
  });
  const all = [...diskFaults(figures), ...limited, ...besideFaults(beside)];
  return all.sort((a, b) => Number(b.status === 'critical') - Number(a.status === 'critical'));
}

export interface Line {
  name: string;
  value: number | null;
  unit: Unit;
  /** What it is about, where the name does not say it. */
  note?: string;
}

/** The figures by what they are about, as they are read out. */
export function areasOf(
  figures: Figures,
  beside: Beside,
): readonly { title: string; lines: readonly Line[] }[] {
  const line = (name: string, of: FigureName, unit: Unit, note?: string): Line => ({
    name,
    value: figures[of],
    unit,
    ...(note === undefined ? {} : { note }),
  });
  const fullS = fullIn(figures.diskFree ?? 0, figures.diskTrend, figures.diskAge);
  return [
    {
      title: 'Taking in',
      lines: [
        line('Samples', 'samples', 'per-second'),
        line('Log records and spans', 'events', 'per-second'),
        line('Bytes', 'bytes', 'bytes-per-second'),
        line('Samples rejected', 'rejectedSamples', 'per-second'),
        line('Turned away by limits', 'limited', 'count', 'in an hour'),
        line('Scrapes that fail', 'scrapesFailed', 'ratio'),
      ],
    },
    {
      title: 'Storing',
      lines: [
        line('Data delay', 'delay', 'seconds'),
        line('Log not yet stored', 'log', 'bytes'),
        line('Log synced within, p99', 'syncP99', 'seconds'),
        line('Active series', 'series', 'count'),
        line('Set aside', 'setAside', 'count', 'frames'),
        line(
          'Disk free',
          'diskFree',
          'bytes',
          fullS === null ? 'not filling soon' : `full in ${formatSeconds(fullS, 2)}`,
        ),
      ],
    },
    {
      title: 'Answering',
      lines: [
        line('Queries', 'queries', 'per-second'),
        line('Answered within, p99', 'queryP99', 'seconds'),
        line('Waiting', 'waiting', 'count'),
        line('Not answered', 'failedQueries', 'count', 'in an hour'),
        line('Slow', 'slowQueries', 'count', 'in an hour'),
        line('Clients of the live feed', 'clients', 'count'),
      ],
    },
    {
      title: 'Rules and messages',
      lines: [
        line('Rules', 'rules', 'count'),
        line('Evaluations', 'evaluations', 'per-second'),
        line('Evaluations left out', 'missed', 'count', 'in an hour'),
        line('Messages sent', 'sent', 'count', 'in a day'),
        line('Messages owed', 'owed', 'count'),
        { name: 'Not delivered', value: beside.dead, unit: 'count', note: 'dead letters' },
      ],
    },
    {
      title: 'The process',
      lines: [
        line('Memory', 'memory', 'bytes'),
        line('CPU', 'cpu', 'cores'),
        line('Late by, p99', 'loopP99', 'seconds'),
        line('Open files', 'openFiles', 'ratio', 'of those allowed'),
        line('State failures', 'stateFailed', 'count', 'in an hour'),
        line('Up', 'uptime', 'seconds'),
      ],
    },
  ];
}

/** How the server stands as a whole. */
export function statusOf(faults: readonly Fault[], known: boolean): Status {
  if (!known) return 'unknown';
  return faults[0]?.status ?? 'ok';
}
