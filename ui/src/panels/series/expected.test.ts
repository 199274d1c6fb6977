import { describe, expect, it } from 'vitest';
import { putAt } from '../../dashboards/editing/put';
import { readFrames, type SeriesFrame } from '../answer';
import type { JsonObject } from '../json';
import { configure } from '../overrides';
import { drawingOf } from './columns';
import { EXPECTED, soleQuery, soleSeries } from './expected';

const LOOKS = { scheme: 'dark', clock: { nowMs: 0, utc: true } } as const;

const target = (more: JsonObject = {}): JsonObject => ({ refId: 'A', expr: 'up', ...more });

function drawn(count: number, custom: object, overrides: readonly object[] = []) {
  const frame: SeriesFrame = {
    ...{ shape: 'series', ref: 'A', times: { start: 0, step: 1000, count: 2 } },
    series: Array.from({ length: count }, (_, i) => ({
      ...{ name: `A${i}`, labels: { i: String(i) }, values: [1, 2] },
    })),
  };
  return drawingOf(configure(readFrames([frame]), { defaults: { custom }, overrides }), LOOKS);
}

describe('the query whose answer a panel shows', () => {
  const panel = { type: 'timeseries', transformations: [] };
  it.each<[string, readonly JsonObject[], string | undefined]>([
    ['alone', [target()], 'up'],
    ['beside a hidden one', [target(), target({ refId: 'B', hide: true })], 'up'],
    ['of two', [target(), target({ refId: 'B' })], undefined],
    ['at an instant', [target({ instant: true })], undefined],
    ['of lines', [target({ datasource: { type: 'loki' } })], undefined],
    ['none', [], undefined],
  ])('%s', (_, targets, expr) => expect(soleQuery({ ...panel, targets })).toBe(expr));
  it('is none where it is transformed, or drawn otherwise', () => {
    expect(soleQuery({ ...panel, targets: [target()], transformations: [{ id: 'reduce' }] })).toBeUndefined();
    expect(soleQuery({ ...panel, targets: [target()], type: 'stat' })).toBeUndefined();
  });
});

describe('the series whose band is drawn', () => {
  it('is one that is alone', () => {
    expect(soleSeries(drawn(1, {}))?.title).toBe('A0');
    expect(soleSeries(drawn(2, {}))).toBeUndefined();
    expect(soleSeries(drawn(0, {}))).toBeUndefined();
  });
  it('is none where the panel, or an override, says so', () => {
    expect(soleSeries(drawn(1, { expected: 'off' }))).toBeUndefined();
    const override = {
      matcher: { id: 'byName', options: 'A0' },
      properties: [{ id: 'custom.expected', value: 'off' }],
    };
    expect(soleSeries(drawn(1, {}, [override]))).toBeUndefined();
  });
  it('is none that is drawn upside down or in percent', () => {
    expect(soleSeries(drawn(1, { transform: 'negative-Y' }))).toBeUndefined();
    expect(soleSeries(drawn(1, { stacking: { mode: 'percent' } }))).toBeUndefined();
  });
  it('is switched off and on again without a trace in the JSON', () => {
    const config = { defaults: { unit: 's', custom: { lineWidth: 1 } }, overrides: [] };
    const off = putAt(config, `defaults.custom.${EXPECTED}`, 'off');
    expect(off).toEqual({
      defaults: { unit: 's', custom: { lineWidth: 1, expected: 'off' } },
      overrides: [],
    });
    expect(putAt(off, `defaults.custom.${EXPECTED}`, undefined)).toEqual(config);
  });
});
