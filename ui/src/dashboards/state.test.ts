import { describe, expect, it } from 'vitest';
import type { Variable } from '../api/dashboards';
import {
  filled,
  readValues,
  readView,
  valuesQuery,
  withFilters,
  writeFilters,
  writeValue,
  writeView,
} from './state';

function variable(name: string, value: readonly string[], options: readonly string[] = []): Variable {
  return {
    ...{
      name,
      label: '',
      type: 'query',
      description: '',
      hide: 'no',
      multi: true,
      include_all: true,
      allow_custom: true,
    },
    ...{
      skip_url_sync: false,
      value,
      text: value,
      options: options.map((one) => ({ value: one, text: one })),
      truncated: false,
      error: null,
    },
  };
}

describe('the values of variables', () => {
  it.each([[['a']], [['a', 'b']], [['a,b', 'c\\d', '']], [['$__all']], [['<img src=x>', '🏳️‍🌈']]])(
    '%j come back from the address',
    (values) => expect(readValues(writeValue('x', values))).toEqual({ x: values }),
  );
  it('are all where a link says so as Grafana does', () =>
    expect(readValues({ 'var-x': 'All', q: '1' })).toEqual({ x: ['$__all'] }));
  it('are filters of those that are', () => {
    const filters = [
      { key: 'mode', operator: '!=', value: 'a|b,c' },
      { key: 'cpu', operator: '=~', value: '0' },
    ];
    expect(withFilters(readValues(writeFilters('f', filters)), ['f'])).toEqual({ f: filters });
    expect(writeFilters('f', [])).toEqual({ 'var-f': undefined });
    expect(withFilters({ f: ['nonsense'] }, ['f'])).toEqual({ f: [] });
  });
  it('make the query of a link', () =>
    expect(valuesQuery([variable('a', ['1', '2']), variable('b', ['x y'])])).toBe('var-a=1%2C2&var-b=x+y'));
});

describe('the view', () => {
  it('comes back from the address', () => {
    const view = {
      alone: 'p:3@host=a',
      edited: 7,
      editing: true,
      settings: 'variables',
      kiosk: true,
      tab: 't:1',
      version: 2,
      collapsed: { 'r:1': true, 'r:2': false },
    };
    expect(readView(writeView(view))).toEqual(view);
  });
  it('is that of the dashboard where nothing is said', () =>
    expect(readView({})).toEqual({
      alone: null,
      edited: null,
      editing: false,
      settings: null,
      kiosk: false,
      tab: null,
      version: null,
      collapsed: {},
    }));
});

describe('a query for another page', () => {
  const variables = [
    variable('host', ['a.b', 'c'], ['a.b', 'c']),
    variable('job', ['api']),
    variable('all', ['$__all'], ['$__all', 'x', 'y']),
  ];
  it.each([
    ['up{host=~"$host"}', 'up{host=~"(a\\.b|c)"}'],
    ['up{job="${job}", h="[[job]]"}', 'up{job="api", h="api"}'],
    ['up{x=~"$all"}', 'up{x=~"(x|y)"}'],
    ['rate(x[$__rate_interval])', 'rate(x[120s])'],
    ['rate(x[$__range])', 'rate(x[3600s])'],
    ['${host:csv}', 'a.b,c'],
    ['$unknown', '$unknown'],
  ])('%s', (query, expected) => expect(filled(query, variables, 30_000, 3_600_000)).toBe(expected));
});
