import { describe, expect, it } from 'vitest';
import { countedBars } from '../kinds/BarChart';
import type { Cell, Field, Frame } from '../frame';
import { configure } from '../overrides';
import { transform } from './transform';

function table(columns: Record<string, readonly Cell[]>, refId = 'A'): Frame {
  return {
    refId,
    fields: Object.entries(columns).map(([name, values]): Field => ({
      name,
      type: name === 'Time' ? 'time' : typeof values[0] === 'string' ? 'string' : 'number',
      values,
    })),
  };
}

const LOOKS = { scheme: 'dark', clock: { nowMs: 0, utc: true } } as const;

/** The configuration of a field after a transformation, in a panel of these defaults. */
function configOf(
  name: string,
  frames: readonly Frame[],
  step: { id: string; options: unknown },
  panel: unknown = {},
) {
  const made = configure(transform(frames, [step]).frames, panel);
  return made.flatMap(({ fields }) => fields).find((field) => field.name === name)?.config;
}

describe('config from query results', () => {
  const data = table({ cpu: [1, 2], host: ['a', 'b'] });
  const config = (mappings: unknown, columns: Record<string, readonly Cell[]>, more: object = {}) =>
    configOf('cpu', [data, table(columns, 'config')], {
      id: 'configFromData',
      options: { configRefId: 'config', mappings, ...more },
    });
  it('takes what is named as a setting without being told', () =>
    expect(
      config([], { Min: [1, 2], MAX: [10, 20], unit: ['s', 's'], decimals: [1, 3], other: [4, 5] }),
    ).toMatchObject({
      min: 2,
      max: 20,
      unit: 's',
      decimals: 3,
    }));
  it('takes a calculation, and leaves out what is ignored', () => {
    const made = config(
      [
        { fieldName: 'limit', handlerKey: 'max', reducerId: 'first' },
        { fieldName: 'min', handlerKey: '__ignore' },
      ],
      { limit: [7, 9], min: [3, 3] },
    );
    expect(made?.max).toBe(7);
    expect(made).not.toHaveProperty('min');
  });
  it('makes thresholds of fields, each in its colour', () =>
    expect(
      config(
        [
          { fieldName: 'bad', handlerKey: 'threshold1' },
          {
            fieldName: 'warn',
            handlerKey: 'threshold1',
            handlerArguments: { threshold: { color: 'orange' } },
          },
        ],
        { bad: [80], warn: [50] },
      )?.thresholds,
    ).toEqual({
      mode: 'absolute',
      steps: [
        { value: -Infinity, color: 'green' },
        { value: 50, color: 'orange' },
        { value: 80, color: 'red' },
      ],
    }));
  it('makes value mappings of whole columns', () =>
    expect(
      config(
        [
          { fieldName: 'id', handlerKey: 'mappings.value' },
          { fieldName: 'name', handlerKey: 'mappings.text' },
          { fieldName: 'colour', handlerKey: 'mappings.color' },
        ],
        { id: [1, 2], name: ['up', 'down'], colour: ['green', 'red'] },
      )?.mappings,
    ).toEqual([
      {
        kind: 'value',
        of: new Map([
          ['1', { text: 'up', color: 'green' }],
          ['2', { text: 'down', color: 'red' }],
        ]),
      },
    ]));
  it('names and colours, and goes by another matcher where one is given', () => {
    const applyTo = { id: 'byName', options: 'host' };
    const step = {
      id: 'configFromData',
      options: {
        configRefId: 'config',
        applyTo,
        mappings: [
          { fieldName: 'a', handlerKey: 'displayName' },
          { fieldName: 'b', handlerKey: 'color' },
        ],
      },
    };
    const frames = [data, table({ a: ['Host'], b: ['blue'] }, 'config')];
    expect(configOf('host', frames, step)).toMatchObject({
      displayName: 'Host',
      color: { mode: 'fixed', fixed: 'blue' },
    });
    expect(configOf('cpu', frames, step)).not.toHaveProperty('displayName');
  });
  it('says more than the defaults of the panel, and less than its overrides', () => {
    const step = { id: 'configFromData', options: { configRefId: 'config' } };
    const frames = [data, table({ max: [5], unit: ['s'] }, 'config')];
    expect(
      configOf('cpu', frames, step, {
        defaults: { max: 1, min: 0, unit: 'bytes' },
        overrides: [
          { matcher: { id: 'byName', options: 'cpu' }, properties: [{ id: 'unit', value: 'percent' }] },
        ],
      }),
    ).toMatchObject({ min: 0, max: 5, unit: 'percent' });
  });
});

