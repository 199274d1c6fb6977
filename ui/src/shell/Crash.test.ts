import { describe, expect, it } from 'vitest';
import { isLost } from './Crash';

describe('a part of a page that did not arrive', () => {
  it.each([
    'Failed to fetch dynamically imported module: http://x/assets/a.js',
    'error loading dynamically imported module: http://x/assets/a.js',
    'Importing a module script failed.',
    'Unable to preload CSS for /assets/TargetsPage.css',
  ])('%s', (message) => expect(isLost(message)).toBe(true));
  it('is not the same as a fault of the page', () =>
    expect(isLost("Cannot read properties of undefined (reading 'x')")).toBe(false));
});
