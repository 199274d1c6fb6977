import { describe, expect, it } from 'vitest';
import { boundsOf, changedLimits, changesOf, readLimit, shownLimit, wordsOf } from './limits';
import { lastDay, namedTokens } from './usage';

describe('a limit that is typed', () => {
  it.each([
    ['ingest_rate', '', null],
    ['ingest_rate', ' 10,000 ', 10_000],
    ['ingest_rate', '0', 0],
    ['retention', '15d', '15d'],
    ['retention', '1h30m', '1h30m'],
  ])('%s %j is %j', (name, typed, value) => expect(readLimit(name, typed)).toEqual({ value }));
  it.each([
    ['ingest_rate', '15d'],
    ['ingest_rate', '-1'],
    ['ingest_rate', '1e9'],
    ['retention', '15'],
    ['retention', 'long'],
  ])('%s %j is none', (name, typed) => expect(readLimit(name, typed)).toHaveProperty('error'));
  it('is sent if it is another one', () =>
    expect(
      changedLimits(
        { max_series: 5, retention: '15d' },
        { max_series: '5', retention: '', max_queries: '4' },
      ),
    ).toEqual({ retention: null, max_queries: 4 }));
});

it('changes are proposed by policy, in milliseconds', () => {
  const changes = { max_series: 5, max_query_range: '1h30m', retention: null };
  expect(boundsOf(changesOf(changes, (policy) => policy === 'limits'))).toEqual({
    max_series: 5,
    max_query_range_ms: 5_400_000,
  });
  expect(boundsOf(changesOf(changes, (policy) => policy === 'retention'))).toEqual({ retention_ms: null });
});

it('a limit is shown as people write it', () => {
  expect([0, undefined, 12_000, '15d'].map(shownLimit)).toEqual(['no limit', 'no limit', '12,000', '15d']);
  expect(wordsOf('something_new')).toMatchObject({ label: 'something_new', kind: 'count' });
});

it('usage is of a day, and named', () => {
  expect(lastDay(90_061_000)).toEqual({ start: 3_720, end: 90_120 });
  expect(namedTokens({ '': { samples: 1 }, t1: { samples: 2 }, t2: {} }, [{ id: 't1', name: 'CI' }])).toEqual(
    [
      { id: '', name: 'people, and what sends without a token', amounts: { samples: 1 } },
      { id: 't1', name: 'CI', amounts: { samples: 2 } },
      { id: 't2', name: 't2', amounts: {} },
    ],
  );
});
