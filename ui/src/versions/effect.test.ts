import { describe, expect, it } from 'vitest';
import { effectWords, percent, placesOf, reachOf } from './effect';

describe('an effect', () => {
  it.each([
    [1.1, '+10.0 %'],
    [0.75, '−25.0 %'],
    [1, '0 %'],
    [1.0123, '+1.23 %'],
    [3, '+200 %'],
  ])('of %d is written as %s', (ratio, text) => expect(percent(ratio)).toBe(text));
  it('is told with its interval, as far as that ends', () => {
    expect(effectWords({ effect: 1.1, low: 1.05, high: 1.2 })).toBe('+10.0 % (+5.00 % to +20.0 %)');
    expect(effectWords({ effect: null, low: 2, high: null })).toBe('+100 % to no limit');
    expect(effectWords({ effect: null, low: null, high: null })).toBe('not known yet');
  });
  it('has its place on a line whose middle is no change', () => {
    const places = placesOf({ effect: 1, low: 0.5, high: 2 }, 2);
    expect(places).toEqual({ low: 0, high: 100, effect: 50, openLow: false, openHigh: false });
    expect(placesOf({ effect: 4, low: 0, high: null }, 2)).toEqual({
      low: 0,
      high: 100,
      effect: 100,
      openLow: true,
      openHigh: true,
    });
    expect(placesOf({ effect: null, low: null, high: null }, 2)).toBeNull();
  });
  it('has room on the line', () => {
    expect(reachOf([])).toBe(1.1);
    expect(reachOf([{ effect: 1.2, low: 0.6, high: 1.3 }])).toBe(2);
    expect(reachOf([{ effect: 5_000, low: null, high: null }])).toBe(100);
  });
});
