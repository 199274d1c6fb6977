import { expect, it } from 'vitest';
import { inWords, readTime, SHOWS, showsOf, writeTime } from './schedule';

it('says when a report is sent', () => {
  const at = { weekday: 0, hour: 8, minute: 5, zone: 'UTC' };
  expect(inWords({ ...at, every: 'week' })).toBe('every week on Monday at 08:05, UTC');
  expect(inWords({ ...at, every: 'day' })).toBe('every day at 08:05, UTC');
});

it.each(['8:30', '08:30', ' 23:59 '])('takes %s for a time', (text) => expect(readTime(text)).not.toBeNull());

it.each(['', '24:00', '8', '08:60', '8:3', '-1:00', 'noon'])('takes %s for none', (text) =>
  expect(readTime(text)).toBeNull(),
);

it('writes a time as it is read', () =>
  expect(writeTime(readTime('7:05') ?? { hour: 0, minute: 0 })).toBe('07:05'));

it('offers what a report shows by now beside the usual lengths', () => {
  expect(showsOf(null)).toBe(SHOWS);
  expect(showsOf({ start: 'now-7d', end: 'now' })).toBe(SHOWS);
  expect(showsOf({ start: 'now-15m', end: 'now' }).at(-1)).toEqual({
    value: 'now-15m',
    label: 'now-15m to now',
  });
});
