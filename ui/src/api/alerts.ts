// The alerts there are: on its own, since the frame of every page counts them.

import { ask, type Answer, type Asking } from './client';
import type { Labels } from './types';

export type AlertState =
  'firing' | 'pending' | 'acknowledged' | 'silenced' | 'inhibited' | 'muted' | 'unknown' | 'resolved';

/** What keeps an alert from being told: a silence, another alert, a time of the calendar. */
/** Labels of alerts, by fingerprint. */
export type LabelsByAlert = Readonly<Record<string, Labels>>;

export interface Hold {
  readonly reason: string;
  /** The id or name of what holds it. */
  readonly source: string;
  /** The labels of the alert that does, whose fingerprint is the source; none where something else does. */
  readonly alert: Labels;
}

export interface Acknowledgement {
  readonly id: string;
  readonly by: string;
  readonly comment: string;
  readonly at: string;
  /** Null for as long as the alert fires. */
  readonly until: string | null;
}

export interface RuleName {
  readonly group: string;
  readonly name: string;
  readonly file: string;
}

export interface AlertView {
  readonly fingerprint: string;
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly state: AlertState;
  /** Since when it fires, or its condition holds; RFC 3339. */
  readonly since: string;
  /** As Prometheus prints a float; null where nothing was measured here. */
  readonly value: string | null;
  readonly receivers: readonly string[];
  readonly held_by: readonly Hold[];
  readonly acknowledgement: Acknowledgement | null;
  readonly generator_url: string;
  readonly rule: RuleName | null;
}

export function alerts(asking: Asking): Promise<Answer<{ readonly alerts: readonly AlertView[] }>> {
  return ask('/api/alerting/alerts', {}, asking);
}
