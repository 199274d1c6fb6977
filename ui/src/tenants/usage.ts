import type { Amounts } from '../api/tenants';
import type { Token } from '../api/types';

const DAY_S = 86_400;

/** The last 24 hours in seconds, to the end of the minute, so that a page asks no more often than that. */
export function lastDay(nowMs: number): { start: number; end: number } {
  const end = Math.ceil(nowMs / 60_000) * 60;
  return { start: end - DAY_S, end };
}

export interface TokenUsage {
  id: string;
  name: string;
  amounts: Amounts;
}

/** Who used what, by names where they are known. */
export function namedTokens(
  used: Readonly<Record<string, Amounts>>,
  known: readonly Pick<Token, 'id' | 'name'>[],
): readonly TokenUsage[] {
  return Object.entries(used).map(([id, amounts]) => ({
    id,
    name:
      id === '' ? 'people, and what sends without a token' : (known.find((one) => one.id === id)?.name ?? id),
    amounts,
  }));
}
