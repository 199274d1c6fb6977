import { describe, expect, it } from 'vitest';
import { lineDiff, nearby, unifiedLines, type Line } from './lines';

const SIGNS = { same: ' ', gone: '-', new: '+', 'left out': '…' };
const written = (lines: readonly Line[]): string[] => lines.map(({ kind, text }) => SIGNS[kind] + text);

describe('the lines that differ', () => {
  it.each([
    ['a\nb\nc\n', 'a\nx\nc\n', [' a', '-b', '+x', ' c']],
    ['', 'a\n', ['+a']],
    ['a\n', '', ['-a']],
    ['a\nb', 'b\na', ['-a', ' b', '+a']],
    ['a', 'a', [' a']],
  ])('from %j to %j', (before, after, lines) => expect(written(lineDiff(before, after))).toEqual(lines));
  it('stand with those around them', () => {
    const before = Array.from({ length: 20 }, (_, i) => `${i}`).join('\n');
    const lines = nearby(lineDiff(before, before.replace('10', 'x')), 1);
    expect(written(lines)).toEqual(['…9 lines', ' 9', '-10', '+x', ' 11', '…8 lines']);
  });
  it('are read from a patch', () =>
    expect(written(unifiedLines('--- a/r\n+++ b/r\n@@ -1,2 +3,2 @@\n a\n-b\n+c\n'))).toEqual([
      '…from line 3',
      ' a',
      '-b',
      '+c',
    ]));
});
