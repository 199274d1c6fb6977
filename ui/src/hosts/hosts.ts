// Hosts as they fare, and when their disks will be full. Pure.

import type { AlertView } from '../api/alerts';
import { compareAlerts, isIn, severityOf } from '../alerts/alerts';
import type { Labels } from '../api/types';
import type { Column } from '../chart/columns';
import { formatSeconds, formatValue } from '../design/format';
import { worst, type Status } from '../design/status';
import { LIMITS } from '../home/verdict';
import type { Dialect } from './dialects';

export interface Disk {
  mount: string;
  /** Bytes. */
  free: number;
  size: number;
  /** By how many bytes a second more is free; null while too little is known. */
  trend: number | null;
  /** After so many seconds nothing will be free, should it go on like this; null where it will not be soon. */
  fullInS: number | null;
}

export interface Host {
  name: string;
  /** The labels that tell it from others. */
  labels: { job: string; instance: string; host_name: string };
  dialect: Dialect['id'];
  /** Where the same machine is measured a second time. */
  also: readonly string[];
  seenMs: number;
  cpu: number | null;
  cpus: number | null;
  load: number | null;
  memory: number | null;
  memoryTotal: number | null;
  receive: number | null;
  transmit: number | null;
  bootMs: number | null;
  courses: { cpu: Column; memory: Column; network: Column };
  disks: readonly Disk[];
}

const DAY_S = 86_400;
/** Of less time no trend is told. */
const LEAST_AGE_S = 1_800;
/** What lies further ahead nobody acts on, and it is a guess. */
const FARTHEST_S = 90 * DAY_S;
/** A disk that will be full within this is bad, within the next suspicious. */
export const FULL_IN = { critical: DAY_S, warning: 4 * DAY_S } as const;

/** After how many seconds nothing will be free, by a trend that is known for so long; null where it will not be soon. */
export function fullIn(free: number, trend: number | null, ageS: number | null): number | null {
  if (trend === null || ageS === null || ageS < LEAST_AGE_S || trend >= 0) return null;
  const seconds = free / -trend;
  return seconds <= FARTHEST_S ? seconds : null;
}

/** A disk of its figures. */
export function diskOf(
  mount: string,
  free: number,
  size: number,
  trend: number | null,
  ageS: number | null,
): Disk {
  const known = ageS !== null && ageS >= LEAST_AGE_S ? trend : null;
  return { mount, free, size, trend: known, fullInS: fullIn(free, trend, ageS) };
}

/** How much of a disk is used, from 0 to 1. */
export function filled({ free, size }: Disk): number | null {
  return size > 0 ? 1 - free / size : null;
}

/** The disk to look at first: the one that will be full soonest, else the fullest. */
export function worstDisk(disks: readonly Disk[]): Disk | null {
  const soon = disks.filter(({ fullInS }) => fullInS !== null && fullInS <= FULL_IN.warning);
  const [first] = [...soon].sort((a, b) => (a.fullInS ?? 0) - (b.fullInS ?? 0));
  return first ?? [...disks].sort((a, b) => (filled(b) ?? 0) - (filled(a) ?? 0))[0] ?? null;
}

/** The matchers of a host's series. */
export function matchersOf({ labels }: Pick<Host, 'labels'>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(',');
}

/** Two of one machine began at the same time, give or take what clocks differ. */
const SAME_BOOT_MS = 5_000;

function isSame(a: Host, b: Host): boolean {
  return (
    a.name === b.name &&
    a.bootMs !== null &&
    b.bootMs !== null &&
    Math.abs(a.bootMs - b.bootMs) <= SAME_BOOT_MS
  );
}

