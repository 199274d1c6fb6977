import { describe, expect, it } from 'vitest';
import { tokens, type CodeLanguage } from './code';

describe('a line of code', () => {
  it.each<[CodeLanguage, string]>([
    ['json', '{"a": [1, -2.5e3, "x\\"y", true]}'],
    ['yaml', '  - job_name: "x" # comment'],
    ['promql', 'sum by (job) (rate(up{a=~"b.*"}[5m])) # c'],
    ['shell', 'curl -F "a=b" $HOST'],
    ['python', 'def f(): return "x"'],
    ['text', 'anything'],
    ['json', ''],
  ])('of %s is cut without loss: %s', (language, line) =>
    expect(
      tokens(line, language)
        .map((token) => token.text)
        .join(''),
    ).toBe(line),
  );
  it('has its keys told from its strings', () =>
    expect(tokens('{"a": "b"}', 'json').filter((token) => token.kind !== 'plain')).toEqual([
      { kind: 'key', text: '"a"' },
      { kind: 'string', text: '"b"' },
    ]));
  it('has no comment in a string', () =>
    expect(tokens('up{a="#"}', 'promql').some((token) => token.kind === 'comment')).toBe(false));
});
