import { describe, expect, it } from 'vitest';
import type { PlainGroup } from '../api/rules';
import { blankGroup, draftOf, faultOf, plainOf, shortened, writeGroup } from './draft';

const GROUP: PlainGroup = {
  name: 'checkout',
  interval: '90000ms',
  limit: 5,
  rules: [
    {
      alert: 'Slow',
      expr: 'a > 1\n  and b',
      for: '300000ms',
      labels: { severity: 'page', on: 'yes' },
      annotations: { summary: 'It is <b>slow</b>: "now"', more: 'one\ntwo' },
    },
    { record: 'job:a:sum', expr: 'sum(a)' },
  ],
};

describe('a draft of a group', () => {
  it('becomes the same group, with durations as a person writes them', () =>
    expect(plainOf(draftOf('own', GROUP))).toEqual({
      ...GROUP,
      interval: '1m30s',
      rules: [{ ...GROUP.rules[0], for: '5m' }, GROUP.rules[1]],
    }));
  it('stays in the language in which it is written', () => {
    const spans: PlainGroup = { ...GROUP, language: 'traceql' };
    expect(plainOf(draftOf('own', spans)).language).toBe('traceql');
    expect(writeGroup(spans)).toContain('  language: traceql\n  rules:\n');
  });
  it('leaves out what was not filled in', () => {
    expect(blankGroup('up > 0').rules[0]?.expr).toBe('up > 0');
    const [rule] = plainOf({ ...blankGroup(), name: ' g ' }).rules;
    expect(rule).toEqual({ alert: '', expr: '', for: '5m', labels: { severity: 'warning' } });
  });
  it.each([
    ['5000ms', '5s'],
    ['1h', '1h'],
    [undefined, ''],
  ])('writes the duration %s as %s', (text, said) => expect(shortened(text)).toBe(said));
});

describe('what is wrong with a draft', () => {
  const good = draftOf('own', GROUP);
  it('is nothing where all is there', () => expect(faultOf(good)).toBeNull());
  it.each([
    [{ name: ' ' }, 'The group needs a name.'],
    [{ namespace: '' }, 'The group needs a namespace.'],
    [{ rules: [] }, 'The group needs a rule.'],
    [{ rules: good.rules.map((rule) => ({ ...rule, expr: '' })) }, 'Rule 1 needs an expression.'],
  ])('is named: %j', (change, fault) => expect(faultOf({ ...good, ...change })).toBe(fault));
  it('is a label that stands twice', () => {
    const labels = [1, 2].map((value) => ({ name: 'a', value: String(value) }));
    const rules = good.rules.map((rule) => ({ ...rule, labels }));
    expect(faultOf({ ...good, rules })).toContain('“a” twice');
  });
});

describe('the text of a group', () => {
  it('is YAML that says what strange values are', () =>
    expect(writeGroup(plainOf(draftOf('own', GROUP)))).toBe(
      [
        '- name: checkout',
        '  interval: 1m30s',
        '  limit: 5',
        '  rules:',
        '    - alert: Slow',
        '      expr: |-',
        '        a > 1',
        '          and b',
        '      for: 5m',
        '      labels:',
        '        severity: page',
        '        "on": "yes"',
        '      annotations:',
        '        summary: "It is <b>slow</b>: \\"now\\""',
        '        more: |-',
        '          one',
        '          two',
        '    - record: job:a:sum',
        '      expr: sum(a)',
        '',
      ].join('\n'),
    ));
  it('is nothing of no group', () => expect(writeGroup(null)).toBe(''));
});
