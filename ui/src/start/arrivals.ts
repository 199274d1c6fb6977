// What has come in since the page was opened: what the server knows now beside what it knew at first. Pure.

export type Signal = 'metrics' | 'logs' | 'traces';

/** The names of what sends, by signal: jobs and metrics, services. */
export interface Known {
  jobs: readonly string[];
  metrics: readonly string[];
  logs: readonly string[];
  traces: readonly string[];
}

/** Whose something is: what the page of its signal is narrowed to. */
export interface Sender {
  signal: Signal;
  /** A job or a service; a metric where `isMetric`. */
  name: string;
  isMetric?: boolean;
}

/** Something that came for the first time. */
export interface Arrival extends Sender {
  text: string;
  atMs: number;
}

const MOST_NAMED = 3;

/** What Pharos tells of itself, which nobody waits for. */
const OWN = ['pharos', 'pharos-host'];

/** The parameters that narrow the page of a signal to a sender. */
export function searchOf({ signal, name, isMetric }: Sender): Record<string, string> {
  const quoted = JSON.stringify(name);
  if (signal === 'logs') return { q: `service:${quoted}` };
  if (signal === 'traces') return { query: `service:${quoted}` };
  return { q0: isMetric === true ? name : `{job=${quoted}}` };
}

/** Whether any of `names` is not Pharos itself. */
export function othersSend(names: readonly string[]): boolean {
  return fresh([], names).length > 0;
}

function fresh(before: readonly string[], now: readonly string[]): string[] {
  const known = new Set([...before, ...OWN]);
  return now.filter((name) => name !== '' && !known.has(name));
}

/** What `now` has that `before` had not. A new job's own metrics are no news beside it. */
export function arrivalsOf(before: Known, now: Known, atMs: number): readonly Arrival[] {
  const jobs = fresh(before.jobs, now.jobs);
  const metrics = jobs.length > 0 ? [] : fresh(before.metrics, now.metrics);
  const more = metrics.length > MOST_NAMED ? ` and ${metrics.length - MOST_NAMED} more` : '';
  const named = metrics.slice(0, MOST_NAMED);
  return [
    ...jobs.map((name) => ({ signal: 'metrics' as const, text: `First sample of job ${name}`, name, atMs })),
    ...(named.length === 0
      ? []
      : [
          {
            signal: 'metrics' as const,
            text: `First sample of ${named.join(', ')}${more}`,
            name: named[0] ?? '',
            isMetric: true,
            atMs,
          },
        ]),
    ...fresh(before.logs, now.logs).map((name) => ({
      signal: 'logs' as const,
      text: `First line of ${name}`,
      name,
      atMs,
    })),
    ...fresh(before.traces, now.traces).map((name) => ({
      signal: 'traces' as const,
      text: `First span received from ${name}`,
      name,
      atMs,
    })),
  ];
}

/** What is known after `now`: names that the server leaves out for a while are no news when they are back. */
export function joined(before: Known, now: Known): Known {
  const both = (a: readonly string[], b: readonly string[]): readonly string[] => [...new Set([...a, ...b])];
  return {
    jobs: both(before.jobs, now.jobs),
    metrics: both(before.metrics, now.metrics),
    logs: both(before.logs, now.logs),
    traces: both(before.traces, now.traces),
  };
}
