import { describe, expect, it } from 'vitest';
import { besideOf, nameRoom } from './legendRoom';

describe('a legend beside a chart', () => {
  it.each([
    [380, 0, false],
    [390, 2, true],
    [500, 3, false],
    [640, 4, true],
  ])('of a panel of %d pixels with %d columns of figures: %s', (width, figures, expected) =>
    expect(besideOf(width, figures)).toBe(expected),
  );

  it.each([
    [600, 0, 300],
    [600, 2, 150],
    [640, 4, 80],
  ])('of a panel of %d pixels with %d columns leaves names %d', (width, figures, expected) =>
    expect(nameRoom(width, figures)).toBe(expected),
  );
});
