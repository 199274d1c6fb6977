import { describe, expect, it } from 'vitest';
import { browserOf, refusalIn, secondsLeft } from './signs';

describe('a wait', () => {
  it.each([
    [0, 30],
    [29_001, 1],
    [30_000, 0],
    [99_000, 0],
  ])('%d ms after it began has %d s left of 30', (later, left) =>
    expect(secondsLeft(1_000, 30, 1_000 + later)).toBe(left),
  );
});

describe('a refusal in the address', () => {
  it('is read', () => expect(refusalIn('#error=the%20provider%20said%20no')).toBe('the provider said no'));
  it('is cut', () => expect(refusalIn(`#error=${'x'.repeat(10_000)}`)).toHaveLength(300));
  it.each(['', '#', '#error=', '#other=1'])('is not in %j', (hash) => expect(refusalIn(hash)).toBeNull());
});

describe('a browser', () => {
  it.each([
    ['Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0', 'Firefox on Linux'],
    [
      'Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/142.0 Safari/537.36 Edg/142.0',
      'Edge on Windows',
    ],
    ['Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Safari/604.1', 'Safari on iOS'],
    ['curl/8.5.0', 'curl'],
    ['', 'unknown'],
  ])('%j is %s', (agent, name) => expect(browserOf(agent)).toBe(name));
});
