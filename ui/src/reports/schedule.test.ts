import { expect, it } from 'vitest';
import { inWords, readTime, writeTime } from './schedule';

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
