import { expect, test } from 'vitest';
import type { Frame } from '../frame';
import { configure } from '../overrides';
import { heatOf } from './cells';

const MINUTE = 60_000;

function series(values: readonly (number | null)[], labels: Record<string, string> = {}): Frame {
  return {
    fields: [
      { name: 'Time', type: 'time', values: values.map((_, i) => i * MINUTE) },
      { name: 'Value', type: 'number', values, labels },
    ],
  };
}

const SPREAD = configure([series([1, 11, 12]), series([2, 3, null])], {});

test('buckets are made by the size and the width that are asked for', () => {
  const calculation = {
    xBuckets: { mode: 'size', value: '2m' },
    yBuckets: { mode: 'size', value: '10' },
  };
  const heat = heatOf(SPREAD, { calculate: true, calculation });
  expect(heat?.times).toEqual([120, 240]);
  expect(heat?.lanes).toEqual(['0', '10']);
  expect(heat?.buckets.map(({ counts }) => counts)).toEqual([
    [3, 0],
    [1, 1],
  ]);
});

test('buckets are powers on a logarithmic axis', () => {
  const yBuckets = { scale: { type: 'log', log: 2 } };
  const heat = heatOf(SPREAD, { calculate: true, calculation: { yBuckets } });
  expect(heat?.lanes).toEqual(['1', '2', '4', '8']);
});

test('series that are hidden are in no bucket', () => {
  const hidden = { defaults: { custom: { hideFrom: { viz: true } } } };
  expect(heatOf(configure([series([1, 2])], hidden), { calculate: true })).toBeNull();
});

const GIVEN = configure([series([1, 5], { le: '1' }), series([2, 0], { le: '10' })], {});

test('cells are hidden by their counts, and what is empty says so', () => {
  const heat = heatOf(GIVEN, { filterValues: { le: 1, ge: 5 } });
  expect(heat?.buckets.map(({ counts }) => counts)).toEqual([
    [null, null],
    [2, 0],
  ]);
});

test('an axis that is turned over has the edges below its lanes where the buckets end', () => {
  const heat = heatOf(GIVEN, { yAxis: { reverse: true } });
  expect(heat?.buckets.map(({ upper }) => upper)).toEqual([10, 1]);
  expect(heat?.lanes).toEqual(['10', '1']);
});
