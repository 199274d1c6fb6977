import { describe, expect, it } from 'vitest';
import type { TraceRow, TraceView } from '../api/traces';
import {
  AS_IT_COMES,
  condition,
  itemsOf,
  matchesOf,
  placeOf,
  readSight,
  revealing,
  serviceColors,
  valueText,
} from './layout';

function row(part: Partial<TraceRow>): TraceRow {
  return {
    span_id: '01',
    parent: -1,
    depth: 0,
    service: 'shop',
    name: 'work',
    kind: 'internal',
    status: 'unset',
    offset_ns: 0,
    duration_ns: 1,
    own_ns: 1,
    critical_ns: 0,
    children: 0,
    descendants: 0,
    fold: -1,
    events: 0,
    links: 0,
    warnings: [],
    ...part,
  };
}

/** A root with a run of two siblings, of which each has a child, and one more child. */
const VIEW: TraceView = {
  trace_id: 'a',
  start_ns: '0',
  duration_ns: 100,
  root: 0,
  service: 'shop',
  name: 'root',
  services: [],
  rows: [
    row({ name: 'root', descendants: 5, children: 3 }),
    row({ parent: 0, depth: 1, fold: 0, descendants: 1, children: 1 }),
    row({ parent: 1, depth: 2, name: 'deep one' }),
    row({ parent: 0, depth: 1, fold: 0, descendants: 1, children: 1 }),
    row({ parent: 3, depth: 2, name: 'deep two' }),
    row({ parent: 0, depth: 1, name: 'last' }),
  ],
  folds: [{ parent: 0, rows: [1, 3], service: 'shop', name: 'work', errors: 0, total_ns: 2, longest_ns: 1 }],
  critical_path: [],
  warnings: [],
};

function shown(opened = AS_IT_COMES): string[] {
  return itemsOf(VIEW, opened).map((item) => (item.kind === 'span' ? String(item.row) : `fold${item.fold}`));
}

describe('the rows of a trace', () => {
  it('hold a run of like siblings as one', () => expect(shown()).toEqual(['0', 'fold0', '5']));
  it('hold its members once it is opened', () =>
    expect(shown({ collapsed: new Set(), unfolded: new Set([0]) })).toEqual([
      '0',
      'fold0',
      '1',
      '2',
      '3',
      '4',
      '5',
    ]));
  it('hold nothing below a collapsed span', () =>
    expect(shown({ collapsed: new Set([0]), unfolded: new Set([0]) })).toEqual(['0']));
  it('are opened as far as one wanted needs it', () => {
    const closed = { collapsed: new Set([0, 3, 1]), unfolded: new Set<number>() };
    expect(shown(revealing(VIEW, closed, 4))).toEqual(['0', 'fold0', '1', '3', '4', '5']);
  });
  it('are found by all of the words', () => {
    expect(matchesOf(VIEW, 'SHOP deep')).toEqual([2, 4]);
    expect(matchesOf(VIEW, ' ')).toEqual([]);
  });
});

describe('a stretch of a trace', () => {
  it.each([
    ['10-20', { from: 10, to: 20 }],
    ['20-10', { from: 0, to: 100 }],
    ['50-900', { from: 50, to: 100 }],
    [undefined, { from: 0, to: 100 }],
  ])('is read from %s', (text, sight) => expect(readSight(text, 100)).toEqual(sight));
  it('is drawn where it is seen', () => {
    expect(placeOf({ from: 0, to: 100 }, 25, 50)).toEqual({ left: 0.25, width: 0.5 });
    expect(placeOf({ from: 50, to: 100 }, 25, 50)).toEqual({ left: 0, width: 0.5 });
    expect(placeOf({ from: 50, to: 100 }, 0, 10)).toBeNull();
  });
});

describe('attributes', () => {
  it('are written as conditions, quotes and all', () => {
    expect(condition('span', 'http.route', 'a "b" \\')).toBe('span.http.route:"a \\"b\\" \\\\"');
    expect(condition('resource', 'odd name', 'x')).toBeNull();
  });
  it('that hold several values are shown as JSON', () =>
    expect(
      valueText({ arrayValue: { values: [{ intValue: '1' }, { kvlistValue: { values: [{ key: 'a' }] } }] } }),
    ).toEqual({ text: '["1",{"a":null}]', plain: false }));
});

it('ten services have ten colours', () => {
  const names = Array.from({ length: 10 }, (_, i) => `service-${i}`);
  expect(new Set(serviceColors(names, 'dark').values()).size).toBe(10);
});
