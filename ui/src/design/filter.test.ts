import { describe, expect, it } from 'vitest';
import {
  holdsWords,
  labelNames,
  meets,
  parseFilter,
  parseFilters,
  writeFilter,
  writeFilters,
  type Filter,
} from './filter';

describe('a condition', () => {
  it.each<[string, Filter | null]>([
    ['job=api', { name: 'job', operator: '=', value: 'api' }],
    [' job != "a b" ', { name: 'job', operator: '!=', value: 'a b' }],
    ['path=~/api/.*', { name: 'path', operator: '=~', value: '/api/.*' }],
    ['k8s.pod.name!~"x\\"y"', { name: 'k8s.pod.name', operator: '!~', value: 'x"y' }],
    ['two words', null],
    ['job=', null],
    ['=x', null],
  ])('%j is read as %j', (text, filter) => expect(parseFilter(text)).toEqual(filter));
  it.each(['a"b', 'back\\slash', 'new\nline', '\u202e'])(
    'with the value %j comes back as it was',
    (value) => {
      const filter: Filter = { name: 'x', operator: '=~', value };
      expect(parseFilter(writeFilter(filter))).toEqual(filter);
    },
  );
  it.each<[string, boolean]>([
    ['job=api', true],
    ['job=ap', false],
    ['job=~ap.*', true],
    ['job=~ap', false],
    ['job!~x', true],
    ['zone!=x', true],
    ['job=~(', false],
  ])('%s is met by job=api: %s', (text, met) => {
    const filter = parseFilter(text);
    expect(filter !== null && meets({ job: 'api' }, filter)).toBe(met);
  });
});

describe('a list of conditions', () => {
  it('comes back as it was, whatever its values hold', () => {
    const filters: Filter[] = [
      { name: 'job', operator: '=', value: 'a",b="c' },
      { name: 'zone', operator: '!~', value: 'x|y\\' },
    ];
    expect(parseFilters(writeFilters(filters))).toEqual(filters);
  });
  it.each(['', 'nonsense', 'job=', 'job="open'])('%j has none', (text) =>
    expect(parseFilters(text)).toEqual([]),
  );
});

describe('words', () => {
  it.each([
    ['', 'anything', true],
    ['  Down  API ', 'the api is down', true],
    ['down db', 'the api is down', false],
  ])('%j in %j: %j', (wanted, text, held) => expect(holdsWords(wanted)(text)).toBe(held));
});

describe('names of labels', () => {
  it('begin with those that most have', () =>
    expect(
      labelNames([{ labels: { job: 'a', alertname: 'x' } }, { labels: { zone: 'b', alertname: 'y' } }]),
    ).toEqual(['alertname', 'job', 'zone']));
});
