// The states that things are in, wherever they are told: what each is called, how it looks, what it calls for.

import type { StatusTone } from './colors';
import type { GlyphName } from './Glyph';

export const STATUSES = [
  'critical',
  'warning',
  'info',
  'ok',
  'unknown',
  'no-data',
  'pending',
  'muted',
  'acknowledged',
] as const;

export type Status = (typeof STATUSES)[number];

export interface StatusLook {
  name: string;
  icon: GlyphName;
  /** Null for what calls for nothing, or is being seen to: grey. */
  tone: StatusTone | null;
}

/** Each state has its own icon, so that none is told by colour alone. */
export const STATUS_LOOKS: Readonly<Record<Status, StatusLook>> = {
  critical: { name: 'Critical', icon: 'error', tone: 'critical' },
  warning: { name: 'Warning', icon: 'warning', tone: 'warning' },
  info: { name: 'Info', icon: 'info', tone: 'info' },
  ok: { name: 'OK', icon: 'check', tone: 'ok' },
  unknown: { name: 'Unknown', icon: 'question', tone: null },
  'no-data': { name: 'No data', icon: 'dash', tone: null },
  pending: { name: 'Pending', icon: 'hourglass', tone: 'warning' },
  muted: { name: 'Muted', icon: 'mute', tone: null },
  acknowledged: { name: 'Acknowledged', icon: 'hand', tone: 'info' },
};

/** The worst of `states`, by the order of `STATUSES`; `no-data` of none. */
export function worst(states: readonly Status[]): Status {
  return STATUSES.find((status) => states.includes(status)) ?? 'no-data';
}
