import { describe, expect, it } from 'vitest';
import { selectorOf, type About } from '../api/related';
import { readAbout, writeAbout } from './about';

const ABOUTS: readonly About[] = [
  { kind: 'line', origin: '17302947362514', tsNs: '1768478420000000001' },
  { kind: 'span', traceId: 'ab'.repeat(16), spanId: '0123456789abcdef' },
  { kind: 'span', traceId: 'ab'.repeat(16), spanId: '' },
  { kind: 'alert', fingerprint: '0123456789abcdef' },
  { kind: 'series', expr: 'up', labels: {}, atMs: 1_768_478_420_000 },
  {
    kind: 'series',
    expr: 'sum by (path) (rate(x{a="}:"}[5m]))',
    labels: { path: '/a}:{"b":1}:', job: 'a"b\n' },
    atMs: 1_768_478_420_000,
  },
];

describe('what the panel is about', () => {
  it.each(ABOUTS.map((about) => [writeAbout(about), about] as const))('is read back from %s', (text, about) =>
    expect(readAbout(text)).toEqual(about),
  );
  it.each([
    undefined,
    '',
    'line:1',
    'line:x:1',
    'span:../x:',
    'alert:"',
    'series:1:{}:',
    'series:1:[1]:up',
    'series:1:{"a":1}:up',
    'series:x:{}:up',
  ])('is nothing for %s', (text) => expect(readAbout(text)).toBeNull());
});

describe('a selector', () => {
  it('names all labels but the name of the metric', () =>
    expect(selectorOf({ __name__: 'up', job: 'a"b', 'a.b': 'c' })).toBe('{job="a\\"b","a.b"="c"}'));
  it('of no labels is empty', () => expect(selectorOf({})).toBe('{}'));
});
