// A query as steps: a metric, filters, then functions, aggregations and numbers one after the other. To PromQL and,
// from the tree that the server's parser makes of it, back; of a query that is no such chain is said why. Pure.

import { formatDuration, parseDuration } from '../time/durations';

export const FILTER_OPS = ['=', '!=', '=~', '!~'] as const;

export type FilterOp = (typeof FILTER_OPS)[number];

export interface LabelFilter {
  label: string;
  op: FilterOp;
  value: string;
}

/** Functions of a range of samples. */
export const RANGE_FUNCS = [
  'rate',
  'increase',
  'irate',
  'delta',
  'idelta',
  'deriv',
  'changes',
  'resets',
  'avg_over_time',
  'min_over_time',
  'max_over_time',
  'sum_over_time',
  'count_over_time',
  'last_over_time',
  'stddev_over_time',
  'present_over_time',
  'absent_over_time',
] as const;

/** Functions of one vector. */
export const CALLS = [
  'abs',
  'ceil',
  'floor',
  'exp',
  'ln',
  'log2',
  'log10',
  'sqrt',
  'sgn',
  'sort',
  'sort_desc',
  'timestamp',
  'absent',
  'histogram_avg',
  'histogram_count',
  'histogram_sum',
] as const;

export const AGGREGATIONS = ['sum', 'avg', 'min', 'max', 'count', 'group', 'stddev', 'stdvar'] as const;
/** Aggregations with a number before. */
export const COUNTED = ['topk', 'bottomk', 'quantile'] as const;
export const OPERATORS = ['+', '-', '*', '/', '%', '^', '>', '>=', '<', '<=', '==', '!='] as const;

export type Step =
  | { kind: 'range'; func: string; range: string }
  | { kind: 'call'; func: string }
  | { kind: 'quantile'; share: number }
  | { kind: 'aggregate'; op: string; labels: readonly string[]; without: boolean; count: number | null }
  | { kind: 'number'; op: string; value: number };

export interface Built {
  metric: string;
  filters: readonly LabelFilter[];
  /** A duration such as `1d`; empty for none. */
  offset: string;
  steps: readonly Step[];
}

export const NOTHING: Built = { metric: '', filters: [], offset: '', steps: [] };

const PLAIN_METRIC = /^[a-zA-Z_:][\w:]*$/u;
const PLAIN_LABEL = /^[a-zA-Z_]\w*$/u;

function labelText(name: string): string {
  return PLAIN_LABEL.test(name) ? name : JSON.stringify(name);
}

function selectorOf({ metric, filters, offset }: Built, range: string): string {
  const plain = metric === '' || PLAIN_METRIC.test(metric);
  const matchers = [
    ...(plain ? [] : [JSON.stringify(metric)]),
    ...filters
      .filter(({ label }) => label !== '')
      .map(({ label, op, value }) => `${labelText(label)}${op}${JSON.stringify(value)}`),
  ];
  const braces = matchers.length > 0 || metric === '' ? `{${matchers.join(', ')}}` : '';
  return `${plain ? metric : ''}${braces}${range === '' ? '' : `[${range}]`}${offset === '' ? '' : ` offset ${offset}`}`;
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? 'NaN' : value > 0 ? 'Inf' : '-Inf';
}

/** The PromQL of a chain. */
export function toExpr(built: Built): string {
  const [first, ...rest] = built.steps;
  let text: string;
  let steps = built.steps;
  if (first?.kind === 'range') {
    text = `${first.func}(${selectorOf(built, first.range)})`;
    steps = rest;
  } else text = selectorOf(built, '');
  let compound = false;
  for (const step of steps) {
    switch (step.kind) {
      case 'range':
        // Only samples have a range: what comes later is asked anew over it.
        text = `${step.func}((${text})[${step.range}:])`;
        compound = false;
        break;
      case 'call':
        text = `${step.func}(${text})`;
        compound = false;
        break;
      case 'quantile':
        text = `histogram_quantile(${numberText(step.share)}, ${text})`;
        compound = false;
        break;
      case 'aggregate': {
        const grouped =
          step.labels.length === 0 && !step.without
            ? ''
            : ` ${step.without ? 'without' : 'by'} (${step.labels.map(labelText).join(', ')}) `;
        text = `${step.op}${grouped}(${step.count === null ? '' : `${numberText(step.count)}, `}${text})`;
        compound = false;
        break;
      }
      case 'number':
        text = `${compound ? `(${text})` : text} ${step.op} ${numberText(step.value)}`;
        compound = true;
        break;
    }
  }
  return text;
}

/** The tree that `/api/v1/parse_query` answers with. */
export interface Tree {
  readonly type: string;
  readonly [name: string]: unknown;
}

/** A chain, or why a query is none. */
export type Read = { built: Built } | { cannot: string };

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

function cannot(what: string): { cannot: string } {
  return { cannot: what };
}

/** The number that a tree is; null where it is none. */
function numberOf(value: unknown): number | null {
  if (!isTree(value)) return null;
  if (value.type === 'parenExpr') return numberOf(value.expr);
  if (value.type === 'unaryExpr') {
    const inner = numberOf(value.expr);
    return inner === null ? null : value.op === '-' ? -inner : inner;
  }
  if (value.type !== 'numberLiteral') return null;
  const text = String(value.val);
  return text === '+Inf' || text === 'Inf' ? Infinity : text === '-Inf' ? -Infinity : Number(text);
}

function durationText(ms: unknown): string {
  return typeof ms === 'number' && ms !== 0 ? formatDuration(ms) : '';
}

