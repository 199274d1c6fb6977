import { describe, expect, it } from 'vitest';
import type { PastRun, Typical } from '../api/runs';
import { byVersion, layHistory, rankOf } from './history';

function past(id: string, ms: number | null): PastRun {
  return { run_id: id, state: 'succeeded', start_ms: 0, duration_ms: ms, input_size: null, version: '' };
}

const TYPICAL: Typical = {
  runs: 9,
  duration_p50_ms: 100,
  duration_p95_ms: 200,
  success_rate: 1,
  cost_p50: null,
  by_size: false,
};

describe('a run among those before it', () => {
  it('stands last, the earliest first', () => {
    const { bars } = layHistory([past('new', 10), past('old', 20)], past('own', 5), TYPICAL);
    expect(bars.map(({ runId }) => runId)).toEqual(['old', 'new', 'own']);
    expect(bars.map(({ isOwn }) => isOwn)).toEqual([false, false, true]);
  });
  it('is measured by what is usual, not by one that never ended', () => {
    const { topMs, bars, median } = layHistory([past('a', 1e9), past('b', 90)], past('own', 120), TYPICAL);
    expect(topMs).toBeCloseTo(1_080);
    expect(bars[1]?.height).toBe(1);
    expect(median).toBeCloseTo(100 / 1_080);
  });
  it('has heights where nothing is known', () =>
    expect(layHistory([], past('own', null), null)).toMatchObject({
      topMs: 1,
      median: null,
      bars: [{ height: 0 }],
    }));
  it.each([
    [120, 1],
    [50, 0.5],
    [null, null],
  ])('%s stands at %s', (ms, rank) =>
    expect(rankOf(ms, [past('a', 10), past('b', 100), past('c', null)])).toBe(rank),
  );
});

it('versions are told apart, the newest first', () => {
  const of = (version: string, ms: number, state: PastRun['state'] = 'succeeded'): PastRun => ({
    ...past(`${version} ${ms}`, ms),
    version,
    state,
  });
  expect(byVersion([of('2', 30), of('2', 10, 'failed'), of('1', 20), of('2', 50)])).toEqual([
    { version: '2', runs: 3, successRate: 2 / 3, medianMs: 50 },
    { version: '1', runs: 1, successRate: 1, medianMs: 20 },
  ]);
});
