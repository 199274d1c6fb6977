// Objectives: how they stand, what spent their budgets, and those that are defined here.

import { ask, change, type Answer, type Asking } from './client';
import type { Json } from './governance';
import type { Labels } from './types';

export interface Slo {
  readonly id: string;
  readonly name: string;
  readonly service: string;
  readonly description: string;
  /** `pharos` for one that is kept here. */
  readonly language: string;
  readonly target_percent: number;
  readonly window: string;
  readonly window_start: string;
  readonly is_rolling: boolean;
  readonly budgeting: string;
  readonly error_budget: number;
  readonly error_rate: number | null;
  /** 1 is whole, 0 spent, below 0 overdrawn. */
  readonly budget_remaining: number | null;
  readonly burn_rate: number | null;
  readonly exhausted_in_minutes: number | null;
  readonly is_met: boolean | null;
  readonly coverage: number;
  readonly is_measured: boolean;
  readonly maintenance_minutes: number;
  /** Labels by which budgets are kept apart. */
  readonly by: readonly string[];
  readonly labels: Labels;
  readonly file: string;
  /** Null for one of a file. */
  readonly version: number | null;
}

export interface Spent {
  readonly start: string;
  readonly end: string;
  /** Of the window's budget. */
  readonly share: number;
  readonly error_rate: number;
}

export interface Burn {
  readonly severity: string;
  readonly long: string;
  readonly short: string;
  readonly threshold: number;
  readonly long_rate: number | null;
  readonly short_rate: number | null;
  readonly is_burning: boolean;
}

export interface SloPart {
  readonly labels: Labels;
  readonly error_rate: number | null;
  readonly budget_remaining: number | null;
  readonly burn_rate: number | null;
  readonly exhausted_in_minutes: number | null;
}

export interface SloReport {
  readonly slo: Slo;
  readonly step_ms: number;
  readonly times_ms: readonly number[];
  readonly remaining: (number | null)[];
  readonly error_rates: (number | null)[];
  readonly spent: readonly Spent[];
  readonly burning: readonly Burn[];
  readonly parts: readonly SloPart[];
  readonly maintenance: readonly { readonly start: string; readonly end: string }[];
  /** Of a part of it; `only` says of which. */
  readonly partial_maintenance: readonly {
    readonly start: string;
    readonly end: string;
    readonly only: readonly string[];
  }[];
  readonly alerts: readonly {
    readonly name: string;
    readonly state: string;
    readonly labels: Labels;
    readonly fingerprint: string;
    readonly active_since: string;
  }[];
  readonly rules: string;
  readonly allowed: boolean;
  readonly reasons: readonly string[];
}

/** An objective as a form has it; what it may hold stands in the documentation. */
export type SloDefinition = Readonly<Record<string, Json>>;

export interface SloVersion {
  readonly name: string;
  readonly version: number;
  readonly definition: SloDefinition | null;
  readonly by: string;
  readonly reason: string;
  readonly at: string;
}

const at = (name: string): string => `/api/slos/${encodeURIComponent(name)}`;

export function slos(asking: Asking): Promise<Answer<readonly Slo[]>> {
  return ask('/api/slos', {}, asking);
}

export function sloReport(id: string, asking: Asking): Promise<Answer<SloReport>> {
  return ask(`${at(id)}/report`, {}, asking);
}

export function sloVersions(name: string, asking: Asking): Promise<Answer<readonly SloVersion[]>> {
  return ask(`${at(name)}/versions`, {}, asking);
}

export function previewSlo(
  definition: SloDefinition,
  asking: Asking,
): Promise<{ readonly id: string; readonly rules: string; readonly count: number }> {
  return change('POST', '/api/slos/preview', { definition }, asking);
}

/** `version` is the one that is replaced, 0 for none. */
export function putSlo(
  name: string,
  wanted: { definition: SloDefinition; version: number; reason: string },
  asking: Asking,
): Promise<SloVersion> {
  return change('PUT', at(name), wanted, asking);
}

export function dropSlo(name: string, asking: Asking): Promise<unknown> {
  return change('DELETE', at(name), null, asking);
}
