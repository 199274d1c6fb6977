import { readStored, writeStored } from '../design/theme';

const KEY = 'pharos-query-history';
const MOST = 50;
const LONGEST = 5_000;

/** Queries run in this browser, newest first. */
export function readHistory(): string[] {
  try {
    const kept: unknown = JSON.parse(readStored(KEY) ?? '[]');
    return Array.isArray(kept) ? kept.filter((one): one is string => typeof one === 'string') : [];
  } catch {
    return [];
  }
}

/** `expr` put in front of `history`, once. */
export function withRemembered(history: readonly string[], expr: string): string[] {
  const trimmed = expr.trim();
  if (trimmed === '' || trimmed.length > LONGEST) return [...history];
  return [trimmed, ...history.filter((one) => one !== trimmed)].slice(0, MOST);
}

export function remember(expr: string): void {
  writeStored(KEY, JSON.stringify(withRemembered(readHistory(), expr)));
}

export function forgetHistory(): void {
  writeStored(KEY, null);
}
