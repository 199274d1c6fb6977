// Who is told of alerts, how that went, which way alerts take to them, and the configuration that says so.

import type { Hold } from './alerts';
import { ask, change, type Answer, type Asking } from './client';
import type { Labels } from './types';

export interface Integration {
  /** As `slack[0]`. */
  readonly name: string;
  readonly kind: string;
  readonly send_resolved: boolean;
  readonly state: 'unused' | 'ok' | 'holding' | 'failing' | 'dead';
  /** When it took a message last; RFC 3339. */
  readonly told_at: string | null;
  /** When a try failed last, or was held back by the settings, of what is owed still. */
  readonly tried_at: string | null;
  readonly error: string;
  readonly owed: number;
  readonly dead: number;
}

export interface Receiver {
  readonly name: string;
  readonly integrations: readonly Integration[];
}

export function receivers(asking: Asking): Promise<Answer<{ readonly receivers: readonly Receiver[] }>> {
  return ask('/api/alerting/receivers', {}, asking);
}

export interface Trial {
  readonly integration: string;
  readonly sent: boolean;
  readonly answer: string;
  readonly took_ms: number;
}

/** Sends a message that says that it is a test, by one integration or by all. */
export function testReceiver(
  name: string,
  integration: string | null,
  asking: Asking,
): Promise<{ readonly results: readonly Trial[] }> {
  const path = `/api/alerting/receivers/${encodeURIComponent(name)}/test`;
  return change('POST', path, integration === null ? {} : { integration }, asking);
}

/** A message that is owed, or that could not be delivered. */
export interface Letter {
  readonly id: string;
  readonly state: 'owed' | 'dead';
  readonly receiver: string;
  readonly integration: string;
  readonly purpose: string;
  /** What it says of the group: firing or resolved. */
  readonly status: string;
  readonly reason: string;
  readonly created_at: string;
  readonly due_at: string;
  readonly tries: number;
  readonly tried_at: string | null;
  readonly error: string;
  readonly alerts: readonly {
    readonly fingerprint: string;
    readonly status: string;
    readonly labels: Labels;
  }[];
  readonly alert_count: number;
}

export function letters(
  asking: Asking,
): Promise<Answer<{ readonly letters: readonly Letter[]; readonly count: number }>> {
  return ask('/api/alerting/outbox', { limit: 1000 }, asking);
}

export function replayLetter(id: string, asking: Asking): Promise<Letter> {
  return change('POST', `/api/alerting/outbox/${encodeURIComponent(id)}/replay`, null, asking);
}

export function discardLetter(id: string, asking: Asking): Promise<unknown> {
  return change('DELETE', `/api/alerting/outbox/${encodeURIComponent(id)}`, null, asking);
}

export interface TakenRoute {
  readonly receiver: string;
  readonly integrations: readonly string[];
  /** From the root down. */
  readonly path: readonly { readonly matchers: string; readonly receiver: string; readonly line: number }[];
  readonly group_by: readonly string[];
  readonly group_labels: Labels;
  readonly group_wait: string;
  readonly group_interval: string;
  readonly repeat_interval: string;
  readonly mute_time_intervals: readonly string[];
  readonly active_time_intervals: readonly string[];
  readonly held_by: (Hold & { readonly by: string; readonly until: string | null }) | null;
}

/** Where labels go, now or `at` another time, RFC 3339; by `config` instead of what counts, where it is given. */
export function testRoutes(
  wanted: { labels: Labels; config?: string; at?: string },
  asking: Asking,
): Promise<{ readonly receivers: readonly string[]; readonly routes: readonly TakenRoute[] }> {
  return change('POST', '/api/alerting/routes/test', wanted, asking);
}

export interface AlertingConfig {
  /** Whose it is: the tenant's own, or that of the whole server. */
  readonly source: 'tenant' | 'server';
  readonly version: number;
  /** As YAML, secrets as `<secret>`. */
  readonly config: string;
  readonly template_files: Labels;
  readonly notices: readonly string[];
  readonly by: string;
  readonly reason: string;
  readonly at: string | null;
}

export async function alertingConfig(asking: Asking): Promise<AlertingConfig> {
  return (await ask<AlertingConfig>('/api/alerting/config', {}, asking)).data;
}

export interface Checked {
  readonly faults: readonly string[];
  readonly notices: readonly string[];
  readonly receivers: readonly string[];
}

export function checkConfig(
  wanted: { config: string; template_files: Labels },
  asking: Asking,
): Promise<Checked> {
  return change('POST', '/api/alerting/config/check', wanted, asking);
}

export function putConfig(
  wanted: { config: string; template_files: Labels; version: number; reason: string },
  asking: Asking,
): Promise<AlertingConfig> {
  return change('PUT', '/api/alerting/config', wanted, asking);
}

/** Goes by the server's configuration again. */
export function dropConfig(asking: Asking): Promise<AlertingConfig> {
  return change('DELETE', '/api/alerting/config', null, asking);
}

/** A version of the tenant's own configuration; null where it went back to the server's. */
export interface ConfigVersion {
  readonly version: number;
  readonly config: string | null;
  readonly by: string;
  readonly reason: string;
  readonly at: string;
}

/** The newest first, secrets as `<secret>`. */
export async function configVersions(asking: Asking): Promise<readonly ConfigVersion[]> {
  return (await ask<readonly ConfigVersion[]>('/api/alerting/config/versions', {}, asking)).data;
}
