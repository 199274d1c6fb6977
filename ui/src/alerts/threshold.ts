// What a rule compares, taken apart, so that a graph may show the value and the limit it met.

import type { Threshold } from '../chart/marks';
import type { StatusTone } from '../design/colors';

export interface Compared {
  /** What is measured. */
  measure: string;
  operator: '>' | '>=' | '<' | '<=' | '==' | '!=';
  limit: number;
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

function isBalanced(text: string): boolean {
  let depth = 0;
  for (const sign of text) {
    if ('([{'.includes(sign)) depth += 1;
    if (')]}'.includes(sign)) depth -= 1;
    if (depth < 0) return false;
  }
  return depth === 0;
}

/** What `expression` compares with a number at its end; null where it does not, or that is not all of it. */
export function comparedIn(expression: string): Compared | null {
  const text = expression.replace(/#[^\n]*$/gmu, '').trim();
  const hidden = bare(text);
  const found = LIMIT.exec(hidden);
  const { measure = '', operator, limit } = found?.groups ?? {};
  if (operator === undefined || limit === undefined) return null;
  // `a > 1 and b > 2` ends in a number too, which is the limit of its second half alone.
  if (JOINS.test(measure) || /[<>]|[=!]=/u.test(measure.replace(/\{[^}]*\}/gu, ''))) return null;
  if (!isBalanced(measure)) return null;
  return {
    measure: text.slice(0, measure.length),
    operator: operator as Compared['operator'],
    limit: Number(limit),
  };
}

/** The limit as a chart marks it, which writes the value behind the label. */
export function thresholdOf({ operator, limit }: Compared, tone: StatusTone): Threshold {
  const beyond = operator.startsWith('>') ? 'above' : operator.startsWith('<') ? 'below' : undefined;
  return {
    value: limit,
    label: operator,
    tone,
    ...(beyond === undefined ? {} : { beyond }),
  };
}
