import { describe, expect, it } from 'vitest';
import { formatInstant } from '../design/format';
import {
  absolute,
  alignGrid,
  chooseStep,
  describeRange,
  formatDuration,
  isLive,
  parseDuration,
  parseTime,
  readRange,
  resolveRange,
  shift,
  widen,
} from './range';

const NOW = Date.UTC(2026, 10, 21, 14, 30, 0);

describe('durations', () => {
  it.each([
    ['15s', 15_000],
    ['1h30m', 5_400_000],
    ['500ms', 500],
    ['2d', 172_800_000],
    ['1w', 604_800_000],
    ['', null],
    ['5', null],
    ['5x', null],
    ['h5', null],
  ])('%s is %s ms', (text, ms) => expect(parseDuration(text)).toBe(ms));

  it.each([15_000, 5_400_000, 500, 172_800_000, 86_400_000 + 61_001])('%d survives a round trip', (ms) =>
    expect(parseDuration(formatDuration(ms))).toBe(ms),
  );
});

describe('times', () => {
  it.each([
    ['now', NOW],
    ['now-1h', NOW - 3_600_000],
    ['now - 1h30m', NOW - 5_400_000],
    ['now+5m', NOW + 300_000],
    ['now/d', Date.UTC(2026, 10, 21)],
    ['now-1d/d', Date.UTC(2026, 10, 20)],
    ['now-1h-20m', NOW - 4_800_000],
    ['now/d+8h', Date.UTC(2026, 10, 21, 8)],
    ['now/w', Date.UTC(2026, 10, 16)],
    ['now-1M/M', Date.UTC(2026, 9, 1)],
    ['now/Q', Date.UTC(2026, 9, 1)],
    ['now/y', Date.UTC(2026, 0, 1)],
    ['now/h', Date.UTC(2026, 10, 21, 14)],
    ['now+9d-9M', Date.UTC(2026, 1, 28, 14, 30)],
    ['now-1y', Date.UTC(2025, 10, 21, 14, 30)],
    ['now/x', null],
    ['now-1h/', null],
    ['nowadays', null],
    ['2026-11-21', Date.UTC(2026, 10, 21)],
    ['2026-11-21 09:05', Date.UTC(2026, 10, 21, 9, 5)],
    ['2026-11-21T09:05:07.25Z', Date.UTC(2026, 10, 21, 9, 5, 7, 250)],
    ['2026-11-21T09:05:00+01:00', Date.UTC(2026, 10, 21, 8, 5)],
    ['1795271400', 1_795_271_400_000],
    ['1795271400000', 1_795_271_400_000],
    ['yesterday', null],
    ['now-', null],
    ['now-5x', null],
    ['2026-02-30', null],
    ['2026-13-01', null],
    ['', null],
  ])('%s', (text, ms) => expect(parseTime(text, NOW, true)).toBe(ms));

  it('reads a calendar time without a zone as local when asked to', () =>
    expect(parseTime('2026-11-21 09:05', NOW, false)).toBe(new Date(2026, 10, 21, 9, 5).getTime()));
});

describe('ends', () => {
  it.each([
    ['now', NOW],
    ['now/d', Date.UTC(2026, 10, 22) - 1],
    ['now-1d/d', Date.UTC(2026, 10, 21) - 1],
    ['now/w', Date.UTC(2026, 10, 23) - 1],
    ['now/M', Date.UTC(2026, 11, 1) - 1],
    ['now/Q', Date.UTC(2027, 0, 1) - 1],
    ['now/y', Date.UTC(2027, 0, 1) - 1],
    ['now/m', NOW + 59_999],
    ['2026-11-21', Date.UTC(2026, 10, 21)],
  ])('%s', (text, ms) => expect(parseTime(text, NOW, true, true)).toBe(ms));

  it('are local where the zone is', () =>
    expect(parseTime('now/d', NOW, false, true)).toBe(
      new Date(2026, 10, new Date(NOW).getDate() + 1).getTime() - 1,
    ));
});

