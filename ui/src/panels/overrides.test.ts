import { describe, expect, it } from 'vitest';
import type { Frame } from './frame';
import type { Json } from './json';
import { configure } from './overrides';
import { contrast, inkOn, legible, namedColor, stepsOf, TRANSPARENT, valueColor } from './palette';
import { endsOf, show } from './shown';
import { INK, STATUS_COLORS } from '../design/colors';
import { readConfig } from './config';

const DARK = { scheme: 'dark', clock: { nowMs: 0, utc: true } } as const;

const FRAMES: readonly Frame[] = [
  {
    refId: 'A',
    fields: [
      { name: 'Time', type: 'time', values: [1, 2] },
      { name: 'Value', type: 'number', values: [1, 50], labels: { __name__: 'load', host: 'a' } },
    ],
  },
  {
    refId: 'B',
    fields: [
      { name: 'Time', type: 'time', values: [1, 2] },
      {
        name: 'Value',
        type: 'number',
        values: [2, 90],
        labels: { __name__: 'load', host: 'b' },
        asked: 'host b',
      },
    ],
  },
];

/** The units of the two values, with an override by `matcher`. */
function units(matcher: unknown): string[] {
  const config = {
    defaults: { unit: 's' },
    overrides: [{ matcher, properties: [{ id: 'unit', value: 'bytes' }] }],
  };
  return configure(FRAMES, config).map(({ fields }) => fields[1]?.config.unit ?? '');
}

describe('an override', () => {
  it.each<[string, unknown, string[]]>([
    ['byName', 'host b', ['s', 'bytes']],
    ['byName', 'load{host="a"}', ['bytes', 's']],
    ['byName', 'Value', ['bytes', 'bytes']],
    ['byRegexp', '/HOST .*/i', ['s', 'bytes']],
    ['byRegexp', 'host .', ['s', 'bytes']],
    ['byRegexp', 'host', ['s', 's']],
    ['byRegexp', '/(/', ['s', 's']],
    // What a legend hides is not seen by a pattern; without a legend the labels are what is seen.
    ['byRegexp', '/Value|host=/', ['bytes', 's']],
    ['byRegexp', '/^(?!host)/', ['bytes', 's']],
    ['byRegexpOrNames', { pattern: '/host=/', names: ['host b'] }, ['bytes', 'bytes']],
    ['byType', 'number', ['bytes', 'bytes']],
    ['byFrameRefID', 'A', ['bytes', 's']],
    ['byNames', { mode: 'exclude', names: ['host b'] }, ['bytes', 's']],
    ['byNames', { names: ['host b'] }, ['s', 'bytes']],
    ['byValue', { reducer: 'max', op: '>=', value: 90 }, ['s', 'bytes']],
    ['numeric', {}, ['bytes', 'bytes']],
    ['firstTimeField', {}, ['s', 's']],
    ['invertMatch', { id: 'byName', options: 'host b' }, ['bytes', 's']],
    ['nobody knows', {}, ['s', 's']],
  ])('%s %j', (id, options, expected) => expect(units({ id, options })).toEqual(expected));

  it('is of the names that the defaults and the overrides before it gave', () => {
    const [first, second] = configure(FRAMES, {
      defaults: { unit: 's', displayName: 'of ${__field.labels.host}' },
      overrides: [
        {
          matcher: { id: 'byRegexp', options: '/of a/' },
          properties: [{ id: 'displayName', value: 'first' }],
        },
        { matcher: { id: 'byRegexp', options: '/of/' }, properties: [{ id: 'unit', value: 'bytes' }] },
        { matcher: { id: 'byName', options: 'first' }, properties: [{ id: 'unit', value: 'ms' }] },
      ],
    });
    expect(first?.fields.map(({ title }) => title)).toEqual(['Time', 'first']);
    expect([first, second].map((frame) => frame?.fields[1]?.config.unit)).toEqual(['ms', 'bytes']);
  });

  it('sets what is deep without what is beside it', () => {
    const [first] = configure(FRAMES, {
      defaults: { custom: { lineWidth: 1, hideFrom: { viz: false, legend: true } } },
      overrides: [
        {
          matcher: { id: 'byFrameRefID', options: 'A' },
          properties: [
            { id: 'custom.hideFrom.viz', value: true },
            { id: 'custom.width', value: 90 },
          ],
        },
      ],
    });
    expect(first?.fields[1]?.config.custom).toEqual({
      lineWidth: 1,
      width: 90,
      hideFrom: { viz: true, legend: true },
    });
  });
  it.each([
    ['bytes', {}, 'dateTimeAsSystem'],
    // Only how wide the column is, which says nothing of how a time is written.
    ['bytes', { id: 'custom.width', value: 90 }, 'dateTimeAsSystem'],
    ['bytes', { id: 'unit', value: 's' }, 'dateTimeAsSystem'],
    ['bytes', { id: 'unit', value: 'time:HH:mm' }, 'time:HH:mm'],
    ['dateTimeFromNow', {}, 'dateTimeFromNow'],
  ])('of a time beside values in %s, with %j, writes it as %s', (unit, property, expected) => {
    const [first] = configure(FRAMES, {
      defaults: { unit, mappings: [{ type: 'value', options: { '1': { text: 'up' } } }] },
      overrides: [{ matcher: { id: 'byName', options: 'Time' }, properties: [property] }],
    });
    expect(first?.fields[0]?.config.unit).toBe(expected);
    expect(first?.fields[0]?.config.mappings).toHaveLength(expected === 'dateTimeAsSystem' ? 0 : 1);
  });
  it('has labels for the names that a legend asked for in vain', () => {
    const [one, two] = ['a', 'b'].map((host): Frame => ({
      fields: [
        { name: 'Time', type: 'time', values: [1] },
        { name: 'Value', type: 'number', values: [1], labels: { host, job: 'x' }, asked: '' },
      ],
    }));
    const titles = configure(
      [one, two].flatMap((frame) => frame ?? []),
      {},
    ).map(({ fields }) => fields[1]?.title);
    expect(titles).toEqual(['a', 'b']);
  });
  it('names by labels', () => {
    const [first] = configure(FRAMES, {
      defaults: { displayName: '${__field.labels.host} of ${__field.name}' },
    });
    expect(first?.fields.map(({ title }) => title)).toEqual(['Time', 'a of Value']);
  });
  it.each([
    null,
    3,
    { overrides: [null, { properties: [{}] }] },
    { defaults: { thresholds: { steps: 'x' }, mappings: [{ type: 'range' }] } },
  ])('takes %j', (config) => expect(configure(FRAMES, config)).toHaveLength(2));
});

