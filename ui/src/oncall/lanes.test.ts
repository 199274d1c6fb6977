import { describe, expect, it } from 'vitest';
import type { Shift } from '../api/oncall';
import { barsOf, daysBetween, gapsOf, hueOf, namesIn, nextMonday } from './lanes';

const DAY = 86_400_000;

function shift(start: number, end: number, people = ['ada']): Shift {
  return {
    start: new Date(start).toISOString(),
    end: new Date(end).toISOString(),
    people,
    source: 'rotation',
    instead_of: [],
  };
}

describe('shifts on a line of time', () => {
  it('lie where they are, cut at the ends of the line', () => {
    const bars = barsOf([shift(-DAY, DAY), shift(DAY, 2 * DAY), shift(9 * DAY, 10 * DAY)], 0, 4 * DAY);
    expect(bars.map(({ left, width }) => [left, width])).toEqual([
      [0, 25],
      [25, 25],
    ]);
    expect(
      gapsOf([{ start: new Date(0).toISOString(), end: new Date(DAY).toISOString() }], 0, DAY),
    ).toHaveLength(1);
  });

  it('are read by days', () => {
    expect(daysBetween(DAY / 2, 3 * DAY, true)).toEqual([DAY, 2 * DAY, 3 * DAY]);
  });

  it('have a colour for each person that does not depend on others', () => {
    expect(hueOf('ada')).toBe(hueOf('ada'));
    expect(hueOf('ada')).toBeLessThan(12);
  });

  it('are made of names as people type them', () => {
    expect(namesIn('ada, grace\n\n joan ,ada')).toEqual(['ada', 'grace', 'joan']);
    expect(nextMonday(Date.parse('2026-11-26T12:00:00Z'))).toBe('2026-11-23T09:00:00');
  });
});
