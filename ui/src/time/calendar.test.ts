import { describe, expect, it } from 'vitest';
import { addMonths, dayAfterKey, dayOf, monthSheet, writeDay } from './calendar';

const day = (text: string): number => Date.parse(`${text}T00:00:00Z`);

describe('a month', () => {
  it('begins on a Monday and has six weeks', () => {
    const sheet = monthSheet(day('2026-11-21'));
    expect(sheet).toHaveLength(6);
    expect(writeDay(sheet[0]?.[0] ?? 0)).toBe('2026-10-26');
    expect(writeDay(sheet[5]?.[6] ?? 0)).toBe('2026-12-06');
  });
  it('that begins on a Monday begins there', () =>
    expect(writeDay(monthSheet(day('2026-06-15'))[0]?.[0] ?? 0)).toBe('2026-06-01'));
});

describe('days', () => {
  it.each([
    ['ArrowLeft', '2026-02-28'],
    ['ArrowDown', '2026-03-08'],
    ['Home', '2026-02-23'],
    ['End', '2026-03-01'],
    ['PageUp', '2026-02-01'],
    ['PageDown', '2026-04-01'],
  ])('%s from the first of March leads to %s', (key, expected) =>
    expect(writeDay(dayAfterKey(key, day('2026-03-01')) ?? 0)).toBe(expected),
  );
  it('that a month has not are its last', () =>
    expect(writeDay(addMonths(day('2026-01-31'), 1))).toBe('2026-02-28'));
  it('are those of the zone', () =>
    expect(writeDay(dayOf(Date.parse('2026-11-21T23:30:00Z'), true))).toBe('2026-11-21'));
  it('stay where they are for other keys', () => expect(dayAfterKey('x', 0)).toBeNull());
});