describe('ranges', () => {
  it('may be one day, as Grafana writes it', () =>
    expect(resolveRange({ from: 'now/d', to: 'now/d' }, NOW, true)).toEqual({
      fromMs: Date.UTC(2026, 10, 21),
      toMs: Date.UTC(2026, 10, 22) - 1,
    }));
  it('resolves both ends', () =>
    expect(resolveRange({ from: 'now-1h', to: 'now' }, NOW, true)).toEqual({
      fromMs: NOW - 3_600_000,
      toMs: NOW,
    }));
  it('says which end is wrong', () => {
    expect(resolveRange({ from: 'soon', to: 'now' }, NOW, true)).toContain('soon');
    expect(resolveRange({ from: 'now', to: 'later' }, NOW, true)).toContain('later');
  });
  it('refuses a range that runs backwards', () =>
    expect(resolveRange({ from: 'now', to: 'now-1h' }, NOW, true)).toContain('before'));
  it('refuses what no clock of a server has', () =>
    expect(resolveRange({ from: 'now-100y', to: 'now' }, NOW, true)).toContain('1970'));
  it('knows a live range', () => {
    expect(isLive({ from: 'now-1h', to: 'now' })).toBe(true);
    expect(isLive({ from: 'now-1h', to: '2026-11-21' })).toBe(false);
  });
  it('writes absolute ends that parse back', () => {
    const range = absolute(NOW - 90_000, NOW);
    expect(resolveRange(range, 0, false)).toEqual({ fromMs: NOW - 90_000, toMs: NOW });
  });
  it('never makes an empty absolute range', () =>
    expect(typeof resolveRange(absolute(NOW, NOW + 3), 0, true)).toBe('object'));
  it('widens around the middle, not into the future', () => {
    expect(resolveRange(widen({ fromMs: NOW - 60_000, toMs: NOW }, NOW), 0, true)).toEqual({
      fromMs: NOW - 120_000,
      toMs: NOW,
    });
  });
  it('shifts by half a width', () =>
    expect(resolveRange(shift({ fromMs: NOW - 60_000, toMs: NOW }, -1), 0, true)).toEqual({
      fromMs: NOW - 90_000,
      toMs: NOW - 30_000,
    }));
  it('names ranges', () => {
    expect(describeRange({ from: 'now-1h', to: 'now' }, true, formatInstant)).toBe('Last hour');
    expect(describeRange({ from: 'now-90s', to: 'now' }, true, formatInstant)).toBe('Last 90s');
    expect(describeRange({ from: 'now-1M/M', to: 'now-1M/M' }, true, formatInstant)).toBe('Previous month');
    expect(describeRange({ from: 'now-1M/M', to: 'now/M' }, true, formatInstant)).toBe('now-1M/M to now/M');
    expect(describeRange(absolute(NOW - 60_000, NOW), true, formatInstant)).toBe(
      '2026-11-21 14:29:00 to 2026-11-21 14:30:00',
    );
  });
});

describe('steps', () => {
  it.each([
    [3_600_000, 360, 10],
    [3_600_000, 700, 10],
    [60_000, 700, 1],
    [86_400_000, 700, 300],
    [30 * 86_400_000, 700, 7200],
  ])('%d ms in %d points', (span, points, step) => expect(chooseStep(span, points)).toBe(step));
  it('keeps the least step', () => expect(chooseStep(60_000, 700, 5)).toBe(5));
  it('asks for the same instants a moment later', () => {
    const first = alignGrid({ fromMs: NOW - 3_600_000, toMs: NOW }, 15);
    const second = alignGrid({ fromMs: NOW - 3_600_000 + 3_000, toMs: NOW + 3_000 }, 15);
    expect(second.end).toBe(first.end);
    expect((second.start - first.start) % 15).toBe(0);
  });
});

describe('what people write', () => {
  it.each([
    ['3h', 'now', 'now-3h', 'now'],
    [' last 90m', 'now', 'now-90m', 'now'],
    ['1h 30m', 'now', 'now-1h30m', 'now'],
    ['2h ago', '30m ago', 'now-2h', 'now-30m'],
    ['yesterday', 'now', 'now-1d/d', 'now-1d/d'],
    ['Today', 'now', 'now/d', 'now'],
    ['3h', '2026-11-21 12:00', '2026-11-21T09:00:00Z', '2026-11-21T12:00:00Z'],
    ['now-1h', 'now', 'now-1h', 'now'],
    ['soon', 'now', 'soon', 'now'],
    ['never ago', 'now', 'never ago', 'now'],
    ['3h', 'soon', '3h', 'soon'],
    ['0s', 'now', '0s', 'now'],
  ])('from %s to %s is %s to %s', (from, to, meantFrom, meantTo) =>
    expect(readRange({ from, to }, NOW, true)).toEqual({ from: meantFrom, to: meantTo }),
  );
  it.each([
    ['14:00', NOW - 1_800_000],
    ['9:05', Date.UTC(2026, 10, 21, 9, 5)],
    ['25:00', null],
    ['14:60', null],
  ])('%s is a time of today', (text, ms) => expect(parseTime(text, NOW, true)).toBe(ms));
});
