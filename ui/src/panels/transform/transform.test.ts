import { describe, expect, it } from 'vitest';
import type { Cell, Field, FieldType, Frame } from '../frame';
import { baseNames } from '../names';
import { transform, TRANSFORMATIONS } from './transform';

type Columns = Record<string, readonly Cell[]>;

const TYPES: Readonly<Record<string, FieldType>> = {
  Time: 'time',
  host: 'string',
  line: 'string',
  name: 'string',
};

/** A table: its columns by name. */
function table(columns: Columns, refId = 'A'): Frame {
  return {
    refId,
    fields: Object.entries(columns).map(([name, values]): Field => ({
      name,
      type: TYPES[name] ?? 'number',
      values,
    })),
  };
}

/** A series of one label. */
function series(host: string, times: readonly number[], values: readonly Cell[], refId = 'A'): Frame {
  return {
    refId,
    fields: [
      { name: 'Time', type: 'time', values: times },
      { name: 'Value', type: 'number', values, labels: { __name__: 'load', host } },
    ],
  };
}

/** What the reader would see: each frame's columns by their names. */
function seen(frames: readonly Frame[]): Columns[] {
  const names = baseNames(frames);
  let place = 0;
  return frames.map(({ fields }) =>
    Object.fromEntries(fields.map(({ values }) => [names[place++] ?? '', values])),
  );
}

const TWO = [series('a', [1, 2], [10, 20]), series('b', [2, 3], [30, null])];
const ROWS = [table({ host: ['a', 'b', 'a'], cpu: [1, 2, 3], mem: [10, null, 30] })];

