import { describe, expect, it } from 'vitest';
import { pieces, quotedParts, visibleText } from './value';

describe('a value', () => {
  it.each([
    ['plain text', 'plain text'],
    ['', ''],
    ['gpj.\u202eexe', 'gpj.\\u202eexe'],
    ['\u2066isolated\u2069', '\\u2066isolated\\u2069'],
    ['zero\u200bwidth\ufeff', 'zero\\u200bwidth\\ufeff'],
    ['soft\u00adhyphen', 'soft\\u00adhyphen'],
    ['bell\u0007', 'bell\\u0007'],
    ['a\tb', 'a\\tb'],
    ['one\ntwo\r\nthree\rfour', 'one↵two↵three↵four'],
    ['line\u2028separator', 'line\\u2028separator'],
    ['tag\u{e0041}', 'tag\\u{e0041}'],
    ['half \ud83d', 'half \\ud83d'],
    ['filler\u3164', 'filler\\u3164'],
    ['joined\u200dletters', 'joined\\u200dletters'],
  ])('%j is shown as %j', (text, shown) => expect(visibleText(text)).toBe(shown));
  it.each(['👩‍👩‍👧‍👦 family', '❤️ heart', '🏳️‍🌈 flag', '👍🏽', '🇩🇪', '1️⃣', '日本語', 'שלום', 'naïve'])(
    '%s stays itself',
    (text) => expect(visibleText(text)).toBe(text),
  );
  it('tells what was written out from what was there', () =>
    expect(pieces('a\u202eb\n')).toEqual([
      { kind: 'text', text: 'a' },
      { kind: 'hidden', text: '\\u202e' },
      { kind: 'text', text: 'b' },
      { kind: 'newline', text: '↵' },
    ]));
});

describe('an expression', () => {
  it.each(['up{a="x", b="say \\"hi\\"}"}', 'no quotes', '"', '{a=""}'])('%j is cut without loss', (text) =>
    expect(quotedParts(text).join('')).toBe(text),
  );
  it('has its quoted values apart', () =>
    expect(quotedParts('{a="x", b="y"}')).toEqual(['{a="', 'x', '", b="', 'y', '"}']));
});
