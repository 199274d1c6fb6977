import { expect, test } from 'vitest';
import type { MaintenanceWindow } from '../api/holds';
import { sheetOf, sortWindows, standingOf } from './sheet';

const NOW = Date.UTC(2026, 10, 25, 12);

function made(name: string, ...spans: readonly (readonly [string, string])[]): MaintenanceWindow {
  const occurrences = spans.map(([starts, ends]) => ({ starts, ends }));
  const [next = null] = occurrences;
  return {
    name,
    starts: '2026-01-01T00:00',
    ends: '2026-01-01T01:00',
    zone: 'UTC',
    repeats: '',
    without: [],
    matchers: ['job="db"'],
    reason: 'Updates',
    version: 1,
    by: 'ada',
    at: '2026-01-01T00:00:00Z',
    is_open: next !== null && Date.parse(next.starts) <= NOW,
    next,
    occurrences,
  };
}

test('a window is on every day that it touches, from today on', () => {
  const long = made('long', ['2026-11-24T22:00:00Z', '2026-11-27T00:00:00Z']);
  const [week = []] = sheetOf([long], NOW, 2, true);
  expect(week.map(({ entries }) => entries.length)).toEqual([0, 0, 1, 1, 0, 0, 0]);
  expect(week.map(({ isGone }) => isGone)).toEqual([true, true, false, false, false, false, false]);
  expect(week[2]?.entries[0]?.goesOn).toBe(true);
});

test('what is now comes first, what is over last', () => {
  const windows = [
    made('over'),
    made('later', ['2026-12-24T22:00:00Z', '2026-12-25T00:00:00Z']),
    made('soon', ['2026-11-26T22:00:00Z', '2026-11-27T00:00:00Z']),
    made('now', ['2026-11-25T11:00:00Z', '2026-11-25T13:00:00Z']),
  ];
  expect(sortWindows(windows, '').map(({ name }) => name)).toEqual(['now', 'soon', 'later', 'over']);
  expect(windows.map(standingOf)).toEqual(['past', 'upcoming', 'upcoming', 'now']);
  expect(sortWindows(windows, 'LATER db').map(({ name }) => name)).toEqual(['later']);
});