const CASES: readonly (readonly [
  id: string,
  options: unknown,
  frames: readonly Frame[],
  expected: Columns[],
])[] = [
  [
    'organize',
    { excludeByName: { mem: true }, indexByName: { cpu: 0, host: 1 }, renameByName: { cpu: 'CPU' } },
    ROWS,
    [{ CPU: [1, 2, 3], host: ['a', 'b', 'a'] }],
  ],
  ['organize', { includeByName: { mem: true } }, ROWS, [{ mem: [10, null, 30] }]],
  ['filterFieldsByName', { include: { names: ['host'] } }, ROWS, [{ host: ['a', 'b', 'a'] }]],
  [
    'filterFieldsByName',
    { include: { pattern: '/^(host|m.*)$/' } },
    ROWS,
    [{ host: ['a', 'b', 'a'], mem: [10, null, 30] }],
  ],
  ['filterFieldsByName', { exclude: { pattern: 'cpu|mem' } }, ROWS, [{ host: ['a', 'b', 'a'] }]],
  ['filterByRefId', { include: 'B' }, [table({ x: [1] }), table({ y: [2] }, 'B')], [{ y: [2] }]],
  [
    'renameByRegex',
    { regex: '(.*)u$', renamePattern: '$1U' },
    ROWS,
    [{ host: ['a', 'b', 'a'], cpU: [1, 2, 3], mem: [10, null, 30] }],
  ],
  ['renameByRegex', { regex: '(', renamePattern: 'x' }, ROWS, seen(ROWS)],
  [
    'sortBy',
    { sort: [{ field: 'mem', desc: true }] },
    ROWS,
    [{ host: ['a', 'a', 'b'], cpu: [3, 1, 2], mem: [30, 10, null] }],
  ],
  ['limit', { limitField: 1 }, ROWS, [{ host: ['a'], cpu: [1], mem: [10] }]],
  ['limit', { limitField: '1', limitPosition: 'bottom' }, ROWS, [{ host: ['a'], cpu: [3], mem: [30] }]],
  [
    'filterByValue',
    {
      type: 'include',
      match: 'all',
      filters: [{ fieldName: 'cpu', config: { id: 'greater', options: { value: 1 } } }],
    },
    ROWS,
    [{ host: ['b', 'a'], cpu: [2, 3], mem: [null, 30] }],
  ],
  [
    'filterByValue',
    {
      type: 'exclude',
      match: 'any',
      filters: [
        { fieldName: 'mem', config: { id: 'isNull' } },
        { fieldName: 'host', config: { id: 'equal', options: { value: 'x' } } },
      ],
    },
    ROWS,
    [{ host: ['a', 'a'], cpu: [1, 3], mem: [10, 30] }],
  ],
  [
    'groupBy',
    {
      fields: {
        host: { operation: 'groupby', aggregations: [] },
        cpu: { operation: 'aggregate', aggregations: ['sum', 'max'] },
      },
    },
    ROWS,
    [{ host: ['a', 'b'], 'cpu (sum)': [4, 2], 'cpu (max)': [3, 2] }],
  ],
  ['reduce', { reducers: ['max', 'mean'] }, TWO, [{ Field: ['a', 'b'], Max: [20, 30], Mean: [15, 30] }]],
  [
    'reduce',
    { reducers: ['lastNotNull'], labelsToFields: true },
    TWO,
    [{ Field: ['load', 'load'], host: ['a', 'b'], 'Last *': [20, 30] }],
  ],
  ['reduce', { mode: 'reduceFields', reducers: ['sum'] }, ROWS, [{ cpu: [6], mem: [40] }]],
  [
    'merge',
    {},
    [table({ host: ['a', 'b'], 'Value #A': [1, 2] }), table({ host: ['b', 'c'], 'Value #B': [3, 4] }, 'B')],
    [{ host: ['a', 'b', 'c'], 'Value #A': [1, 2, null], 'Value #B': [null, 3, 4] }],
  ],
  [
    'joinByField',
    { byField: 'host', mode: 'outer' },
    [table({ host: ['a', 'b'], cpu: [1, 2] }), table({ host: ['b', 'c'], mem: [3, 4] }, 'B')],
    [{ host: ['a', 'b', 'c'], cpu: [1, 2, null], mem: [null, 3, 4] }],
  ],
  [
    'seriesToColumns',
    { byField: 'host', mode: 'inner' },
    [table({ host: ['a', 'b'], Value: [1, 2] }), table({ host: ['b', 'c'], Value: [3, 4] }, 'B')],
    [{ host: ['b'], 'Value 1': [2], 'Value 2': [3] }],
  ],
  [
    'joinByField',
    { byField: 'host' },
    [
      table({ Time: [1], host: ['a'], job: ['x'], 'Value #A': [5] }),
      table({ Time: [2], host: ['a'], job: ['y'], 'Value #B': [6] }, 'B'),
      table({ Time: [3], host: ['a'], 'Value #C': [7] }, 'C'),
    ],
    [
      {
        host: ['a'],
        ...{ 'Time 1': [1], 'job 1': ['x'], 'Value #A': [5] },
        ...{ 'Time 2': [2], 'job 2': ['y'], 'Value #B': [6] },
        ...{ 'Time 3': [3], 'Value #C': [7] },
      },
    ],
  ],
  ['joinByField', {}, TWO, [{ Time: [1, 2, 3], a: [10, 20, null], b: [null, 30, null] }]],
  [
    'seriesToRows',
    {},
    TWO,
    [{ Time: [3, 2, 2, 1], Metric: ['b', 'a', 'b', 'a'], Value: [null, 20, 30, 10] }],
  ],
  // What is one table already stays it, as after a merge.
  ['seriesToRows', {}, [table({ host: ['a'], Value: [1] })], [{ host: ['a'], Value: [1] }]],
  [
    'seriesToRows',
    {},
    [table({ host: ['a'], Value: [1] }), table({ host: ['b'], Value: [2] }, 'B')],
    [
      { host: ['a'], Value: [1] },
      { host: ['b'], Value: [2] },
    ],
  ],
  ['filterFieldsByName', { include: { pattern: 'a' } }, [table({ a: [1], ab: [2] })], [{ a: [1] }]],
  ['labelsToFields', {}, TWO, [{ Time: [1, 2, 2, 3], host: ['a', 'a', 'b', 'b'], load: [10, 20, 30, null] }]],
  [
    'labelsToFields',
    { mode: 'rows' },
    [TWO[0] ?? { fields: [] }],
    [{ label: ['__name__', 'host'], value: ['load', 'a'] }],
  ],
  ['concatenate', {}, [table({ x: [1] }), table({ y: [2] }, 'B')], [{ x: [1], y: [2] }]],
  [
    'convertFieldType',
    {
      conversions: [
        { targetField: 'host', destinationType: 'number' },
        { targetField: 'cpu', destinationType: 'string' },
      ],
    },
    [table({ host: ['1,000', 'x'], cpu: [1, null] })],
    [{ host: [1000, null], cpu: ['1', null] }],
  ],
  [
    'convertFieldType',
    { conversions: [{ targetField: 'tags', destinationType: 'string', joinWith: ' + ' }] },
    [table({ tags: ['["a",1]', 'b', '[', null] })],
    [{ tags: ['a + 1', 'b', '[', null] }],
  ],
  [
    'convertFieldType',
    {
      conversions: [
        { targetField: 'Time', destinationType: 'string', dateFormat: 'DD.MM.YYYY', timezone: 'utc' },
      ],
    },
    [table({ Time: [1795996800000] })],
    [{ Time: ['30.11.2026'] }],
  ],
  [
    'convertFieldType',
    { conversions: [{ targetField: 'host', destinationType: 'time' }] },
    [table({ host: ['2026-11-30T00:00:00Z', 'never'] })],
    [{ host: [1795996800000, null] }],
  ],
  [
    'calculateField',
    { mode: 'binary', alias: 'share', binary: { left: 'cpu', operator: '/', right: 'mem' } },
    ROWS,
    [{ host: ['a', 'b', 'a'], cpu: [1, 2, 3], mem: [10, null, 30], share: [0.1, Infinity, 0.1] }],
  ],
  [
    'calculateField',
    {
      mode: 'binary',
      replaceFields: true,
      binary: { left: { matcher: { id: 'byName', options: 'cpu' } }, operator: '*', right: { fixed: '2' } },
    },
    ROWS,
    [{ 'cpu * 2': [2, 4, 6] }],
  ],
  [
    'calculateField',
    { mode: 'reduceRow', reduce: { reducer: 'sum' } },
    [table({ host: ['a'], cpu: [1], mem: [2] })],
    [{ host: ['a'], cpu: [1], mem: [2], Total: [3] }],
  ],
  [
    'calculateField',
    { mode: 'unary', unary: { operator: 'abs', fieldName: 'cpu' } },
    [table({ cpu: [-1, null] })],
    [{ cpu: [-1, null], 'abs(cpu)': [1, 0] }],
  ],
  [
    'calculateField',
    { mode: 'cumulativeFunctions', cumulative: { field: 'cpu', reducer: 'sum' } },
    [table({ cpu: [1, 2, 3] })],
    [{ cpu: [1, 2, 3], 'cumulative sum(cpu)': [1, 3, 6] }],
  ],
  [
    'calculateField',
    { alias: 'sum', reduce: { reducer: 'sum' } },
    TWO,
    [{ Time: [1, 2, 3], a: [10, 20, null], b: [null, 30, null], sum: [10, 50, null] }],
  ],
  [
    'extractFields',
    { source: 'line', format: 'json' },
    [table({ line: ['{"a":1,"b":{"c":2}}', 'no JSON'] })],
    [{ line: ['{"a":1,"b":{"c":2}}', 'no JSON'], a: [1, null], b: ['{"c":2}', null] }],
  ],
  [
    'extractFields',
    { source: 'line', format: 'json', replace: true, jsonPaths: [{ path: 'b.c', alias: 'deep' }] },
    [table({ line: ['{"b":{"c":2}}'] })],
    [{ deep: [2] }],
  ],
  [
    'extractFields',
    { source: 'line', replace: true },
    [table({ line: ['a=1 b="two words"'] })],
    [{ a: ['1'], b: ['two words'] }],
  ],
  [
    'timeSeriesTable',
    {},
    TWO,
    [
      {
        host: ['a', 'b'],
        'Trend #A': [
          { value: 20, points: [10, 20] },
          { value: 30, points: [30, null] },
        ],
      },
    ],
  ],
  [
    'formatTime',
    { timeField: 'Time', outputFormat: 'YYYY-MM-DD HH:mm', timezone: 'utc' },
    [table({ Time: [1795996860000] })],
    [{ Time: ['2026-11-30 00:01'] }],
  ],
  [
    'transpose',
    {},
    [table({ host: ['a', 'b'], cpu: [1, 2], mem: [3, 4] })],
    [{ Field: ['cpu', 'mem'], a: [1, 3], b: [2, 4] }],
  ],
  [
    'joinByField',
    { byField: 'code', mode: 'outerTabular' },
    [
      table({ code: ['404', '200'], a: [1, 2] }),
      table({ code: ['x', '500', '404'], b: [3, 4, 5] }, 'B'),
      table({ code: ['200', '500'], c: [6, 7] }, 'C'),
    ],
    [
      {
        code: ['200', '500', '404', 'x'],
        a: [2, null, 1, null],
        b: [null, 4, 5, 3],
        c: [6, 7, null, null],
      },
    ],
  ],
  // Numbers as keys keep the order of their rows: nothing is a time axis here.
  [
    'joinByField',
    { byField: 'id', mode: 'inner' },
    [table({ id: [3, 1], a: [1, 2] }), table({ id: [1, 3], b: [4, 5] }, 'B')],
    [{ id: [3, 1], a: [1, 2], b: [5, 4] }],
  ],
  [
    'groupingToMatrix',
    { columnField: 'host', rowField: 'name', valueField: 'cpu' },
    [table({ host: ['a', 'b'], name: ['x', 'y'], cpu: [1, 2] })],
    [{ 'name\\host': ['x', 'y'], a: [1, null], b: [null, 2] }],
  ],
  [
    'partitionByValues',
    { fields: ['host'] },
    [table({ host: ['a', 'b', 'a'], cpu: [1, 2, 3] })],
    [{ cpu: [1, 3] }, { cpu: [2] }],
  ],
  [
    'rowsToFields',
    { mappings: [{ fieldName: 'mem', handlerKey: 'max' }] },
    [table({ host: ['a', 'b'], cpu: [1, 2], mem: [3, 4] })],
    [{ a: [1], b: [2] }],
  ],
  [
    'joinByLabels',
    { value: 'host', join: ['__name__'] },
    TWO,
    [{ __name__: ['load', 'load'], a: [10, 20], b: [30, null] }],
  ],
  [
    'formatString',
    { stringField: 'host', outputFormat: 'Kebab Case' },
    [table({ host: ['AbcDef', 'x y'], cpu: [1, 2] })],
    [{ host: ['abc-def', 'x-y'], cpu: [1, 2] }],
  ],
  [
    'histogram',
    { bucketSize: 10 },
    [table({ cpu: [1, 9, 10, 35, null], mem: [2, null, null, null, 12] })],
    [{ xMin: [0, 10, 30], xMax: [10, 20, 40], cpu: [2, 1, 1], mem: [1, 1, 0] }],
  ],
  [
    'histogram',
    { bucketSize: '0.5', bucketOffset: 0.1, combine: true },
    TWO.map((one) => ({
      ...one,
      fields: one.fields.map((field) => (field.type === 'number' ? { ...field, values: [0.3, 0.7] } : field)),
    })),
    [{ xMin: [0.1, 0.6], xMax: [0.6, 1.1], Count: [2, 2] }],
  ],
  // Thirty buckets at most would be 3.3 wide: 4 is the next that reads well.
  ['histogram', {}, [table({ cpu: [0, 1, 99] })], [{ xMin: [0, 96], xMax: [4, 100], cpu: [2, 1] }]],
  // A bucket is no narrower than what sets values apart.
  [
    'histogram',
    { bucketCount: 100 },
    [table({ cpu: [10, 20, 20] })],
    [{ xMin: [10, 20], xMax: [20, 30], cpu: [1, 2] }],
  ],
  ['histogram', {}, [table({ cpu: [7, 7] })], [{ xMin: [7], xMax: [8], cpu: [2] }]],
  ['histogram', {}, [table({ host: ['a'] })], []],
  [
    'heatmap',
    { xBuckets: { mode: 'size', value: '1m' }, yBuckets: { mode: 'size', value: '10' } },
    [series('a', [0, 59_999, 60_000], [1, 9, 10]), series('b', [0, 60_000], [19, null])],
    [{ xMin: [0, 0, 60_000, 60_000], yMin: [0, 10, 0, 10], Count: [2, 1, 0, 1] }],
  ],
  [
    'heatmap',
    { xBuckets: { mode: 'size', value: '1000' }, yBuckets: { scale: { type: 'log', log: 10 } } },
    [series('a', [0, 1, 2, 3, 4], [1, 10, 99, 100, -1])],
    [{ xMin: [0, 0, 0], yMin: [1, 10, 100], Count: [1, 2, 1] }],
  ],
  [
    'heatmap',
    { xBuckets: { mode: 'count', value: '3' }, yBuckets: { mode: 'count', value: '2' } },
    [series('a', [0, 10_000], [0, 8])],
    [{ xMin: [0, 5000, 10_000], yMin: [0, 5], Count: [1, 0, 0, 0, 0, 1] }].map((one) => ({
      ...one,
      xMin: one.xMin.flatMap((ms) => [ms, ms]),
      yMin: one.xMin.flatMap(() => one.yMin),
    })),
  ],
  [
    'heatmap',
    { keepOriginalData: true, xBuckets: { mode: 'size', value: 10 }, yBuckets: { mode: 'size', value: 10 } },
    [table({ Time: [1], cpu: [5] })],
    [
      { xMin: [0], yMin: [0], Count: [1] },
      { Time: [1], cpu: [5] },
    ],
  ],
  [
    'groupToNestedTable',
    {
      fields: {
        host: { operation: 'groupby' },
        cpu: { operation: 'aggregate', aggregations: ['sum', 'max'] },
      },
    },
    ROWS,
    [{ host: ['a', 'b'], 'cpu (sum)': [4, 2], 'cpu (max)': [3, 2] }],
  ],
  [
    'groupToNestedTable',
    {
      rules: [
        { matcher: { id: 'byType', options: 'string' }, operation: 'groupby', aggregations: [] },
        {
          matcher: { id: 'byRegexp', options: '/m.m/' },
          operation: 'aggregate',
          aggregations: ['lastNotNull'],
        },
      ],
    },
    ROWS,
    [{ host: ['a', 'b'], 'mem (lastNotNull)': [30, null] }],
  ],
  [
    'groupToNestedTable',
    { fields: {} },
    ROWS,
    [{ host: ['a', 'b', 'a'], cpu: [1, 2, 3], mem: [10, null, 30] }],
  ],
  [
    'configFromData',
    { configRefId: 'B', mappings: [] },
    [table({ cpu: [1] }), table({ max: [5] }, 'B')],
    [{ cpu: [1] }],
  ],
  ['configFromData', { configRefId: 'C' }, [table({ cpu: [1] })], [{ cpu: [1] }]],
  [
    'smoothing',
    { resolution: 10 },
    [table({ Time: [1, 2, 3], cpu: [1, null, 3], host: ['a', 'b', 'c'] })],
    [{ Time: [1, 2, 3], 'cpu (smoothed)': [1, 2, 3], host: ['a', 'b', 'c'] }],
  ],
  ['smoothing', {}, [table({ cpu: [1, 2] })], [{ cpu: [1, 2] }]],
  [
    'reduce',
    { mode: 'reduceFields', reducers: ['min', 'max'] },
    [table({ cpu: [1, 5] })],
    [{ 'cpu Min': [1], 'cpu Max': [5] }],
  ],
  [
    'joinByField',
    { byField: 'host', mode: 'inner' },
    [table({ host: ['a', 'b', 'a'], cpu: [1, 2, 3] }), table({ host: ['a', 'a', 'c'], mem: [4, 5, 6] }, 'B')],
    [{ host: ['a', 'a', 'a', 'a'], cpu: [1, 1, 3, 3], mem: [4, 5, 4, 5] }],
  ],
  [
    'joinByField',
    { byField: 'host', mode: 'outerTabular' },
    [
      table({ host: ['a', null, 'a'], cpu: [1, 2, 3] }),
      table({ host: ['a', 'c', null], mem: [4, 5, 6] }, 'B'),
    ],
    [
      {
        host: ['a', 'a', null, 'c', null],
        cpu: [1, 3, 2, null, null],
        mem: [4, 4, null, 5, 6],
      },
    ],
  ],
  [
    'groupingToMatrix',
    { columnField: 'host', rowField: 'name', valueField: 'cpu', emptyValue: 'zero' },
    [table({ host: ['a', 'b'], name: ['x', 'y'], cpu: [1, 2] })],
    [{ 'name\\host': ['x', 'y'], a: [1, 0], b: [0, 2] }],
  ],
  [
    'partitionByValues',
    { fields: ['host'], naming: { asLabels: true } },
    [table({ host: ['a', 'b', 'a'], cpu: [1, 2, 3] })],
    [{ 'cpu a': [1, 3] }, { 'cpu b': [2] }],
  ],
  [
    'partitionByValues',
    { fields: ['host'], naming: { withNames: true, separator1: ': ' } },
    [table({ host: ['a', 'b'], Value: [1, 2] })],
    [{ 'host: a': [1] }, { 'host: b': [2] }],
  ],
  [
    'calculateField',
    { mode: 'index', index: { asPercentile: true }, alias: 'share', replaceFields: true },
    ROWS.map((one) => ({
      ...one,
      fields: one.fields.slice(1, 2).map((field) => ({ ...field, values: [1, 2] })),
    })),
    [{ share: [0, 0.5] }],
  ],
  [
    'calculateField',
    {
      mode: 'binary',
      binary: {
        left: { matcher: { id: 'byType', options: 'number' } },
        operator: '*',
        right: { fixed: '2' },
      },
    },
    [table({ cpu: [1, 2], mem: [3, null] })],
    [{ cpu: [1, 2], mem: [3, null], 'cpu * 2': [2, 4], 'mem * 2': [6, 0] }],
  ],
  [
    'calculateField',
    { mode: 'reduceRow', timeSeries: false },
    [table({ Time: [1], cpu: [2] }), table({ Time: [1], mem: [3] }, 'B')],
    [
      { Time: [1], cpu: [2], Total: [2] },
      { Time: [1], mem: [3], Total: [3] },
    ],
  ],
  [
    'filterFieldsByName',
    { byVariable: true, include: { variable: '{host,mem}' } },
    ROWS,
    [{ host: ['a', 'b', 'a'], mem: [10, null, 30] }],
  ],
];