describe('a value', () => {
  const mappings: Json = [
    { type: 'value', options: { '1': { text: 'up', color: 'green' }, true: { text: 'yes' } } },
    { type: 'range', options: { from: 10, to: 20, result: { text: 'some', color: 'red' } } },
    { type: 'regex', options: { pattern: '/web-(\\d+)/', result: { text: 'web $1' } } },
    { type: 'special', options: { match: 'null', result: { text: 'none' } } },
    { type: 'special', options: { match: 'nan', result: { text: 'odd' } } },
    { type: 1, value: '7', text: 'seven' },
    { type: 2, from: '30', to: '40', text: 'many' },
  ];
  it.each([
    [1, 'up'],
    ['1', 'up'],
    [true, 'yes'],
    [15, 'some'],
    ['web-3', 'web 3'],
    [null, 'none'],
    [NaN, 'odd'],
    [7, 'seven'],
    [35, 'many'],
    [1500, '1.5 KiB'.replace('1.5', '1.46')],
    ['text', 'text'],
    ['', ''],
  ])('%j is shown as %s', (cell, text) =>
    expect(show(readConfig({ unit: 'bytes', mappings }), cell, DARK).text).toBe(text),
  );
  it.each([
    [-5, 'ok'],
    [10, 'warning'],
    [80, 'critical'],
    [null, 'ok'],
  ] as const)('%s stands on its step', (value, tone) => {
    const config = readConfig({
      thresholds: {
        mode: 'absolute',
        steps: [
          { value: null, color: 'green' },
          { value: 10, color: STATUS_COLORS.dark.warning },
          { value: 80, color: 'red' },
        ],
      },
    });
    expect(valueColor(config, value, { ends: { min: 0, max: 100 }, index: 0, scheme: 'dark' })).toBe(
      STATUS_COLORS.dark[tone],
    );
  });
  it('has steps of percentages between its ends', () =>
    expect(
      stepsOf({ mode: 'percentage', steps: [{ value: 50, color: 'red' }] }, { min: 10, max: 30 }),
    ).toEqual([{ value: 20, color: 'red' }]));
  it.each([
    [{ unit: 'percent' }, { min: 0, max: 100 }],
    [{ unit: 'percentunit' }, { min: 0, max: 1 }],
    [{}, { min: 1, max: 50 }],
    [
      { min: 5, max: '7' },
      { min: 5, max: 7 },
    ],
  ])('of %j lies between %j', (defaults, expected) => {
    const [frame] = configure(FRAMES, { defaults });
    const field = frame?.fields[1];
    expect(field && endsOf(field, [field])).toEqual(expected);
  });
});

describe('a colour', () => {
  it.each([
    ['#F00', '#ff0000'],
    ['rgba(255, 128, 0, 0.5)', '#ff8000'],
    ['rgb(1,2,3)', '#010203'],
    ['rgba(0,0,0,0)', TRANSPARENT],
    ['transparent', TRANSPARENT],
    ['#12345678', '#123456'],
    ['url(javascript:x)', INK.dark.axis],
    ['constructor', INK.dark.axis],
  ])('%s is %s', (name, expected) => expect(namedColor(name, 'dark')).toBe(expected));
  it.each(['dark', 'light'] as const)('can be read as text on a %s page, whatever it is', (scheme) => {
    for (const name of ['green', 'super-light-yellow', 'dark-red', '#ffffff', '#000000', 'yellow', '#777777'])
      expect(contrast(legible(namedColor(name, scheme), scheme), INK[scheme].panel)).toBeGreaterThanOrEqual(
        4.5,
      );
  });
  it('has an ink that can be read on it', () => {
    for (const color of ['#ffffff', '#000000', '#f2d64b', '#c4162a', '#808080'])
      expect(contrast(inkOn(color), color)).toBeGreaterThan(4);
  });
});
