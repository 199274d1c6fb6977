import { describe, expect, it } from 'vitest';
import { readFrames, type SeriesFrame, type TableFrame } from '../answer';
import type { Frame } from '../frame';
import { transform } from './transform';

describe('a calculation where one side has no value', () => {
  const sum = { mode: 'binary', alias: 'sum', binary: { left: 'cpu', operator: '+', right: 'mem' } };
  const made = (steps: readonly object[], frames: readonly Frame[]): unknown =>
    transform(frames, [...steps, { id: 'calculateField', options: sum }])
      .frames.flatMap(({ fields }) => fields)
      .find(({ asked }) => asked === 'sum')?.values;
  const table = (
    ref: string,
    hosts: readonly string[],
    name: string,
    values: readonly number[],
  ): TableFrame => ({
    ...{ shape: 'table', ref },
    columns: [
      { name: 'host', type: 'string', values: hosts },
      { name, type: 'number', values },
    ],
  });
  const two = readFrames([table('A', ['a', 'b'], 'cpu', [1, 2]), table('B', ['a', 'c'], 'mem', [4, 5])]);

  it('is one with 0 where there is a row', () =>
    expect(made([{ id: 'joinByField', options: { byField: 'host', mode: 'outerTabular' } }], two)).toEqual([
      5, 2, 5,
    ]));
  it.each([
    { id: 'joinByField', options: { byField: 'host' } },
    { id: 'merge', options: {} },
  ])('is none where there is no row: %j', (step) => expect(made([step], two)).toEqual([5, null, null]));
  it('is none of series at instants that only one of them has', () => {
    const series = (name: string, ...values: readonly (number | null)[]): SeriesFrame => ({
      ...{ shape: 'series', ref: 'A', times: [0, 1, 2] },
      series: [{ name, labels: {}, values }],
    });
    expect(made([], readFrames([series('cpu', 1, null, 3), series('mem', 4, 5, 6)]))).toEqual([5, null, 9]);
  });
});
