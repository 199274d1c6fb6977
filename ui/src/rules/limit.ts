// The limit of an alert's expression, to be chosen instead of written.

import { comparedIn, comparesNothing } from '../alerts/threshold';

export const OPERATORS: readonly (readonly [operator: string, inWords: string])[] = [
  ['>', 'is above'],
  ['>=', 'is at least'],
  ['<', 'is below'],
  ['<=', 'is at most'],
  ['==', 'is'],
  ['!=', 'is not'],
];

export interface Limited {
  measure: string;
  operator: string;
  /** Null where nothing is compared yet. */
  limit: number | null;
}

/** What `expression` measures and up to where; null where it is more than that, so that a field could not say it. */
export function limitedIn(expression: string): Limited | null {
  const text = expression.trim();
  // What is remarked would be lost.
  if (text === '' || text.includes('#')) return null;
  const compared = comparedIn(text);
  if (compared) return compared;
  return comparesNothing(text) && !/^absent/u.test(text)
    ? { measure: text, operator: '>', limit: null }
    : null;
}

/** The expression of a measure and its limit, which is a number as it was typed. */
export function withLimit(measure: string, operator: string, limit: string): string {
  return limit === '' ? measure : `${measure} ${operator} ${limit}`;
}

const WORDS = /(?<![\w.])[a-zA-Z_:][\w:.]*(?=\s*(\(?))/gu;
const KEYWORDS = new Set([
  'by',
  'without',
  'on',
  'ignoring',
  'group_left',
  'group_right',
  'offset',
  'bool',
  'inf',
  'nan',
]);

/** The first metric that `expression` names; empty where it names none. */
export function metricIn(expression: string): string {
  const outside = expression
    .replace(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`/gu, '')
    .replace(/\{[^}]*\}|\[[^\]]*\]|\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/giu, ' ');
  for (const [word, bracket] of outside.matchAll(WORDS))
    if (bracket === '' && !KEYWORDS.has(word.toLowerCase())) return word;
  return '';
}

/** How an alert of a metric may be called: `queue_bytes` is `QueueBytes`. */
export function alertName(metric: string): string {
  return metric
    .split(/[^a-zA-Z\d]+/u)
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join('');
}
