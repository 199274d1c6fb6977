// Anomalies that were found in watched series, what people say of them, and what is watched.

import { ask, change, type Answer, type Asking } from './client';
import type { Json } from './governance';
import type { Labels } from './types';

export const SEVERITIES = ['critical', 'warning', 'info'] as const;
export type AnomalySeverity = (typeof SEVERITIES)[number];
export type Mark = 'none' | 'abnormal' | 'normal';

/** What was judged, and between which limits it was to be expected. */
export interface AnomalyPoints {
  readonly times_ms: readonly number[];
  readonly values: (number | null)[];
  readonly lower: (number | null)[];
  readonly upper: (number | null)[];
  readonly scores: (number | null)[];
}

export interface Anomaly {
  readonly id: string;
  readonly watch: string;
  readonly metric: string;
  readonly labels: Labels;
  readonly severity: AnomalySeverity;
  readonly state: 'open' | 'over';
  readonly start: string;
  readonly end: string | null;
  /** 0 to 1. */
  readonly score: number;
  readonly confidence: number;
  readonly value: number | null;
  readonly lower: number | null;
  readonly upper: number | null;
  readonly direction: '' | 'up' | 'down';
  readonly mark: Mark;
  readonly marked_by: string;
  /** PromQL of what was judged. */
  readonly query: string;
  readonly points: AnomalyPoints | null;
}

export interface Anomalies {
  readonly anomalies: readonly Anomaly[];
  readonly total: number;
  readonly by_severity: Readonly<Record<AnomalySeverity, number>>;
  readonly watched: number;
}

export interface AnomalyWatch {
  readonly name: string;
  readonly series: string;
  readonly query: string;
  readonly source: 'kept' | 'file' | 'automatic';
  readonly gaps: boolean;
  readonly alerts: boolean;
  readonly followed: number;
}

export interface WatchVersion {
  readonly name: string;
  readonly version: number;
  readonly definition: Readonly<Record<string, Json>> | null;
}

export interface WantedAnomalies {
  readonly from: number;
  readonly to: number;
  readonly severity?: string;
  readonly state?: string;
  readonly search?: string;
  /** Without what was judged, which is many series. */
  readonly bare?: boolean;
  readonly limit?: number;
}

/** The anomalies of a time, in milliseconds. */
export function anomalies(wanted: WantedAnomalies, asking: Asking): Promise<Answer<Anomalies>> {
  const { from, to, bare = false, ...others } = wanted;
  const span = { from: Math.floor(from / 1000), to: Math.ceil(to / 1000) };
  return ask('/api/v1/anomalies', { ...span, ...others, points: bare ? undefined : '1' }, asking);
}

export function anomaly(id: string, asking: Asking): Promise<Answer<Anomaly>> {
  return ask(`/api/v1/anomalies/${encodeURIComponent(id)}`, {}, asking);
}

export function markAnomaly(id: string, mark: Mark, reason: string, asking: Asking): Promise<Anomaly> {
  return change('POST', `/api/v1/anomalies/${encodeURIComponent(id)}/mark`, { mark, reason }, asking);
}

export function anomalyWatches(asking: Asking): Promise<Answer<readonly AnomalyWatch[]>> {
  return ask('/api/v1/anomaly-watches', {}, asking);
}

export function putAnomalyWatch(
  name: string,
  wanted: { series: string; gaps: boolean; alerts: boolean },
  asking: Asking,
): Promise<WatchVersion> {
  return change('PUT', `/api/v1/anomaly-watches/${encodeURIComponent(name)}`, wanted, asking);
}

export function dropAnomalyWatch(name: string, asking: Asking): Promise<unknown> {
  return change('DELETE', `/api/v1/anomaly-watches/${encodeURIComponent(name)}`, null, asking);
}
