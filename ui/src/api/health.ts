// Checks of health, components, the status page and what is announced on it.

import { ask, change, type Answer, type Asking } from './client';
import type { Json } from './governance';

const ROOT = '/api/v1/health';

export type CheckState = 'up' | 'down' | 'unknown';
export type Health = 'healthy' | 'degraded' | 'down' | 'maintenance' | 'unknown';
export type Strip = readonly (number | null)[];
export type CheckDocument = Readonly<Record<string, Json>>;

export interface CheckView {
  readonly name: string;
  readonly title: string;
  readonly type: string;
  readonly target: string;
  readonly component: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly severity: string;
  readonly interval_ms: number;
  readonly depends_on: readonly string[];
  readonly enabled: boolean;
  readonly state: CheckState;
  /** RFC 3339. */
  readonly since: string | null;
  readonly reason: string;
  readonly because: string;
  readonly failures: number;
  readonly looked: string | null;
  readonly duration_ms: number | null;
  /** Why it is in maintenance; empty where it is not. */
  readonly maintenance: string;
  readonly certificate_days: number | null;
  readonly uptime: number | null;
  /** Of 90 days, today last. */
  readonly strip: Strip;
  readonly recent_ms: readonly (number | null)[];
  readonly source: 'file' | 'kept';
  readonly file: string;
  readonly version: number;
}

export interface Run {
  readonly at: string;
  readonly up: boolean;
  readonly known: boolean;
  readonly reason: string;
  readonly duration_ms: number;
  readonly facts: Readonly<Record<string, number>>;
}

export interface HealthChange {
  readonly check: string;
  readonly at: string;
  readonly was: CheckState;
  readonly became: CheckState;
  readonly reason: string;
}

export interface CheckDetail extends CheckView {
  readonly definition: CheckDocument;
  readonly days: readonly {
    readonly day: string;
    readonly uptime: number | null;
    readonly coverage: number;
  }[];
  readonly changes: readonly HealthChange[];
  /** The newest first. */
  readonly runs: readonly Run[];
  readonly beats: {
    readonly heard: string | null;
    readonly started: string | null;
    readonly failed: string | null;
    readonly exit_code: number;
    readonly has_address: boolean;
  } | null;
  readonly updated: string | null;
  readonly updated_by: string;
}

export interface ComponentView {
  readonly name: string;
  readonly title: string;
  readonly part_of: string;
  readonly health: Health;
  readonly since: string | null;
  readonly reasons: readonly { readonly check: string; readonly health: Health; readonly text: string }[];
  readonly checks: readonly string[];
  readonly parts: readonly string[];
  readonly strip: Strip;
  readonly uptime: number | null;
  readonly source: 'file' | 'kept' | 'named';
  readonly version: number;
}

export interface SystemView {
  readonly health: Health;
  readonly checks: Readonly<Record<CheckState | 'maintenance', number>>;
}

export function checks(asking: Asking): Promise<Answer<readonly CheckView[]>> {
  return ask(`${ROOT}/checks`, {}, asking);
}

export function checkDetail(name: string, asking: Asking): Promise<Answer<CheckDetail>> {
  return ask(one(name), {}, asking);
}

export function putCheck(
  name: string,
  check: CheckDocument,
  version: number,
  asking: Asking,
): Promise<CheckView> {
  return change('PUT', one(name), { check, version }, asking);
}

export function dropCheck(name: string, asking: Asking): Promise<unknown> {
  return change('DELETE', one(name), null, asking);
}

export function tryCheck(check: CheckDocument, asking: Asking): Promise<Run> {
  return change('POST', `${ROOT}/test`, { check }, asking);
}

/** Gives a heartbeat a new address, which is told this once. */
export function newAddress(
  name: string,
  asking: Asking,
): Promise<{ readonly path: string; readonly url: string }> {
  return change('POST', `${one(name)}/address`, null, asking);
}

export interface CheckVersion {
  readonly version: number;
  readonly check: CheckDocument | null;
  readonly updated: string;
  readonly updated_by: string;
  readonly reason: string;
}

export function checkVersions(name: string, asking: Asking): Promise<Answer<readonly CheckVersion[]>> {
  return ask(`${one(name)}/versions`, {}, asking);
}

export function components(asking: Asking): Promise<Answer<readonly ComponentView[]>> {
  return ask(`${ROOT}/components`, {}, asking);
}

export function system(asking: Asking): Promise<Answer<SystemView>> {
  return ask(`${ROOT}/system`, {}, asking);
}

function one(name: string): string {
  return `${ROOT}/checks/${encodeURIComponent(name)}`;
}

export interface ShownComponent {
  readonly component: string;
  readonly title: string;
  readonly description: string;
}

export interface PageDocument {
  readonly public: boolean;
  readonly slug: string;
  readonly title: string;
  readonly description: string;
  readonly components: readonly ShownComponent[];
  readonly shows_uptime: boolean;
  readonly link: string;
}

export interface StatusPage extends PageDocument {
  /** 0 where there is none yet. */
  readonly version: number;
  readonly path: string;
  readonly domains: readonly string[];
}

export function statusPage(asking: Asking): Promise<Answer<StatusPage>> {
  return ask(`${ROOT}/status-page`, {}, asking);
}

export function putStatusPage(
  page: PageDocument & { readonly version: number },
  asking: Asking,
): Promise<StatusPage> {
  return change('PUT', `${ROOT}/status-page`, page, asking);
}

export interface Announcement {
  readonly id: string;
  readonly kind: 'incident' | 'maintenance';
  readonly title: string;
  readonly impact: string;
  readonly components: readonly string[];
  readonly starts: string;
  readonly ends: string | null;
  readonly phase: string;
  readonly over: boolean;
  readonly updates: readonly { readonly at: string; readonly phase: string; readonly text: string }[];
}

export interface NewAnnouncement {
  readonly kind: string;
  readonly title: string;
  readonly impact: string;
  readonly components: readonly string[];
  readonly starts_ms: number | null;
  readonly ends_ms: number | null;
  readonly text: string;
}

export function announcements(asking: Asking): Promise<Answer<readonly Announcement[]>> {
  return ask(`${ROOT}/announcements`, {}, asking);
}

export function announce(said: NewAnnouncement, asking: Asking): Promise<Announcement> {
  return change('POST', `${ROOT}/announcements`, said, asking);
}

export function updateAnnouncement(
  id: string,
  update: { readonly phase: string; readonly text: string },
  asking: Asking,
): Promise<Announcement> {
  return change('POST', `${ROOT}/announcements/${encodeURIComponent(id)}/updates`, update, asking);
}

export function dropAnnouncement(id: string, asking: Asking): Promise<unknown> {
  return change('DELETE', `${ROOT}/announcements/${encodeURIComponent(id)}`, null, asking);
}
