import { describe, expect, it } from 'vitest';
import {
  againstTypical,
  costText,
  elapsedMs,
  endingText,
  lookOf,
  progressOf,
  scheduleText,
  signedTime,
  untilText,
} from './state';

const NOW = 1_000_000;
const RUN = {
  state: 'running',
  is_over: false,
  start_ms: NOW - 60_000,
  end_ms: null,
  duration_ms: 55_000,
  expected_end_ms: NOW + 120_000,
  progress: null,
  progress_from: '',
} as const;
const OVER = { ...RUN, state: 'failed', is_over: true, end_ms: NOW - 10_000, duration_ms: 50_000 } as const;

describe('when a run is over', () => {
  it.each([
    [RUN, 'in 2m'],
    [{ ...RUN, expected_end_ms: NOW + 400 }, 'now'],
    [{ ...RUN, expected_end_ms: NOW - 300_000 }, '5m late'],
    [{ ...RUN, expected_end_ms: null }, ''],
    [OVER, ''],
  ])('%j: %s', (run, text) => expect(endingText(run, NOW)).toBe(text));
  it('of what is past is told in the words of what it is', () =>
    expect([untilText(NOW - 5_000, NOW), untilText(NOW - 5_000, NOW, 'overdue')]).toEqual([
      '5 s ago',
      '5 s overdue',
    ]));
});

describe('how far a run is', () => {
  it.each([
    ['what the server says', { progress: 0.4, progress_from: 'steps' } as const, 0.4],
    ['within reason', { progress: 7, progress_from: 'told' } as const, 1],
    ['by the time of now, not of the answer', { progress: 0.1, progress_from: 'history' } as const, 1 / 3],
    ['never done by its time', { progress_from: 'history', expected_end_ms: NOW - 1 } as const, 0.99],
    ['all of it once it succeeded', { progress: 0.4, state: 'succeeded', is_over: true } as const, 1],
  ])('%s', (_, change, share) => expect(progressOf({ ...RUN, ...change }, NOW)).toBeCloseTo(share));
  it('is not known of what nothing is known of', () => expect(progressOf(RUN, NOW)).toBeNull());
});

describe('the time of a run', () => {
  it('goes on until it is over', () =>
    expect([elapsedMs(RUN, NOW), elapsedMs(OVER, NOW), elapsedMs({ ...RUN, start_ms: null }, NOW)]).toEqual([
      60_000,
      50_000,
      null,
    ]));
  it('is never below none, whatever clocks say', () =>
    expect(elapsedMs({ ...RUN, start_ms: NOW + 5_000 }, NOW)).toBe(0));
  it.each([
    [10_500, 10_000, 'as long as usual'],
    [31_000, 10_000, '3.1 × the usual 10 s'],
    [910_000, 10_000, '91 × the usual 10 s'],
    [15_000, 10_000, '50 % longer than the usual 10 s'],
    [5_000, 10_000, '50 % shorter than the usual 10 s'],
    [null, 10_000, ''],
    [5_000, null, ''],
  ])('%s against %s: %s', (ms, typical, text) => expect(againstTypical(ms, typical)).toBe(text));
  it.each([
    [0, 'same'],
    [1_500, '+1.5 s'],
    [-350, '−350 ms'],
  ])('%d ms more: %s', (ms, text) => expect(signedTime(ms)).toBe(text));
});

it.each([
  [{ every_ms: 86_400_000 }, 'every 24h'],
  [{ cron: '0 3 * * *' }, '0 3 * * *'],
  [{ cron: '0 3 * * *', timezone: 'Europe/Zurich' }, '0 3 * * * (Europe/Zurich)'],
  [null, ''],
])('%j runs %s', (schedule, text) => expect(scheduleText(schedule)).toBe(text));

it.each([
  [0.42, 'usd', '$0.42'],
  [0.0004, 'usd', '$0.00040'],
  [1234.5, 'credits', '1,234.5 credits'],
  [3, '', '3'],
  [null, 'usd', ''],
])('%s %s costs %s', (cost, unit, text) => expect(costText(cost, unit)).toBe(text));

it('a state that nobody knows is shown by its own name', () =>
  expect(lookOf('hibernating')).toEqual({ name: 'hibernating', status: 'unknown' }));
