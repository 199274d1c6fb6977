import { expect, test } from 'vitest';
import type { Json } from '../api/governance';
import { scheduleDraftOf, scheduleOf, turnsIn } from './schedule';

test('a schedule of several layers is what it was after a look at it in the form', () => {
  const schedule: Readonly<Record<string, Json>> = {
    time_zone: 'Europe/Berlin',
    layers: [
      { name: 'week', people: ['ada', 'bob'], starts: '2026-01-05T09:00', every: 2, unit: 'week' },
      {
        name: 'weekend',
        people: [['eve', 'joe'], 'ada'],
        starts: '2026-01-05T00:00',
        every: 1,
        unit: 'day',
        ends: '2027-01-01T00:00',
        windows: [{ days: ['sat', 'sun'], start: '08:00', end: '20:00' }],
        time_zone: 'UTC',
      },
      { name: 'feed', calendar: 'BEGIN:VCALENDAR' },
    ],
    description: 'All of us',
  };
  expect(scheduleOf(scheduleDraftOf(schedule))).toEqual(schedule);
});

test('turns are lines, and commas part who are on call together', () => {
  expect(turnsIn('ada\n bob , eve\n\n,')).toEqual(['ada', ['bob', 'eve']]);
});
