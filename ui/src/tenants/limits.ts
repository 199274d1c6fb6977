// Limits as people read and write them.

import type { LimitValue } from '../api/tenants';
import { parseDuration } from '../time/durations';

export interface LimitWords {
  name: string;
  label: string;
  hint: string;
  kind: 'count' | 'duration';
}

const WORDS: Readonly<Record<string, readonly [string, string]>> = {
  ingest_rate: ['Samples a second', 'taken in over time'],
  ingest_burst: ['Samples at once', 'without a number: ten seconds of the rate'],
  max_series: ['Active series', 'with a sample in the last one to two hours'],
  max_label_names: ['Labels of a series', 'the metric’s name among them'],
  max_label_name_length: ['Bytes of a label’s name', ''],
  max_label_value_length: ['Bytes of a label’s value', ''],
  max_queries: ['Queries at once', 'further ones wait, then are refused'],
  max_query_samples: ['Samples a query loads', ''],
  max_query_series: ['Series a query selects', ''],
  max_query_range: ['Range of a query', 'from its start to its end, such as 31d'],
  max_query_lookback: ['How far back queries see', 'such as 90d'],
  retention: ['Retention', 'older samples are deleted, such as 15d'],
  retention_logs: ['Retention of logs', 'older lines are deleted, such as 15d'],
  retention_logs_debug: ['… of the levels debug and trace', 'if shorter, such as 2d'],
  retention_logs_info: ['… of the level info', 'if shorter'],
  retention_logs_warn: ['… of the level warn', 'if shorter'],
  retention_traces: ['Retention of traces', 'older spans are deleted, such as 7d'],
};

const isDuration = (name: string): boolean =>
  policyOf(name) === 'retention' || name === 'max_query_range' || name === 'max_query_lookback';

/** What a limit is called, and means. */
export function wordsOf(name: string): LimitWords {
  const [label = name, hint = ''] = WORDS[name] ?? [];
  return { name, label, hint, kind: isDuration(name) ? 'duration' : 'count' };
}

const DURATION = /^(?:\d+(?:ms|[smhdwy]))+$/u;

/** What was typed for a limit: null for "as for everybody", an error in words for what is none. */
export function readLimit(name: string, typed: string): { value: LimitValue | null } | { error: string } {
  const text = typed.trim().replaceAll(',', '');
  if (text === '') return { value: null };
  if (text === '0') return { value: 0 };
  if (wordsOf(name).kind === 'duration')
    return DURATION.test(text) ? { value: text } : { error: 'a duration such as 15d or 12h, or 0 for none' };
  const number = Number(text);
  return /^\d+$/u.test(text) && Number.isSafeInteger(number)
    ? { value: number }
    : { error: 'a whole number, or 0 for none' };
}

const GROUPED = new Intl.NumberFormat('en-US');

/** A limit as it is shown. */
export function shownLimit(value: LimitValue | undefined): string {
  if (value === undefined || value === 0) return 'no limit';
  return typeof value === 'number' ? GROUPED.format(value) : value;
}

/** What changes: the limits that were typed otherwise than they were. */
export function changedLimits(
  own: Readonly<Record<string, LimitValue>>,
  typed: Readonly<Record<string, string>>,
): Readonly<Record<string, LimitValue | null>> {
  const changed: Record<string, LimitValue | null> = {};
  for (const [name, text] of Object.entries(typed)) {
    const read = readLimit(name, text);
    if ('value' in read && read.value !== (own[name] ?? null)) changed[name] = read.value;
  }
  return changed;
}

type Changes = Readonly<Record<string, LimitValue | null>>;

/** Which policy a limit belongs to: how long data are kept is one of its own. */
export function policyOf(name: string): 'limits' | 'retention' {
  return name.startsWith('retention') ? 'retention' : 'limits';
}

/** What of `changes` is of policies for which `is` holds. */
export function changesOf(changes: Changes, is: (policy: 'limits' | 'retention') => boolean): Changes {
  return Object.fromEntries(Object.entries(changes).filter(([name]) => is(policyOf(name))));
}

/** Changes as proposals have them: times are milliseconds, and named so. */
export function boundsOf(changes: Changes): Readonly<Record<string, number | null>> {
  return Object.fromEntries(
    Object.entries(changes).map(([name, value]) => [
      wordsOf(name).kind === 'duration' ? `${name}_ms` : name,
      typeof value === 'string' ? parseDuration(value) : value,
    ]),
  );
}