interface RawMatcher {
  name: string;
  type: string;
  value: string;
}

function readSelector(tree: Tree): Read {
  if (tree.timestamp !== null && tree.timestamp !== undefined) return cannot('@ with a time');
  if (tree.startOrEnd) return cannot('@ start() and @ end()');
  if (tree.anchored === true || tree.smoothed === true) return cannot('anchored and smoothed selectors');
  if (typeof tree.offset === 'number' && tree.offset < 0) return cannot('an offset into the future');
  const matchers = (Array.isArray(tree.matchers) ? tree.matchers : []) as readonly RawMatcher[];
  const named = matchers.find(({ name, type }) => name === '__name__' && type === '=');
  const metric = typeof tree.name === 'string' && tree.name !== '' ? tree.name : (named?.value ?? '');
  const filters = matchers
    .filter((one) => !(one.name === '__name__' && one.type === '=' && one.value === metric))
    .map(({ name, type, value }) => ({ label: name, op: type as FilterOp, value }));
  return { built: { metric, filters, offset: durationText(tree.offset), steps: [] } };
}

function then(read: Read, step: Step): Read {
  return 'cannot' in read ? read : { built: { ...read.built, steps: [...read.built.steps, step] } };
}

function readCall(tree: Tree): Read {
  const func = isNamed(tree.func) ? tree.func.name : '';
  const args: readonly unknown[] = Array.isArray(tree.args) ? tree.args : [];
  const [first, second] = args;
  if (func === 'histogram_quantile' && isTree(second)) {
    const share = numberOf(first);
    return share === null
      ? cannot('a quantile that is computed')
      : then(read(second), { kind: 'quantile', share });
  }
  if (args.length !== 1 || !isTree(first)) return cannot(`${func}() with these arguments`);
  if (first.type === 'matrixSelector') {
    if (!(RANGE_FUNCS as readonly string[]).includes(func)) return cannot(`${func}()`);
    return then(readSelector(first), { kind: 'range', func, range: durationText(first.range) });
  }
  if (!(CALLS as readonly string[]).includes(func)) return cannot(`${func}()`);
  return then(read(first), { kind: 'call', func });
}

function isNamed(value: unknown): value is { name: string } {
  return typeof value === 'object' && value !== null && 'name' in value && typeof value.name === 'string';
}

function readAggregation(tree: Tree): Read {
  const op = String(tree.op);
  const counted = (COUNTED as readonly string[]).includes(op);
  if (!counted && !(AGGREGATIONS as readonly string[]).includes(op)) return cannot(op);
  const count = tree.param === null || tree.param === undefined ? null : numberOf(tree.param);
  if (counted && count === null) return cannot(`${op} of a number that is computed`);
  if (!isTree(tree.expr)) return cannot(op);
  const labels = (Array.isArray(tree.grouping) ? tree.grouping : []).map(String);
  return then(read(tree.expr), { kind: 'aggregate', op, labels, without: tree.without === true, count });
}

function readBinary(tree: Tree): Read {
  const op = String(tree.op);
  const value = numberOf(tree.rhs);
  if (tree.bool === true) return cannot('comparisons with bool');
  if (value === null)
    return cannot(numberOf(tree.lhs) === null ? 'two queries in one' : 'a number on the left of an operator');
  if (!(OPERATORS as readonly string[]).includes(op)) return cannot(`the operator ${op}`);
  if (!isTree(tree.lhs)) return cannot('this expression');
  return then(read(tree.lhs), { kind: 'number', op, value });
}

function read(tree: Tree): Read {
  switch (tree.type) {
    case 'parenExpr':
      return isTree(tree.expr) ? read(tree.expr) : cannot('this expression');
    case 'vectorSelector':
      return readSelector(tree);
    case 'call':
      return readCall(tree);
    case 'aggregation':
      return readAggregation(tree);
    case 'binaryExpr':
      return readBinary(tree);
    case 'matrixSelector':
      return cannot('a range without a function');
    case 'subquery':
      return cannot('a subquery');
    case 'numberLiteral':
    case 'stringLiteral':
      return cannot('a number or a text alone');
    case 'unaryExpr':
      return cannot('a minus before a query');
    default:
      return cannot('this expression');
  }
}

/** The chain that the server's tree of a query is, or what of it is no chain. */
export function fromTree(tree: unknown): Read {
  return isTree(tree) ? read(tree) : cannot('this expression');
}

/** A duration as PromQL takes it; null for what is none. */
export function rangeText(text: string): string | null {
  const ms = parseDuration(text.trim());
  return ms !== null && ms > 0 ? formatDuration(ms) : null;
}

/** What one most likely wants of a metric, by its type and its name. */
export function suggested(metric: string, type: string): Built {
  const of = (steps: readonly Step[], name = metric): Built => ({ ...NOTHING, metric: name, steps });
  const rate: Step = { kind: 'range', func: 'rate', range: '5m' };
  const byLe: Step = { kind: 'aggregate', op: 'sum', labels: ['le'], without: false, count: null };
  if (metric.endsWith('_bucket')) return of([rate, byLe, { kind: 'quantile', share: 0.95 }]);
  if (type === 'histogram' && !/_(?:count|sum)$/u.test(metric))
    return of([rate, { ...byLe, labels: [] }, { kind: 'quantile', share: 0.95 }]);
  if (type === 'counter' || /_(?:total|count|sum)$/u.test(metric)) return of([rate]);
  return of([]);
}
