import { describe, expect, it } from 'vitest';
import type { Variable } from '../api/dashboards';
import { labelLink, type NarrowAbout } from './narrow';
import { readValues, withFilters } from './state';

function variable(name: string, type: Variable['type'], options: readonly string[] = []): Variable {
  return {
    ...{ name, type, label: '', description: '', hide: 'no', multi: true, include_all: true, text: [] },
    ...{ allow_custom: true, skip_url_sync: false, value: [], truncated: false, error: null },
    options: options.map((value) => ({ value, text: value })),
  };
}

const ABOUT: NarrowAbout = {
  variables: [variable('host', 'query', ['a', 'b']), variable('filters', 'adhoc')],
  search: { from: 'now-1h', 'var-filters': 'mode|!=|idle,job|=|x' },
  path: '/d/u/s',
};

function parts(href: string): { path: string; search: Record<string, string> } {
  const [path = '', query] = href.split('?');
  return { path, search: Object.fromEntries(new URLSearchParams(query)) };
}

describe('a click on a label', () => {
  it('sets the variable of its name, and keeps all else of the address', () => {
    const { path, search } = parts(labelLink('host', 'b', ABOUT)?.href ?? '');
    expect([path, search.from, search['var-host'], search.custom]).toEqual([
      '/d/u/s',
      'now-1h',
      'b',
      undefined,
    ]);
    expect(parts(labelLink('host', 'new', ABOUT)?.href ?? '').search.custom).toBe('host');
  });
  it('becomes a filter where no variable has its name, in the place of one of the same label', () => {
    const { search } = parts(labelLink('job', 'y,z', ABOUT)?.href ?? '');
    expect(withFilters(readValues(search), ['filters']).filters).toEqual([
      { key: 'mode', operator: '!=', value: 'idle' },
      { key: 'job', operator: '=', value: 'y,z' },
    ]);
  });
  it('leads to what there is with it where the dashboard cannot be narrowed', () => {
    const bare = { ...ABOUT, variables: [] };
    expect(parts(labelLink('job', 'a"b', bare)?.href ?? '')).toEqual({
      path: '/explore',
      search: { from: 'now-1h', q0: 'count by (__name__) ({job="a\\"b"})', v0: 'table' },
    });
    expect(parts(labelLink('job', 'a', bare, true)?.href ?? '').path).toBe('/logs');
  });
  it('is none of what is no label', () => {
    expect(labelLink('Value #A', '1', ABOUT)).toBeNull();
    expect(labelLink('host', '', ABOUT)).toBeNull();
  });
});