describe('a transformation', () => {
  it.each(CASES)('%s with %j', (id, options, frames, expected) =>
    expect(seen(transform(frames, [{ id, options }]).frames)).toEqual(expected),
  );
  it.each(TRANSFORMATIONS)('%s takes what is odd', (id) => {
    for (const options of [null, {}, { fields: 3, sort: ['x'], filters: 'y', regex: '(' }])
      for (const frames of [[], [{ fields: [] }], ROWS, TWO])
        expect(transform(frames, [{ id, options }]).unknown).toEqual([]);
  });
  it('is applied after those before it, disabled ones and unknown ones aside', () =>
    expect(
      transform(ROWS, [
        { id: 'sortBy', options: { sort: [{ field: 'cpu', desc: true }] } },
        { id: 'limit', disabled: true, options: { limitField: 0 } },
        { id: 'spatial' },
        { id: 'limit', options: { limitField: 1 } },
      ]),
    ).toMatchObject({
      unknown: ['spatial'],
      frames: [{ fields: [{ values: ['a'] }, { values: [3] }, { values: [30] }] }],
    }));
  it('is of some frames where it has a filter', () =>
    expect(
      seen(
        transform(
          [table({ x: [1, 2] }), table({ y: [3, 4] }, 'B')],
          [{ id: 'limit', options: { limitField: 1 }, filter: { id: 'byFrameRefID', options: 'B' } }],
        ).frames,
      ),
    ).toEqual([{ y: [3] }, { x: [1, 2] }]));
});
