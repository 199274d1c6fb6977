// Templates of lines: which of them are new, beside those of another time.

import type { LogsAsked } from '../api/logs';

/** What stands in a template for what varies. */
export const HOLE = '<_>';

const DAY_MS = 86_400_000;

/** The times that templates may be compared with; the lines of each are as long as those looked at. */
export const SINCES = ['before', 'day', 'week'] as const;

export type Since = (typeof SINCES)[number];

/** What is asked for, of the time that it is compared with. */
export function earlier({ query, fromMs, toMs }: LogsAsked, since: Since): LogsAsked {
  const shift = since === 'before' ? toMs - fromMs : since === 'day' ? DAY_MS : 7 * DAY_MS;
  return { query, fromMs: fromMs - shift, toMs: toMs - shift };
}

/** Whether a word with holes stands for another. */
function holds(word: string, other: string): boolean {
  const [first = '', ...rest] = word.split(HOLE);
  const last = rest.pop();
  if (last === undefined) return word === other;
  if (!other.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = other.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return other.endsWith(last) && other.length - last.length >= at;
}

/** Whether two templates stand for the same lines: word by word, where what varies in either may be any. */
export function isAlike(a: string, b: string): boolean {
  if (a === b) return true;
  let [short, long] = [a.split(/\s+/u), b.split(/\s+/u)];
  if (short.length > long.length) [short, long] = [long, short];
  if (short.length < long.length) {
    // A line that was too long is cut, and anything follows.
    if (short.at(-1) !== HOLE) return false;
    short = short.slice(0, -1);
  }
  return short.every((word, i) => holds(word, long[i] ?? '') || holds(long[i] ?? '', word));
}

/** Those of `now` that stand for lines of which there were none before. */
export function newTemplates(now: readonly string[], before: readonly string[]): ReadonlySet<string> {
  return new Set(now.filter((one) => !before.some((known) => isAlike(one, known))));
}
