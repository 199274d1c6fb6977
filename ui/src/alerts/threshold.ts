// What a rule compares, taken apart, so that a graph may show the value and the limit it met.

import type { Threshold } from '../chart/marks';
import type { StatusTone } from '../design/colors';

/** A number that something is compared with, which stands left of the operator. */
export interface Limit {
  operator: string;
  limit: number;
}

export interface Compared extends Limit {
  /** What is measured. */
  measure: string;
}

const LIMIT =
  /^(?<measure>[\s\S]*?[^\s<>=!])\s*(?<operator>>=|<=|==|!=|>|<)\s*(?:bool\s+)?(?<limit>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*$/u;
const JOINS = /\b(?:and|or|unless)\b/u;

/** Without what is in quotes, so that words and signs in texts are not taken for PromQL's own. */
function bare(expression: string): string {
  return expression.replace(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`/gu, (quoted) =>
    '_'.repeat(quoted.length),
  );
}

/** Without what is in brackets: what is compared in there is no limit of the whole. Null where they do not match. */
function outside(text: string): string | null {
  const open: string[] = [];
  let found = '';
  for (const sign of text) {
    if ('([{'.includes(sign)) open.push(sign);
    else if (')]}'.includes(sign)) {
      if (open.pop() === undefined) return null;
    } else found += open.length === 0 ? sign : '_';
  }
  return open.length === 0 ? found : null;
}

/** What `expression` compares with a number at its end; null where it does not, or that is not all of it. */
export function comparedIn(expression: string): Compared | null {
  const text = expression.replace(/#[^\n]*$/gmu, '').trim();
  const hidden = bare(text);
  const found = LIMIT.exec(hidden);
  const { measure = '', operator, limit } = found?.groups ?? {};
  if (operator === undefined || limit === undefined) return null;
  const own = outside(measure);
  // `a > 1 and b > 2` ends in a number too, which is the limit of its second half alone.
  if (own === null || JOINS.test(own) || /[<>]|[=!]=/u.test(own)) return null;
  return { measure: text.slice(0, measure.length), operator, limit: Number(limit) };
}

/** Whether `expression` is whole and compares and joins nothing, so that every series of its answer is one. */
export function comparesNothing(expression: string): boolean {
  const own = outside(bare(expression));
  return own !== null && !JOINS.test(own) && !/[<>]|[=!]=/u.test(own);
}

/** The limit as a chart marks it, which writes the value behind the label. */
export function thresholdOf({ operator, limit }: Limit, tone: StatusTone): Threshold {
  const beyond = operator.startsWith('>') ? 'above' : operator.startsWith('<') ? 'below' : undefined;
  return {
    value: limit,
    label: operator,
    tone,
    ...(beyond === undefined ? {} : { beyond }),
  };
}
