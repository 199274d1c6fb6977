import { describe, expect, it } from 'vitest';
import { fromTree, NOTHING, suggested, toExpr, type Built, type Tree } from './build';

const selector = (name: string, more: Partial<Tree> = {}): Tree => ({
  type: 'vectorSelector',
  name,
  offset: 0,
  timestamp: null,
  startOrEnd: null,
  matchers: [{ name: '__name__', type: '=', value: name }],
  ...more,
});
const number = (val: string): Tree => ({ type: 'numberLiteral', val });
const call = (name: string, ...args: Tree[]): Tree => ({ type: 'call', func: { name }, args });
const job = { name: 'job', type: '=~', value: 'a"|b' };
const rated = call('rate', {
  ...selector('x_total', { matchers: [{ name: '__name__', type: '=', value: 'x_total' }, job] }),
  type: 'matrixSelector',
  range: 300_000,
});
const summed: Tree = {
  type: 'aggregation',
  op: 'sum',
  expr: rated,
  param: null,
  grouping: ['job'],
  without: false,
};

const KNOWN: readonly (readonly [string, Tree])[] = [
  ['up', selector('up')],
  ['rate(x_total{job=~"a\\"|b"}[5m])', rated],
  ['sum by (job) (rate(x_total{job=~"a\\"|b"}[5m]))', summed],
  [
    'topk(3, sum by (job) (rate(x_total{job=~"a\\"|b"}[5m]))) * 100',
    {
      type: 'binaryExpr',
      op: '*',
      lhs: {
        type: 'aggregation',
        op: 'topk',
        expr: summed,
        param: number('3'),
        grouping: [],
        without: false,
      },
      rhs: number('100'),
      bool: false,
    },
  ],
  [
    'histogram_quantile(0.95, up offset 1d)',
    call('histogram_quantile', number('0.95'), selector('up', { offset: 86_400_000 })),
  ],
];

describe('a query as steps', () => {
  it.each(KNOWN)('%s is read and written', (expr, tree) => {
    const read = fromTree(tree);
    expect('built' in read && toExpr(read.built)).toBe(expr);
  });
  it.each([
    ['two queries in one', { type: 'binaryExpr', op: '/', lhs: selector('a'), rhs: selector('b') }],
    [
      'a number on the left of an operator',
      { type: 'binaryExpr', op: '-', lhs: number('1'), rhs: selector('b') },
    ],
    ['a subquery', { type: 'subquery', expr: selector('a') }],
    ['label_replace() with these arguments', call('label_replace', selector('a'), number('1'))],
    ['@ with a time', selector('a', { timestamp: 5 })],
  ] as const)('%s is no chain', (why, tree) => expect(fromTree(tree)).toEqual({ cannot: why }));
  it('keeps what comes after a comparison together', () => {
    const built: Built = {
      ...NOTHING,
      metric: 'up',
      steps: [
        { kind: 'number', op: '*', value: 2 },
        { kind: 'number', op: '>', value: 1 },
      ],
    };
    expect(toExpr(built)).toBe('(up * 2) > 1');
  });
  it('quotes names that PromQL would read otherwise', () =>
    expect(
      toExpr({ ...NOTHING, metric: 'http.server', filters: [{ label: 'k8s.pod', op: '=', value: 'a' }] }),
    ).toBe('{"http.server", "k8s.pod"="a"}'));
});

describe('what one wants of a metric', () => {
  it.each([
    ['x_total', '', 'rate(x_total[5m])'],
    ['x_seconds_bucket', 'histogram', 'histogram_quantile(0.95, sum by (le) (rate(x_seconds_bucket[5m])))'],
    ['x_seconds', 'histogram', 'histogram_quantile(0.95, sum(rate(x_seconds[5m])))'],
    ['x_bytes', 'gauge', 'x_bytes'],
  ])('%s (%s)', (metric, type, expr) => expect(toExpr(suggested(metric, type))).toBe(expr));
});
