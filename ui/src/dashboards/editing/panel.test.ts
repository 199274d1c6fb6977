import { describe, expect, it } from 'vitest';
import type { Frame } from '../../panels/frame';
import type { JsonObject } from '../../panels/json';
import { TRANSFORMATIONS, transform } from '../../panels/transform/transform';
import { readMappings, withResult, writeMappings } from './mappings';
import { PROPERTIES, propertiesOf } from './properties';
import { fieldsBefore, readOrganize, STEPS, writeOrganize } from './transformations';

const MAPPINGS: readonly JsonObject[] = [
  {
    type: 'value',
    options: { up: { text: 'Up', color: 'green', index: 0 }, down: { text: 'Down', index: 1 } },
  },
  { type: 'range', options: { from: null, to: 5, result: { text: 'few', index: 2, icon: 'kept' } } },
  { type: 'regex', options: { pattern: '/^x/', result: { color: 'red', index: 3 } } },
  { type: 'special', options: { match: 'null', result: { text: '–', index: 4 } }, odd: 1 },
];

describe('value mappings', () => {
  it('come back from their rows as they were', () =>
    expect(writeMappings(readMappings(MAPPINGS) ?? [])).toEqual(MAPPINGS));
  it('keep both rows of one value, as whoever types has them', () => {
    const [one] = readMappings(MAPPINGS) ?? [];
    const written = writeMappings(one ? [one, { ...one, result: { text: 'again' } }] : []);
    expect(readMappings(written)).toHaveLength(2);
  });
  it('lose a colour that is emptied', () => {
    const [one] = readMappings(MAPPINGS) ?? [];
    expect(one && withResult(one, 'color', '').result).toEqual({ text: 'Up', index: 0 });
  });
  it('of another kind have no rows', () => expect(readMappings([{ type: 'unheard' }])).toBeNull());
});

const FRAMES: readonly Frame[] = [
  {
    fields: [
      { name: 'Time', type: 'time', values: [1, 2] },
      { name: 'host', type: 'string', values: ['a', 'b'] },
      { name: 'Value', type: 'number', values: [3, 4] },
    ],
  },
];

describe('organize', () => {
  const options = {
    excludeByName: { Time: true, gone: true },
    indexByName: { Value: 0, host: 1, Time: 2 },
    renameByName: { Value: 'Free' },
    odd: 1,
  };
  it('is read as what it shows, in its order', () =>
    expect(readOrganize(options, ['Time', 'host', 'Value'])).toEqual([
      { name: 'Value', shown: true, rename: 'Free' },
      { name: 'host', shown: true, rename: '' },
      { name: 'Time', shown: false, rename: '' },
    ]));
  it('comes back, with what it says of fields that are not there', () =>
    expect(writeOrganize(options, readOrganize(options, ['Time', 'host', 'Value']))).toEqual({
      ...options,
      includeByName: {},
    }));
  it('does what its rows say', () => {
    const rows = readOrganize({}, ['Time', 'host', 'Value']).toReversed();
    const written = writeOrganize({}, [
      ...rows.filter(({ name }) => name !== 'Time').map((row) => ({ ...row, rename: `my ${row.name}` })),
      { name: 'Time', shown: false, rename: '' },
    ]);
    const [made] = transform(FRAMES, [{ id: 'organize', options: written }]).frames;
    expect(made?.fields.map(({ asked }) => asked)).toEqual(['my Value', 'my host']);
  });
});

describe('the editors', () => {
  it('offer only transformations that are applied', () =>
    expect(Object.keys(STEPS).filter((id) => !TRANSFORMATIONS.includes(id))).toEqual([]));
  it('know which fields a transformation is given', () => {
    const steps: readonly JsonObject[] = [
      { id: 'organize', options: { renameByName: { host: 'Host' } } },
      { id: 'limit' },
    ];
    expect(fieldsBefore(FRAMES, steps, 0)).toEqual(['Time', 'host', 'Value']);
    expect(fieldsBefore(FRAMES, steps, 1)).toEqual(['Time', 'Host', 'Value']);
  });
  it('have each property once, and those of tables for tables alone', () => {
    expect(new Set(PROPERTIES.map(({ id }) => id)).size).toBe(PROPERTIES.length);
    const ids = (kind: string): string[] => propertiesOf(kind).flatMap(([, all]) => all.map(({ id }) => id));
    expect(ids('table')).toContain('custom.cellOptions');
    expect(ids('stat')).not.toContain('custom.lineWidth');
  });
});
