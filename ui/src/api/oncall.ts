// Who is on call, who takes whose shifts, and who is told next when nobody reacts.

import type { LabelsByAlert } from './alerts';
import { ask, change, type Answer, type Asking } from './client';
import type { Json } from './governance';

export interface OnCall {
  readonly schedule: string;
  readonly people: readonly string[];
  readonly source: string;
  readonly until: string | null;
  readonly next: readonly string[];
}

export interface Span {
  readonly start: string;
  readonly end: string;
}

export interface Shift extends Span {
  readonly people: readonly string[];
  /** The layer, override or swap that says so. */
  readonly source: string;
  readonly instead_of: readonly string[];
}

export interface Override extends Span {
  readonly id: string;
  readonly people: readonly string[];
  readonly reason: string;
  readonly by: string;
}

export interface Shifts extends Span {
  readonly schedule: string;
  readonly time_zone: string;
  readonly final: readonly Shift[];
  readonly layers: readonly { readonly name: string; readonly shifts: readonly Shift[] }[];
  readonly gaps: readonly Span[];
  readonly overrides: readonly Override[];
}

type Document = Readonly<Record<string, Json>>;

/** A definition as it is from one time on. */
export interface Version {
  readonly name: string;
  readonly version: number;
  readonly document: Document | null;
  readonly by: string;
  readonly reason: string;
  readonly at: string;
}

export interface Escalation {
  readonly id: string;
  readonly group_key: string;
  readonly policy: string;
  readonly status: string;
  readonly level: number;
  readonly level_name: string;
  /** How each alert stands, by fingerprint, and their labels. */
  readonly alerts: Readonly<Record<string, string>>;
  readonly labels: LabelsByAlert;
  readonly votes: readonly string[];
  readonly quorum: number;
  /** Who was told, by the name of the level. */
  readonly told: Readonly<Record<string, readonly string[]>>;
  readonly started: string;
  readonly next: string | null;
  /** Which level is told then, and who that is; empty where nobody is. */
  readonly next_level: string;
  readonly next_targets: readonly string[];
}

export function onCallNow(asking: Asking): Promise<Answer<{ readonly on_call: readonly OnCall[] }>> {
  return ask('/api/alerting/oncall', {}, asking);
}

/** Where a schedule is as iCalendar. */
export function calendarOf(schedule: string): string {
  return `/api/alerting/schedules/${encodeURIComponent(schedule)}/calendar.ics`;
}

export type Kind = 'schedules' | 'escalation_policies';

export function definitions(kind: Kind, asking: Asking): Promise<Answer<readonly Version[]>> {
  return ask(`/api/alerting/${kind}`, {}, asking);
}

/** `replaced` is the version that it takes the place of, 0 for none. */
export function define(
  kind: Kind,
  name: string,
  document: Document,
  replaced: number,
  asking: Asking,
): Promise<Version> {
  const field = kind === 'schedules' ? 'schedule' : 'policy';
  const body = { [field]: document, version: replaced };
  return change('PUT', `/api/alerting/${kind}/${encodeURIComponent(name)}`, body, asking);
}

export function dropDefinition(kind: Kind, name: string, asking: Asking): Promise<unknown> {
  return change('DELETE', `/api/alerting/${kind}/${encodeURIComponent(name)}`, null, asking);
}

export function shiftsOf(schedule: string, span: Span, asking: Asking): Promise<Answer<Shifts>> {
  return ask(`/api/alerting/schedules/${encodeURIComponent(schedule)}/shifts`, { ...span }, asking);
}

export function override(
  schedule: string,
  wanted: Span & { people: readonly string[]; reason: string },
  asking: Asking,
): Promise<Override> {
  return change('POST', `/api/alerting/schedules/${encodeURIComponent(schedule)}/overrides`, wanted, asking);
}

export function dropOverride(schedule: string, id: string, asking: Asking): Promise<unknown> {
  const path = `/api/alerting/schedules/${encodeURIComponent(schedule)}/overrides/${encodeURIComponent(id)}`;
  return change('DELETE', path, null, asking);
}

export function openEscalations(asking: Asking): Promise<Answer<readonly Escalation[]>> {
  return ask('/api/alerting/escalations', { open: 'true' }, asking);
}

export function escalateNow(id: string, asking: Asking): Promise<Escalation> {
  return change('POST', `/api/alerting/escalations/${encodeURIComponent(id)}/next`, {}, asking);
}
