import { describe, expect, it, test } from 'vitest';
import { faultOf, fits, matchersOf, readMatchers, readTexts, writeMatchers, writeTexts } from './matchers';

describe('what a silence is about', () => {
  it('is read and written as addresses carry it', () => {
    const matchers = [
      { name: 'alertname', op: '=', value: 'Do"wn' },
      { name: 'job', op: '!~', value: 'a|b' },
    ] as const;
    expect(readMatchers(writeMatchers(matchers))).toEqual(matchers);
    expect(readMatchers('nonsense')).toEqual([]);
  });

  it('fits alerts as matchers do, an absent label being an empty one', () => {
    const labels = { alertname: 'Down', job: 'api' };
    expect(fits(matchersOf(labels), labels)).toBe(true);
    expect(fits([{ name: 'job', op: '=~', value: 'ap' }], labels)).toBe(false);
    expect(fits([{ name: 'team', op: '!=', value: 'x' }], labels)).toBe(true);
    expect(fits([{ name: 'team', op: '=~', value: '.*' }], labels)).toBe(true);
  });

  it('is something, and can be read', () => {
    expect(faultOf([])).toMatch(/at least one label/);
    expect(faultOf([{ name: ' ', op: '=', value: 'x' }])).toMatch(/names a label/);
    expect(faultOf([{ name: 'a', op: '=~', value: '(' }])).toMatch(/not a regular expression/);
    expect(faultOf([{ name: 'a', op: '=~', value: '.*' }])).toMatch(/fit every alert/);
    expect(faultOf([{ name: 'a', op: '!=', value: 'x' }])).toMatch(/fit every alert/);
    expect(faultOf([{ name: 'a', op: '=', value: 'x' }])).toBeNull();
  });
});

test('matchers of definitions are read wholly or left as they are', () => {
  expect(readTexts(['service="db"', '{a="x", b=~"y|z"}', 'job!=api', 'a="1",b', 'c="\\n"'])).toEqual({
    matchers: [
      { name: 'service', op: '=', value: 'db' },
      { name: 'a', op: '=', value: 'x' },
      { name: 'b', op: '=~', value: 'y|z' },
      { name: 'job', op: '!=', value: 'api' },
    ],
    rest: ['a="1",b', 'c="\\n"'],
  });
  expect(
    writeTexts([
      { name: ' a ', op: '=', value: 'x"y' },
      { name: '', op: '=', value: '' },
    ]),
  ).toEqual(['a="x\\"y"']);
});
