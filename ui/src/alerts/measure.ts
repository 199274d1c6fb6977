// What the rule of an alert measures over a time, and the limit it compares that with, whatever language it is in.

import type { AlertView } from '../api/alerts';
import { measured, type AlertingRule, type RuleGroup } from '../api/alerting';
import { queryBatch, type Outcome } from '../api/batch';
import { ApiError, type Asking } from '../api/client';
import type { Grid } from '../api/calls';
import type { RangeSeries } from '../api/types';
import { guessUnit, type Unit } from '../design/format';
import { alertsSelector } from './story';
import { comparedIn, type Limit } from './threshold';

export interface OwnRule {
  readonly expression: string;
  /** Null for PromQL. */
  readonly language: string | null;
  /** How often it is evaluated, in seconds. */
  readonly interval: number;
  /** In PromQL: what it measures, without the comparison. Empty for other languages. */
  readonly measure: string;
}

/** The rule that an alert is of: by its name, and its group where that is known. Null for one that runs elsewhere. */
export function ruleOf(alert: Pick<AlertView, 'rule'>, groups: readonly RuleGroup[]): OwnRule | null {
  const own = groups.filter(
    ({ name, file }) => alert.rule === null || (alert.rule.group === name && alert.rule.file === file),
  );
  const [first] = (own.length > 0 ? own : groups).flatMap(({ interval, rules }) =>
    rules.map((rule: AlertingRule) => ({ interval, rule })),
  );
  if (first === undefined) return null;
  const { query: expression, language = null } = first.rule;
  const measure = language === null ? (comparedIn(expression)?.measure ?? expression) : '';
  return { expression, language, interval: first.interval, measure };
}

/** The unit of what a rule measures. */
export function unitOf({ expression, language, measure }: OwnRule): Unit {
  if (language === null) return guessUnit(measure);
  const bare = expression.replace(/"(?:[^"\\]|\\.)*"|`[^`]*`/gu, '');
  // A quotient of two counts is neither.
  if (bare.includes('/')) return 'none';
  if (/\bbytes_rate\s*\(/u.test(bare)) return 'bytes-per-second';
  if (/\bbytes_over_time\s*\(/u.test(bare)) return 'bytes';
  if (/\brate\s*\(/u.test(bare)) return 'per-second';
  if (/\bcount_over_time\s*\(/u.test(bare)) return 'count';
  return language === 'traceql' && /_over_time\s*\(\s*duration\b/u.test(bare) ? 'seconds' : 'none';
}

export interface Evidence {
  readonly grid: Grid;
  /** When the alert waited or fired: series of `ALERTS`. */
  readonly history: Outcome | undefined;
  /** What was measured, or why it cannot be read; null where no rule is known. */
  readonly value: { readonly series: readonly RangeSeries[]; readonly limit: Limit | null } | ApiError | null;
}

export function seriesIn(outcome: Outcome | undefined): readonly RangeSeries[] {
  if (outcome === undefined || outcome instanceof ApiError) return [];
  return outcome.resultType === 'matrix' ? outcome.result : [];
}

async function readEvents(
  { expression: expr, interval }: OwnRule,
  language: string,
  grid: Grid,
  asking: Asking,
): Promise<Evidence['value']> {
  try {
    const { series, limit } = await measured({ expr, language, interval }, grid, asking);
    return { series, limit: limit && { operator: limit.operator, limit: limit.value } };
  } catch (error) {
    // That it was in the past what it was can be told without.
    if (error instanceof ApiError) return error;
    throw error;
  }
}

/** Reads what there is to show of an alert. Rejects with ApiError where its history cannot be read. */
export async function readEvidence(
  alert: Pick<AlertView, 'labels'>,
  rule: OwnRule | null,
  grid: Grid,
  asking: Asking,
): Promise<Evidence> {
  const isMetric = rule !== null && rule.language === null;
  const asked = [alertsSelector(alert.labels), ...(isMetric ? [rule.measure] : [])];
  const [[history, found], events] = await Promise.all([
    queryBatch(
      asked.map((query) => ({ query, ...grid })),
      asking,
    ),
    rule === null || rule.language === null ? null : readEvents(rule, rule.language, grid, asking),
  ]);
  if (!isMetric) return { grid, history, value: events };
  if (found instanceof ApiError) return { grid, history, value: found };
  return { grid, history, value: { series: seriesIn(found), limit: comparedIn(rule.expression) } };
}
