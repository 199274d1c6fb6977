import { describe, expect, it } from 'vitest';
import { INK } from '../design/colors';
import { readStyle, type Written } from './htmlStyle';
import { contrast } from './palette';

const NOTHING: Written = { tag: 'div', style: null, align: null, color: null, classes: [] };

describe('the style of a text panel', () => {
  it.each<[Partial<Written>, object | undefined]>([
    [{ style: 'text-align: center; font-weight:bold' }, { textAlign: 'center', fontWeight: 'bold' }],
    [{ style: 'FONT-SIZE: 2em !important' }, { fontSize: 26, lineHeight: 1.3 }],
    [{ style: 'font-size: 4000px' }, { fontSize: 64, lineHeight: 1.3 }],
    [{ style: 'background: #102030' }, { backgroundColor: '#102030', color: '#ffffff' }],
    [{ align: 'right' }, { textAlign: 'right' }],
    [{ tag: 'center' }, { textAlign: 'center' }],
    [{ classes: ['dashboard-header', 'text-center'] }, { textAlign: 'center' }],
    [{ classes: ['constructor', 'toString'] }, undefined],
    // What could load, cover or hide is not there.
    [{ style: 'position: fixed; inset: 0; z-index: 99; display: none; opacity: 0' }, undefined],
    [{ style: 'background: url(https://example.org/x.png); color: var(--x)' }, undefined],
    [{ style: 'font-size: calc(1px * 9e9); text-align: expression(1)' }, undefined],
    [NOTHING, undefined],
  ])('%j is %j', (written, expected) =>
    expect(readStyle({ ...NOTHING, ...written }, 'dark')).toEqual(expected),
  );
  it.each(['dark', 'light'] as const)('has colours that can be read on a %s page', (scheme) => {
    for (const color of ['#000000', 'white', 'rgb(120, 120, 120)', 'orange']) {
      const ink = readStyle({ ...NOTHING, tag: 'font', color }, scheme)?.color;
      expect(contrast(ink ?? '', INK[scheme].panel)).toBeGreaterThanOrEqual(4.5);
    }
  });
});
