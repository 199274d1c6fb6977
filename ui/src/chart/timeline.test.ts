import { describe, expect, it } from 'vitest';
import { placeBar } from './timeline';

const AXIS = { fromMs: 1000, toMs: 2000 };

describe('a bar on an axis', () => {
  it('stands where its time is', () =>
    expect(placeBar({ fromMs: 1250, toMs: 1500 }, AXIS)).toMatchObject({
      left: 25,
      width: 25,
      cutLeft: false,
    }));
  it('is cut at the ends', () =>
    expect(placeBar({ fromMs: 0, toMs: 5000 }, AXIS)).toEqual({
      left: 0,
      width: 100,
      cutLeft: true,
      cutRight: true,
    }));
  it('goes on to the end while it is not over', () =>
    expect(placeBar({ fromMs: 1500, toMs: null }, AXIS)).toMatchObject({
      left: 50,
      width: 50,
      cutRight: true,
    }));
  it('outside is not shown', () => {
    expect(placeBar({ fromMs: 0, toMs: 999 }, AXIS)).toBeNull();
    expect(placeBar({ fromMs: 2001, toMs: null }, AXIS)).toBeNull();
  });
});
