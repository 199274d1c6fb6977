import { describe, expect, it } from 'vitest';
import {
  freeName,
  listOf,
  nameFault,
  newVariable,
  ofType,
  queryText,
  setList,
  withCurrent,
  withQuery,
} from './definitions';
import { moved, putAt } from './put';

const HOST = {
  name: 'host',
  type: 'query',
  query: { query: 'label_values(up, host)', refId: 'V', qryType: 1 },
  definition: 'label_values(up, host)',
  plugin: { not: 'known here' },
};
const SAVED = { variables: [HOST], annotations: [], links: [] };

describe('the lists of a dashboard', () => {
  it('are those of the saved document until a change sets them', () => {
    expect(listOf(SAVED, [], 'variables')).toEqual([HOST]);
    const changed = [setList('variables', []), { op: 'set', settings: { title: 'T' } }];
    expect(listOf(SAVED, changed, 'variables')).toEqual([]);
    expect(listOf(SAVED, changed, 'links')).toEqual([]);
  });
  it('are those of a document that takes the place of the saved one', () => {
    const replace = { op: 'replace', document: { templating: { list: [{ name: 'b' }] } } };
    const read = { ...SAVED, variables: [{ name: 'b' }] };
    expect(listOf(read, [setList('variables', []), replace], 'variables')).toEqual([{ name: 'b' }]);
  });
});

describe('a variable', () => {
  it('keeps what nobody knows when its query changes', () =>
    expect(withQuery(HOST, 'label_values(up, job)')).toEqual({
      ...HOST,
      query: { query: 'label_values(up, job)', refId: 'V', qryType: 1 },
      definition: 'label_values(up, job)',
    }));
  it('has no text where its query is of another source', () => {
    expect(queryText({ type: 'query', query: { label: 'app', stream: '{}' } })).toBeNull();
    expect(queryText({ type: 'query', definition: 'metrics(up)' })).toBe('metrics(up)');
  });
  it('that is typed begins with its text', () =>
    expect(withQuery({ type: 'textbox', query: 'a', current: { value: 'a' } }, 'b').current).toEqual({
      text: 'b',
      value: 'b',
    }));
  it('of another type keeps its name and how it is shown', () =>
    expect(ofType({ ...HOST, hide: 1, multi: true }, 'custom')).toEqual({
      name: 'host',
      type: 'custom',
      hide: 1,
      multi: true,
      query: 'one, two, three',
      options: [],
    }));
  it('has a name of its own', () => {
    expect(freeName('query', ['query', 'query2'])).toBe('query3');
    expect(newVariable('adhoc', []).name).toBe('filters');
    expect(nameFault('a-b', [])).toContain('Letters');
    expect(nameFault('a', ['a'])).toContain('Another');
    expect(nameFault('a_1', ['a'])).toBeNull();
  });
  it('opens with what it is set to now', () => {
    const set = { name: 'host', value: ['a'], text: ['A'], multi: false, type: 'query' } as const;
    expect(withCurrent([{ ...HOST, current: { selected: true } }], [set])[0]?.current).toEqual({
      selected: true,
      text: 'A',
      value: 'a',
    });
    expect(withCurrent([HOST], [{ ...set, multi: true }])[0]?.current).toEqual({ text: ['A'], value: ['a'] });
  });
});

describe('changes of JSON', () => {
  it('leave what is beside them', () => {
    expect(putAt({ a: { b: 1, c: 2 } }, 'a.b', 3)).toEqual({ a: { b: 3, c: 2 } });
    expect(putAt({ a: { b: 1, c: 2 } }, 'a.b', undefined)).toEqual({ a: { c: 2 } });
  });
  it('move within a list and not out of it', () => {
    expect(moved(['a', 'b', 'c'], 0, 1)).toEqual(['b', 'a', 'c']);
    expect(moved(['a', 'b'], 1, 1)).toEqual(['a', 'b']);
  });
});
