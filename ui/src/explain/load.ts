// Every signal asked what changed at the time of a spike, each by itself: one that fails leaves the others as they are.

import type { Asking } from '../api/client';
import { correlations } from '../api/correlations';
import { logPatterns, type LogsAsked } from '../api/logs';
import { related, selectorOf } from '../api/related';
import { ratesBy, spanDifferences, type TraceFilters } from '../api/traces';
import { formatLabels } from '../chart/columns';
import { condition } from '../logs/query';
import { serviceOf } from '../services/services';
import { formatDuration } from '../time/range';
import {
  ofDifferences,
  ofLogs,
  ofRelated,
  ofSeries,
  ofServices,
  servicesChanged,
  type Finding,
} from './rank';
import { baselineMs, type Spike } from './spike';

const MOST_SERIES = 30;
const MOST_AROUND_MS = 6 * 3_600_000;

/** What one source found, and what it was not able to look through. */
export interface Part {
  findings: readonly Finding[];
  /** In words, for the foot of the list. */
  note: string;
}

const NOTHING: Part = { findings: [], note: '' };

async function seriesPart(spike: Spike, asking: Asking): Promise<Part> {
  const span = {
    from: spike.fromMs / 1000,
    to: spike.toMs / 1000,
    baseline: formatDuration(baselineMs(spike)),
  };
  const found = await correlations(spike.expr, span, MOST_SERIES, asking);
  const own = spike.expr.trim();
  const others = found.series.filter(({ expression }) => expression.trim() !== own);
  const looked = `${found.examined} series were looked at, ${found.changed} of them changed`;
  return {
    findings: ofSeries(others, ({ labels, expression }) =>
      Object.keys(labels).length === 0 ? expression : formatLabels(labels),
    ),
    note: found.truncated ? `${looked}; there are more` : looked,
  };
}

async function relatedPart(spike: Spike, asking: Asking): Promise<Part> {
  // Where nothing was drawn, whose spike it is is told by its labels.
  const expr = spike.expr || (Object.keys(spike.labels).length > 0 ? selectorOf(spike.labels) : '');
  if (expr === '') return NOTHING;
  const around = Math.min(MOST_AROUND_MS, Math.max(spike.toMs - spike.fromMs, 300_000));
  const about = { kind: 'series', expr, labels: spike.labels, atMs: spike.fromMs } as const;
  const found = await related(about, formatDuration(Math.round(around / 1000) * 1000), asking);
  return { findings: ofRelated(found, spike), note: '' };
}

async function logsPart(spike: Spike, service: string, asking: Asking): Promise<Part> {
  const query = service === '' ? '' : condition('service', service, true);
  const asked: LogsAsked = { query, fromMs: spike.fromMs, toMs: spike.toMs };
  const length = spike.toMs - spike.fromMs;
  const earlier: LogsAsked = { query, fromMs: spike.fromMs - length, toMs: spike.fromMs };
  const [now, before] = await Promise.all([logPatterns(asked, asking), logPatterns(earlier, asking)]);
  const compared = before.lines > 0;
  const part =
    now.is_complete && before.is_complete ? '' : '; of the newest lines alone, for there are very many';
  return {
    findings: ofLogs(now.patterns, before.patterns, compared),
    note:
      now.lines > 0 && !compared
        ? 'there are no log lines just before it to compare with'
        : `${now.patterns.length} log patterns were compared${part}`,
  };
}

async function tracesPart(spike: Spike, service: string, asking: Asking): Promise<Part> {
  const own: TraceFilters = service === '' ? {} : { service };
  const [start, end] = [spike.fromMs / 1000, spike.toMs / 1000];
  const base = { start: start - baselineMs(spike) / 1000, end: start };
  const [before, during] = await Promise.all([
    ratesBy('service', own, base, Math.max(1, base.end - base.start), asking),
    ratesBy('service', own, { start, end }, Math.max(1, end - start), asking),
  ]);
  const changed = servicesChanged(before.data, during.data);
  const [worst] = changed;
  const findings = ofServices(changed);
  if (!worst) return { findings, note: `${during.data.length} services were compared by their spans` };
  const failed = worst.failing > worst.slower;
  const selected = failed
    ? 'status:error'
    : `duration:>${Math.max(1, Math.round(worst.p95BeforeS * 1000))}ms`;
  const { data } = await spanDifferences({ service: worst.service }, selected, { start, end }, asking);
  return {
    findings: [
      ...findings,
      ...ofDifferences(worst.service, failed ? 'failed' : 'slow', data, (name, value) =>
        condition(name, value, true),
      ),
    ],
    note: `${during.data.length} services were compared by their spans`,
  };
}

export type Source = 'series' | 'related' | 'logs' | 'traces';

/** What one source says of the spike; rejects as its questions do. */
export async function askSource(source: Source, spike: Spike, asking: Asking): Promise<Part> {
  // What the spike is of narrows what is looked through, where its labels name it.
  const service = serviceOf(spike.labels);
  switch (source) {
    case 'series':
      return seriesPart(spike, asking);
    case 'related':
      return relatedPart(spike, asking);
    case 'logs':
      return logsPart(spike, service, asking);
    case 'traces':
      return tracesPart(spike, '', asking);
  }
}
