import { expect, it } from 'vitest';
import { exportPath } from './path';

const TIMES = { fromMs: 1_000_500, toMs: 2_000_000 };

it('asks for a graph with its step, for a table at its time', () => {
  const metrics = { signal: 'metrics', query: 'up{a="b"}', ...TIMES } as const;
  expect(exportPath({ ...metrics, stepS: 15 }, 'csv')).toBe(
    '/api/export/metrics?query=up%7Ba%3D%22b%22%7D&start=1000.5&end=2000&step=15&format=csv',
  );
  expect(exportPath(metrics, 'parquet')).toContain('time=2000&format=parquet');
});

it('asks for lines and traces over their time', () =>
  expect(exportPath({ signal: 'logs', query: '', ...TIMES }, 'csv')).toBe(
    '/api/export/logs?query=&start=1000.5&end=2000&format=csv',
  ));
