import { describe, expect, it } from 'vitest';
import type { TraceSummary } from '../api/traces';
import { questionOf, readSelection, selectedOf, writeSelection } from './selection';

function trace(id: string, beginMs: number, durationMs: number, errors = 0): TraceSummary {
  return {
    trace_id: id,
    start_ns: `${beginMs}000000`,
    duration_ns: durationMs * 1e6,
    spans: 1,
    errors,
    has_root: true,
    service: 's',
    name: 'n',
    services: [],
  };
}

const TRACES = [trace('a', 1000, 10), trace('b', 2000, 500, 1), trace('c', 3000, 900), trace('d', 9000, 700)];
const ids = (found: readonly TraceSummary[]): string => found.map(({ trace_id: id }) => id).join('');

describe('a selection', () => {
  it.each(['slow', 'failed', '1000_2000_0.1_2.5', '1732970000000_1732970600000_0.000001_1'])(
    '%s is read from the address and written there',
    (text) => {
      const found = readSelection(text);
      expect(found).not.toBeNull();
      expect(found && writeSelection(found)).toBe(text);
    },
  );
  it.each([undefined, '', 'x', '1_2_3', '2_1_0_1', '1_2_3_4_5', '1_2_x_4'])('%j is none', (text) =>
    expect(readSelection(text)).toBeNull(),
  );
  it('of a part of the picture has what begins there and takes so long', () =>
    expect(ids(selectedOf(TRACES, { fromMs: 1500, toMs: 5000, leastS: 0.5, mostS: 1 }))).toBe('bc'));
  it('of the failed has those, of the slowest at least one', () => {
    expect(ids(selectedOf(TRACES, 'failed'))).toBe('b');
    expect(ids(selectedOf(TRACES, 'slow'))).toBe('c');
  });
});

describe('what is asked', () => {
  it('are the spans that begin traces, whatever else was searched for', () =>
    expect(questionOf(TRACES.slice(0, 2), 'failed', { service: 's' }, 'roots')).toEqual({
      filters: { query: 'trace_id:("a" OR "b") NOT parent_id:*' },
      selected: 'trace_id:("b")',
      among: 2,
      chosen: 1,
    }));
  it('are those that meet the search as well', () =>
    expect(
      questionOf(TRACES.slice(0, 1), 'slow', { service: 's', query: 'x OR y' }, 'fitting').filters,
    ).toEqual({
      service: 's',
      query: '(x OR y) trace_id:("a")',
    }));
});
