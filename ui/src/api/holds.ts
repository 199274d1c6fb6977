// What holds pages back beside silences: maintenance windows, and dependencies of alerts on others.

import type { LabelsByAlert } from './alerts';
import { ask, change, type Answer, type Asking } from './client';
import type { Json } from './governance';

export interface Occurrence {
  /** RFC 3339. */
  readonly starts: string;
  readonly ends: string;
}

export interface WindowDocument {
  /** On the wall clock of the zone: `2026-01-06T22:00`. */
  readonly starts: string;
  readonly ends: string;
  readonly zone: string;
  /** An RRULE; empty for once. */
  readonly repeats: string;
  /** Days on which it does not begin. */
  readonly without: readonly string[];
  readonly matchers: readonly string[];
  readonly reason: string;
}

export interface MaintenanceWindow extends WindowDocument {
  readonly name: string;
  readonly version: number;
  readonly by: string;
  readonly at: string;
  readonly is_open: boolean;
  /** Null where it will not be again. */
  readonly next: Occurrence | null;
  /** Within 90 days. */
  readonly occurrences: readonly Occurrence[];
}

/** `expected` is the version that it takes the place of, 0 for none. */
type Expected = { readonly version?: number };

export function windows(asking: Asking): Promise<Answer<readonly MaintenanceWindow[]>> {
  return ask('/api/alerting/maintenance', {}, asking);
}

export function previewWindow(
  document: WindowDocument,
  asking: Asking,
): Promise<{
  readonly occurrences: readonly Occurrence[];
  readonly alerts: readonly string[];
  readonly labels: LabelsByAlert;
}> {
  return change('POST', '/api/alerting/maintenance/preview', document, asking);
}

export function putWindow(
  name: string,
  document: WindowDocument & Expected,
  asking: Asking,
): Promise<MaintenanceWindow> {
  return change('PUT', `/api/alerting/maintenance/${encodeURIComponent(name)}`, document, asking);
}

export function dropWindow(name: string, asking: Asking): Promise<unknown> {
  return change('DELETE', `/api/alerting/maintenance/${encodeURIComponent(name)}`, null, asking);
}

export interface DependencyDocument {
  readonly parent: readonly string[];
  readonly child: readonly string[];
  /** Labels whose values both share. */
  readonly equal: readonly string[];
  readonly reason: string;
}

export interface Dependency extends DependencyDocument {
  readonly name: string;
  readonly version: number;
  readonly by: string;
  readonly at: string;
}

export function dependencies(asking: Asking): Promise<Answer<readonly Dependency[]>> {
  return ask('/api/alerting/dependencies', {}, asking);
}

/** Which of the alerts that there are now are what, by fingerprint. */
export function previewDependency(
  document: DependencyDocument,
  asking: Asking,
): Promise<{
  readonly parents: readonly string[];
  readonly children: readonly string[];
  readonly held_back: readonly string[];
  readonly labels: LabelsByAlert;
}> {
  return change('POST', '/api/alerting/dependencies/preview', document, asking);
}

export function putDependency(
  name: string,
  document: DependencyDocument & Expected,
  asking: Asking,
): Promise<Dependency> {
  return change('PUT', `/api/alerting/dependencies/${encodeURIComponent(name)}`, document, asking);
}

export function dropDependency(name: string, asking: Asking): Promise<unknown> {
  return change('DELETE', `/api/alerting/dependencies/${encodeURIComponent(name)}`, null, asking);
}

/** A version of a window or dependency. */
export interface HeldVersion {
  readonly version: number;
  readonly definition: Readonly<Record<string, Json>> | null;
  readonly by: string;
  readonly reason: string;
  readonly at: string;
}

export function holdVersions(
  kind: 'maintenance' | 'dependencies',
  name: string,
  asking: Asking,
): Promise<Answer<readonly HeldVersion[]>> {
  return ask(`/api/alerting/${kind}/${encodeURIComponent(name)}/versions`, {}, asking);
}