describe('rows to fields', () => {
  it('takes settings of the columns that are named or mapped as such', () => {
    const rows = table({
      host: ['a', 'b'],
      cpu: [1, 2],
      unit: ['s', 'bytes'],
      limit: [5, 6],
      team: ['x', 'y'],
    });
    const options = {
      mappings: [
        { fieldName: 'limit', handlerKey: 'threshold1', handlerArguments: { threshold: { color: 'blue' } } },
      ],
    };
    const [frame] = configure(transform([rows], [{ id: 'rowsToFields', options }]).frames, {});
    expect(
      frame?.fields.map(({ labels, config }) => [labels, config.unit, config.thresholds.steps[1]]),
    ).toEqual([
      [{ team: 'x' }, 's', { value: 5, color: 'blue' }],
      [{ team: 'y' }, 'bytes', { value: 6, color: 'blue' }],
    ]);
  });
});

describe('a nested table', () => {
  const made = (options: unknown, more: readonly { id: string; options: unknown }[] = []) => {
    const rows = table({ host: ['a', 'b', 'a'], cpu: [1, 2, 3], disk: ['x', 'y', 'z'] });
    const [frame] = configure(transform([rows], [{ id: 'groupToNestedTable', options }, ...more]).frames, {
      defaults: { unit: 'percent' },
    });
    return frame;
  };
  const GROUP = { fields: { host: { operation: 'groupby' } } };
  const inner = (frame: ReturnType<typeof made>) =>
    frame?.nested?.map(({ fields }) =>
      Object.fromEntries(fields.map(({ title, values }) => [title, values])),
    );
  it('has the rows of each group, shown as the panel says', () => {
    const frame = made(GROUP);
    expect(inner(frame)).toEqual([
      { cpu: [1, 3], disk: ['x', 'z'] },
      { cpu: [2], disk: ['y'] },
    ]);
    expect(frame?.nested?.[0]?.fields[0]?.config.unit).toBe('percent');
  });
  it('has heads unless told not to', () => {
    expect(made(GROUP)?.nestedHead).toBe(true);
    expect(made({ ...GROUP, showSubframeHeaders: false })?.nestedHead).toBe(false);
  });
  it('keeps its rows when groups are sorted or left out', () => {
    const sorted = { id: 'sortBy', options: { sort: [{ field: 'host', desc: true }] } };
    expect(inner(made(GROUP, [sorted]))?.[0]).toEqual({ cpu: [2], disk: ['y'] });
  });
});

describe('a histogram of a transformation', () => {
  it('is drawn with the buckets that it has, the empty ones between them as well', () => {
    const made = transform(
      [table({ seconds: [1, 2, 35] })],
      [{ id: 'histogram', options: { bucketSize: 10 } }],
    ).frames;
    const bars = countedBars(configure(made, { defaults: { unit: 's' } }), LOOKS);
    expect(bars?.names).toEqual(['0 s – 10 s', '10 s – 20 s', '20 s – 30 s', '30 s – 40 s']);
    expect(bars?.series.map(({ field }) => [field.values, field.config.unit])).toEqual([
      [[2, 0, 0, 1], 'short'],
    ]);
  });
});

describe('smoothing', () => {
  // A period of 40 with noise of a period of 2 on it.
  const wave = Array.from({ length: 400 }, (_, i) => Math.sin((i / 40) * 2 * Math.PI));
  const noisy = wave.map((value, i) => value + (i % 2 === 0 ? 0.5 : -0.5));
  const smooth = (values: readonly Cell[], resolution: number): readonly Cell[] =>
    transform(
      [table({ Time: values.map((_, i) => i), cpu: values })],
      [{ id: 'smoothing', options: { resolution } }],
    ).frames[0]?.fields[1]?.values ?? [];
  const rough = (values: readonly Cell[]): number =>
    values.slice(1).reduce<number>((sum, value, i) => sum + Math.abs(Number(value) - Number(values[i])), 0);
  it('takes the noise away and keeps the instants', () => {
    const made = smooth(noisy, 1000);
    expect(made).toHaveLength(noisy.length);
    expect(rough(made)).toBeLessThan(rough(noisy) / 4);
  });
  it('is of no more points than it was asked for, in between a line', () => {
    const made = smooth(noisy, 20).map(Number);
    const bends = made.filter((value, i) => {
      const [before, after] = [made[i - 1], made[i + 1]];
      return before !== undefined && after !== undefined && Math.abs(before + after - 2 * value) > 1e-9;
    });
    // A point is between two instants: the line bends at most at both.
    expect(bends.length).toBeLessThanOrEqual(2 * 20);
  });
  it('leaves out what is no number, and all of a field without any', () => {
    expect(smooth([NaN, 1, null, 3], 10)).toEqual([1, 1, 2, 3]);
    expect(smooth([null, null], 10)).toEqual([null, null]);
  });
});
