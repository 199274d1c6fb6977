import { readStoredList, writeStored } from '../design/stored';

const KEY = 'pharos-query-history';
const MOST = 50;
const LONGEST = 5_000;

/** Queries run in this browser, newest first. */
export function readHistory(): string[] {
  return readStoredList(KEY);
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
