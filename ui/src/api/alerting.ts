// What holds alerts back, who has taken them, what was done about each, and the rules that make them.

import type { LabelsByAlert } from './alerts';
import { ApiError, ask, change, type Answer, type Asking } from './client';
import type { Grid } from './calls';
import type { Json } from './governance';
import type { RangeSeries } from './types';

/** One thing that happened to an alert. */
export interface Step {
  readonly at: string;
  readonly step: string;
  /** What happened, in a sentence. */
  readonly text: string;
  readonly detail: Readonly<Record<string, Json>>;
}

/** What happened to an alert, the oldest first; nothing where nothing is on record. */
export async function timeline(fingerprint: string, asking: Asking): Promise<readonly Step[]> {
  const path = `/api/alerting/alerts/${encodeURIComponent(fingerprint)}/timeline`;
  try {
    return (await ask<{ readonly lines: readonly Step[] }>(path, {}, asking)).data.lines;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return [];
    throw error;
  }
}

/** Says that a step of an alert's runbook is done, or is not. */
export function tickStep(fingerprint: string, step: string, done: boolean, asking: Asking): Promise<unknown> {
  const path = `/api/alerting/alerts/${encodeURIComponent(fingerprint)}/runbook/steps`;
  return change('POST', path, { step, done }, asking);
}

/** Has an action be carried out upon an alert. */
export function askForAction(fingerprint: string, action: string, asking: Asking): Promise<unknown> {
  const alert = encodeURIComponent(fingerprint);
  const path = `/api/alerting/alerts/${alert}/runbook/actions/${encodeURIComponent(action)}`;
  return change('POST', path, { reason: '' }, asking);
}

/** Says that somebody sees to these alerts; `until` is RFC 3339, null for as long as they fire. */
export function acknowledge(
  wanted: { fingerprints: readonly string[]; comment: string; until: string | null },
  asking: Asking,
): Promise<unknown> {
  return change('POST', '/api/alerting/acknowledgements', wanted, asking);
}

export function takeBack(id: string, asking: Asking): Promise<unknown> {
  return change('DELETE', `/api/alerting/acknowledgements/${encodeURIComponent(id)}`, null, asking);
}

export interface SilenceMatcher {
  readonly name: string;
  readonly op: '=' | '!=' | '=~' | '!~';
  readonly value: string;
}

export interface Silence {
  readonly id: string;
  readonly matchers: readonly SilenceMatcher[];
  readonly state: 'pending' | 'active' | 'expired';
  readonly starts: string;
  readonly ends: string;
  readonly created_by: string;
  readonly comment: string;
  /** The one receiver that it is for; empty for all. */
  readonly receiver: string;
  /** How many alerts it would hold back now. */
  readonly hides: number;
}

export interface NewSilence {
  readonly id?: string;
  readonly matchers: readonly SilenceMatcher[];
  readonly starts: string;
  readonly ends: string;
  readonly comment: string;
  readonly receiver?: string;
}

export function silences(asking: Asking): Promise<Answer<{ readonly silences: readonly Silence[] }>> {
  return ask('/api/alerting/silences', {}, asking);
}

export function putSilence(silence: NewSilence, asking: Asking): Promise<unknown> {
  return change('POST', '/api/alerting/silences', silence, asking);
}

export function expireSilence(id: string, asking: Asking): Promise<unknown> {
  return change('DELETE', `/api/alerting/silences/${encodeURIComponent(id)}`, null, asking);
}

/** The alerts that matchers are about now, by fingerprint. */
export function previewSilence(
  matchers: readonly SilenceMatcher[],
  asking: Asking,
): Promise<{ readonly alerts: readonly string[]; readonly labels: LabelsByAlert }> {
  return change('POST', '/api/alerting/silences/preview', { matchers }, asking);
}

export interface AlertingRule {
  readonly name: string;
  readonly query: string;
  /** Of the query; PromQL where there is none. */
  readonly language?: string;
  readonly type: string;
  readonly duration?: number;
  readonly health: string;
  readonly lastError?: string;
}

/** What a rule over lines or spans measures, and the limit it compares that with; null where that is no number. */
export interface RuleMeasure {
  readonly series: readonly RangeSeries[];
  readonly limit: { readonly operator: string; readonly value: number } | null;
}

/** What an expression in LogQL or TraceQL measures, of a group that is evaluated every `interval` seconds. */
export async function measured(
  rule: { readonly expr: string; readonly language: string; readonly interval: number },
  grid: Grid,
  asking: Asking,
): Promise<RuleMeasure> {
  const { expr, language, interval } = rule;
  const path = `/api/alerting/measured/${language === 'traceql' ? 'spans' : 'lines'}`;
  return (await ask<RuleMeasure>(path, { expr, interval, ...grid }, asking)).data;
}

export interface RuleGroup {
  readonly name: string;
  readonly file: string;
  readonly interval: number;
  readonly rules: readonly AlertingRule[];
}

/** The rules of a name. */
export function rulesNamed(
  name: string,
  asking: Asking,
): Promise<Answer<{ readonly groups: readonly RuleGroup[] }>> {
  return ask('/api/v1/rules', { type: 'alert', 'rule_name[]': [name] }, asking);
}
