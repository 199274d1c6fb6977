// Rules: how each was evaluated last, the groups that are kept here, and what they would have done.

import type { Hold } from './alerts';
import { ask, change, type Answer, type Asking } from './client';
import type { Labels } from './types';

export interface Rule {
  readonly name: string;
  readonly query: string;
  /** Of the query; PromQL where there is none. */
  readonly language?: string;
  readonly type: 'alerting' | 'recording';
  readonly labels: Labels;
  readonly health: 'ok' | 'err' | 'unknown';
  readonly lastEvaluation: string;
  /** Seconds. */
  readonly evaluationTime: number;
  readonly lastError?: string;
  /** Why it is not known whether it fires. */
  readonly unknown?: string;
  /** Of alerting rules, as all below; the worst of its alerts. */
  readonly state?: 'inactive' | 'pending' | 'firing';
  /** Seconds. */
  readonly duration?: number;
  /** Seconds. */
  readonly keepFiringFor?: number;
  readonly annotations?: Labels;
}

export interface RunningGroup {
  readonly name: string;
  /** The path of its file; of a group that is kept here, its namespace. */
  readonly file: string;
  /** Seconds. */
  readonly interval: number;
  /** Seconds, for all of its rules. */
  readonly evaluationTime: number;
  readonly lastEvaluation: string;
  readonly rules: readonly Rule[];
}

export function runningGroups(asking: Asking): Promise<Answer<{ readonly groups: readonly RunningGroup[] }>> {
  return ask('/api/v1/rules', { exclude_alerts: 'true' }, asking);
}

/** A rule by the names of rule files. */
export interface PlainRule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly for?: string;
  readonly keep_firing_for?: string;
  readonly labels?: Labels;
  readonly annotations?: Labels;
}

/** A group by the names of rule files. */
export interface PlainGroup {
  readonly name: string;
  readonly interval?: string;
  readonly query_offset?: string;
  readonly limit?: number;
  readonly labels?: Labels;
  readonly language?: string;
  readonly rules: readonly PlainRule[];
}

export interface KeptGroup {
  readonly namespace: string;
  readonly name: string;
  readonly source: 'kept' | 'file' | 'condition';
  readonly file: string | null;
  readonly group: PlainGroup;
  readonly version: number | null;
  readonly updated: string | null;
  readonly updated_by: string | null;
}

/** What came of a change: of a group of a file it is not applied, and the diff is what is to be committed. */
export interface GroupChange {
  readonly applied: boolean;
  readonly diff: string | null;
  readonly file: string | null;
}

function pathOf(namespace: string, group: string): string {
  return `/api/alerting/rules/${encodeURIComponent(namespace)}/${encodeURIComponent(group)}`;
}

export async function keptGroup(namespace: string, group: string, asking: Asking): Promise<KeptGroup> {
  return (await ask<KeptGroup>(pathOf(namespace, group), {}, asking)).data;
}

/** `version` is the one that is changed, 0 for a group that there is not yet; left out of groups of files. */
export function putGroup(
  namespace: string,
  wanted: { group: PlainGroup; version?: number; reason?: string; dry_run?: boolean },
  asking: Asking,
): Promise<GroupChange> {
  return change('PUT', pathOf(namespace, wanted.group.name), wanted, asking);
}

export function dropGroup(namespace: string, group: string, asking: Asking): Promise<GroupChange> {
  return change('DELETE', pathOf(namespace, group), null, asking);
}

export interface Firing {
  readonly labels: Labels;
  readonly value: string;
  readonly start: string;
  /** Null while it fires still. */
  readonly end: string | null;
}

export interface Outcome {
  readonly fired: number;
  readonly pages: number;
  readonly pages_by_receiver: Readonly<Record<string, number>>;
  /** Alerts of which nobody would have been told. */
  readonly untold: number;
  /** Alerts that were held back from a receiver for a while; not all of many. */
  readonly held: readonly (Hold & {
    readonly time: string;
    readonly receiver: string;
    readonly labels: Labels;
  })[];
  readonly rules: readonly {
    readonly alert: string;
    readonly fired: number;
    readonly pending: number;
    readonly faults: readonly string[];
    readonly firings: readonly Firing[];
  }[];
}

export interface Replay {
  readonly start: string;
  readonly end: string;
  readonly outcome: Outcome;
  readonly compared: Outcome | null;
  readonly difference: {
    readonly saved: number;
    readonly added: number;
    readonly lost: number;
    readonly gained: number;
  } | null;
}

/** What groups, and other versions of them, would have done over what is stored. */
export function replay(
  wanted: { rules: string; last: string; compare?: { rules: string } },
  asking: Asking,
): Promise<Replay> {
  return change('POST', '/api/alerting/replay', wanted, asking);
}

/** What a group, or a simple condition, was from one change to the next. */
export interface GroupVersion {
  readonly version: number;
  readonly group: PlainGroup | null;
  readonly updated: string;
  readonly updated_by: string;
  readonly reason: string;
}

/** The newest first. */
export async function groupVersions(
  namespace: string,
  group: string,
  asking: Asking,
): Promise<readonly GroupVersion[]> {
  return (await ask<readonly GroupVersion[]>(`${pathOf(namespace, group)}/versions`, {}, asking)).data;
}
