// What changed lately: versions that began, hosts that were started, what people did. Pure.

import type { AuditEntry } from '../api/governance';
import type { RateSeries } from '../api/traces';
import type { Host } from '../hosts/hosts';
import { VERSION_FIELD, versionsOf } from '../services/versions';

export interface Change {
  atMs: number;
  text: string;
  /** Where there is more of it. */
  of: { kind: 'service' | 'host'; name: string } | { kind: 'audit' };
}

/** What is done to these changes nothing of how a system runs. */
const COMINGS = new Set(['session', 'token', 'user', 'contacts', 'feed', 'link', 'alert', 'dashboard']);

/** Versions that began after another one was there, by rates of services and versions. */
export function versionChanges(series: readonly RateSeries[], startMs: number, stepMs: number): Change[] {
  const byService = new Map<string, RateSeries[]>();
  for (const one of series) {
    const service = one.labels.service ?? '';
    byService.set(service, [...(byService.get(service) ?? []), one]);
  }
  return [...byService].flatMap(([service, own]) =>
    versionsOf(own, startMs, stepMs)
      .filter(({ before }) => !before)
      .map(({ version, firstMs }): Change => ({
        atMs: firstMs,
        text: `${service} ${version} began`,
        of: { kind: 'service', name: service },
      })),
  );
}

/** Hosts that were started since. */
export function hostChanges(hosts: readonly Host[], sinceMs: number): Change[] {
  return hosts.flatMap(({ name, bootMs }): Change[] =>
    bootMs === null || bootMs < sinceMs
      ? []
      : [{ atMs: bootMs, text: `${name} was started`, of: { kind: 'host', name } }],
  );
}

/** What people changed of how things run. */
export function auditChanges(entries: readonly AuditEntry[]): Change[] {
  return entries
    .filter(({ action }) => !COMINGS.has(action.split('.')[0] ?? ''))
    .map(({ time_ms: atMs, name, who, action, object }) => ({
      atMs,
      text: `${name || who}: ${action} ${object}`,
      of: { kind: 'audit' },
    }));
}

/** The newest first. */
export function newest(changes: readonly Change[], most: number): Change[] {
  return [...changes].sort((a, b) => b.atMs - a.atMs).slice(0, most);
}

export { VERSION_FIELD };
