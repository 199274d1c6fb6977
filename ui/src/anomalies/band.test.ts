import { expect, it } from 'vitest';
import type { AnomalyPoints } from '../api/anomalies';
import { bandPaths } from './band';

const POINTS: AnomalyPoints = {
  times_ms: [0, 1, 2, 3],
  values: [1, 1, null, 5],
  lower: [0, 0, 0, 0],
  upper: [2, 2, 2, 2],
  scores: [0, 0, 0, 0.9],
};

it('draws the line with its gap, and the band behind it', () => {
  const paths = bandPaths(POINTS, 30, 13);
  expect(paths.line).toBe('M0 9.5L10 9.5M30 1.5');
  expect(paths.band.startsWith('M0 7.5L10 7.5')).toBe(true);
  expect(paths.band.endsWith('L0 11.5Z')).toBe(true);
  expect(paths.last).toEqual({ x: 30, y: 1.5 });
});

it('draws nothing of nothing', () =>
  expect(bandPaths({ ...POINTS, values: [null, null, null, null] }, 30, 13)).toEqual({
    line: '',
    band: '',
    last: null,
  }));

it('keeps the line tall where the band is far wider', () => {
  const paths = bandPaths({ ...POINTS, upper: [1e9, 1e9, 1e9, 1e9] }, 30, 13);
  expect(paths.last).toEqual({ x: 30, y: 1.5 });
});