/** Each machine once, however many measure it; each name once. */
export function distinct(hosts: readonly Host[]): Host[] {
  const kept: Host[] = [];
  const ordered = [...hosts].sort((a, b) => b.seenMs - a.seenMs || a.labels.job.localeCompare(b.labels.job));
  for (const host of ordered) {
    const at = kept.findIndex((one) => isSame(one, host));
    const same = kept[at];
    if (same)
      kept[at] = { ...same, also: [...same.also, `${host.labels.job} ${host.labels.instance}`.trim()] };
    else kept.push(host);
  }
  const count = new Map<string, number>();
  for (const { name } of kept) count.set(name, (count.get(name) ?? 0) + 1);
  return kept.map((host) =>
    count.get(host.name) === 1
      ? host
      : {
          ...host,
          name: `${host.name} (${[host.labels.job, host.labels.instance].filter(Boolean).join(' ')})`,
        },
  );
}

export interface HostVerdict {
  status: Status;
  /** The worst first. */
  reasons: readonly string[];
  alerts: readonly AlertView[];
}

const NAMING = ['instance', 'host', 'host_name', 'hostname', 'node', 'nodename'] as const;

function isAbout(labels: Labels, host: Host): boolean {
  const names = new Set([host.name, host.labels.instance, host.labels.host_name].filter((one) => one !== ''));
  return NAMING.some((name) => names.has(labels[name] ?? ''));
}

const UNSEEN_S = 180;
const RANKS: readonly Status[] = ['critical', 'warning', 'unknown', 'info', 'ok', 'no-data'];

function limited(value: number | null, [warn, bad]: readonly [number, number]): Status | null {
  if (value === null || value < warn) return null;
  return value >= bad ? 'critical' : 'warning';
}

function diskReasons(disk: Disk): { status: Status; text: string }[] {
  const share = filled(disk);
  const full = limited(share, LIMITS.fill);
  const soon =
    disk.fullInS === null || disk.fullInS > FULL_IN.warning
      ? null
      : disk.fullInS <= FULL_IN.critical
        ? 'critical'
        : 'warning';
  const state = full === 'critical' || soon === 'critical' ? 'critical' : (full ?? soon);
  if (state === null) return [];
  const when = soon === null || disk.fullInS === null ? '' : `, full in ${formatSeconds(disk.fullInS, 2)}`;
  return [{ status: state, text: `${disk.mount} is ${formatValue(share ?? 0, 'ratio')} full${when}` }];
}

/** How a host stands: by its alerts, what is used up, and what will be soon. */
export function judgeHost(host: Host, alerts: readonly AlertView[], nowMs: number): HostVerdict {
  const own = alerts.filter((one) => isIn(one, 'burning') && isAbout(one.labels, host)).sort(compareAlerts);
  const reasons: { status: Status; text: string }[] = own.map((alert) => ({
    status: alert.state === 'unknown' ? 'unknown' : severityOf(alert.labels),
    text: alert.labels['alertname'] ?? 'an alert fires',
  }));
  const goneS = (nowMs - host.seenMs) / 1000;
  if (goneS > UNSEEN_S)
    reasons.push({ status: 'critical', text: `no samples for ${formatSeconds(goneS, 2)}` });
  const measures = [
    ['CPU', 'busy', host.cpu, LIMITS.cpu],
    ['memory', 'used', host.memory, LIMITS.memory],
  ] as const;
  for (const [what, how, value, limits] of measures) {
    const status = limited(value, limits);
    if (status) reasons.push({ status, text: `${what} ${formatValue(value ?? 0, 'ratio')} ${how}` });
  }
  reasons.push(...host.disks.flatMap(diskReasons));
  if (reasons.length === 0) return { status: 'ok', reasons: [], alerts: own };
  const ordered = [...reasons].sort((a, b) => RANKS.indexOf(a.status) - RANKS.indexOf(b.status));
  return {
    status: worst(reasons.map(({ status }) => status)),
    reasons: ordered.map(({ text }) => text),
    alerts: own,
  };
}

export interface JudgedHost {
  host: Host;
  verdict: HostVerdict;
}

/** What burns first, then the busiest. */
export function compareHosts(a: JudgedHost, b: JudgedHost): number {
  return (
    RANKS.indexOf(a.verdict.status) - RANKS.indexOf(b.verdict.status) ||
    (b.host.cpu ?? 0) - (a.host.cpu ?? 0) ||
    a.host.name.localeCompare(b.host.name, 'en', { numeric: true })
  );
}
