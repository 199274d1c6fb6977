import type { Token } from '../api/types';

export type TokenState = 'active' | 'expiring' | 'expired' | 'revoked';

const SOON_MS = 7 * 86_400_000;

/** How it stands with a token; `expiring` in its last week. */
export function tokenState(token: Token, nowMs: number): TokenState {
  const { revoked_ms: revokedMs, expires_ms: expiresMs } = token;
  if (revokedMs !== null && revokedMs <= nowMs) return 'revoked';
  if (expiresMs === null) return 'active';
  if (expiresMs <= nowMs) return 'expired';
  return expiresMs - nowMs < SOON_MS ? 'expiring' : 'active';
}

/** How long a token may be made to last. */
export const LASTS: readonly { value: string; label: string; seconds: number | null }[] = [
  { value: '7d', label: '7 days', seconds: 7 * 86_400 },
  { value: '30d', label: '30 days', seconds: 30 * 86_400 },
  { value: '90d', label: '90 days', seconds: 90 * 86_400 },
  { value: '1y', label: 'a year', seconds: 365 * 86_400 },
  { value: 'never', label: 'until it is revoked', seconds: null },
];

/** How long the old token may go on beside the one that takes its place. */
export const GRACES: readonly { value: string; label: string; seconds: number }[] = [
  { value: 'day', label: 'for a day', seconds: 86_400 },
  { value: 'week', label: 'for a week', seconds: 7 * 86_400 },
  { value: 'hour', label: 'for an hour', seconds: 3_600 },
  { value: 'now', label: 'not at all', seconds: 0 },
];
