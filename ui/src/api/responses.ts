// Automatic responses: actions that answer what happens to alerts, and what was, is or waits to be done.

import { ask, change, type Answer, type Asking } from './client';
import type { Json } from './governance';
import type { Version } from './oncall';
import type { Labels } from './types';

export const STEPS = ['firing', 'resolved', 'unknown', 'acknowledged', 'escalated'] as const;
export type ActionStep = (typeof STEPS)[number];

/** An action as it is defined; exactly one of webhook, command and kubernetes. */
export interface ActionDocument {
  readonly matchers?: readonly string[];
  readonly severities?: readonly string[];
  readonly on?: readonly ActionStep[];
  readonly webhook?: {
    readonly url: string;
    readonly method?: string;
    readonly headers?: Labels;
    readonly body?: Readonly<Record<string, Json>> | null;
  } | null;
  readonly command?: { readonly name: string; readonly arguments?: readonly string[] } | null;
  readonly kubernetes?: {
    readonly cluster: string;
    readonly kind: string;
    readonly namespace: string;
    readonly name: string;
    readonly patch: Json;
    readonly type?: string;
    readonly scale?: boolean;
  } | null;
  readonly cooldown?: string;
  readonly timeout?: string;
  readonly dry_run?: boolean;
  readonly approval?: boolean;
  readonly evidence?: readonly string[];
  readonly enabled?: boolean;
  readonly description?: string;
}

export function actions(asking: Asking): Promise<Answer<readonly Version[]>> {
  return ask('/api/alerting/actions', {}, asking);
}

export function actionVersions(name: string, asking: Asking): Promise<Answer<readonly Version[]>> {
  return ask(`/api/alerting/actions/${encodeURIComponent(name)}`, {}, asking);
}

/** `version` is the one that is replaced, 0 for none. */
export function putAction(
  name: string,
  wanted: { action: ActionDocument; version: number; reason: string },
  asking: Asking,
): Promise<Version> {
  return change('PUT', `/api/alerting/actions/${encodeURIComponent(name)}`, wanted, asking);
}

export function dropAction(name: string, asking: Asking): Promise<unknown> {
  return change('DELETE', `/api/alerting/actions/${encodeURIComponent(name)}`, null, asking);
}

export interface Rehearsal {
  /** Whether it is done upon that at all. */
  readonly answers: boolean;
  readonly plan: string;
}

/** What an action would do upon a step of an alert with these labels; nothing is done. */
export function rehearse(
  wanted: { action: ActionDocument; labels: Labels; step: string },
  asking: Asking,
): Promise<Rehearsal> {
  return change('POST', '/api/alerting/action_rehearsal', wanted, asking);
}

export type ResponseStatus =
  | 'waiting'
  | 'ready'
  | 'running'
  | 'done'
  | 'failed'
  | 'interrupted'
  | 'rejected'
  | 'expired'
  | 'skipped'
  | 'rehearsed';

/** An action for one transition of one alert. */
export interface ActionResponse {
  readonly id: string;
  readonly action: string;
  readonly version: number;
  readonly fingerprint: string;
  readonly step: string;
  readonly labels: Labels;
  readonly status: ResponseStatus;
  /** `at`: before somebody decided, or before it was done. */
  readonly evidence: readonly {
    readonly query: string;
    readonly answer: string;
    readonly at: string | null;
  }[];
  readonly outcome: string;
  readonly decided_by: string;
  readonly created: string;
  readonly started: string | null;
  readonly ended: string | null;
}

export function responses(asking: Asking): Promise<Answer<readonly ActionResponse[]>> {
  return ask('/api/alerting/responses', {}, asking);
}

export function waitingResponses(asking: Asking): Promise<Answer<readonly ActionResponse[]>> {
  return ask('/api/alerting/responses', { status: 'waiting' }, asking);
}

export function decide(
  id: string,
  verdict: 'approve' | 'reject',
  reason: string,
  asking: Asking,
): Promise<ActionResponse> {
  const path = `/api/alerting/responses/${encodeURIComponent(id)}/${verdict}`;
  return change('POST', path, { reason }, asking);
}
