import { describe, expect, it } from 'vitest';
import { arrivalsOf, joined, othersSend, searchOf, type Known } from './arrivals';

const NOTHING: Known = { jobs: [], metrics: [], logs: [], traces: [] };

describe('arrivals', () => {
  it('are what was not there before, each in its words', () => {
    const now = { jobs: ['shop'], metrics: ['a'], logs: ['cart'], traces: ['checkout'] };
    expect(arrivalsOf(NOTHING, now, 5).map(({ text }) => text)).toEqual([
      'First sample of job shop',
      'First line of cart',
      'First span received from checkout',
    ]);
  });
  it('name metrics of no new job', () => {
    const now = { ...NOTHING, metrics: ['a', 'b', 'c', 'd', 'e'] };
    expect(arrivalsOf(NOTHING, now, 5).map(({ text }) => text)).toEqual([
      'First sample of a, b, c and 2 more',
    ]);
  });
  it('are none where nothing is new, nor for a name that was away', () => {
    const now = { ...NOTHING, logs: ['cart'] };
    expect(arrivalsOf(now, now, 5)).toEqual([]);
    expect(arrivalsOf(NOTHING, { ...NOTHING, traces: ['pharos'] }, 5)).toEqual([]);
    expect(arrivalsOf(joined(now, NOTHING), now, 5)).toEqual([]);
  });
});

describe('a sender', () => {
  it('is what the page of its signal is narrowed to', () => {
    expect(searchOf({ signal: 'metrics', name: 'a "b"' })).toEqual({ q0: '{job="a \\"b\\""}' });
    expect(searchOf({ signal: 'logs', name: 'cart' })).toEqual({ q: 'service:"cart"' });
    expect(searchOf({ signal: 'traces', name: 'cart' })).toEqual({ query: 'service:"cart"' });
  });
  it('may be a metric, whatever it is called', () => {
    const now = { ...NOTHING, metrics: ['job_runs_total'] };
    expect(arrivalsOf(NOTHING, now, 5).map(searchOf)).toEqual([{ q0: 'job_runs_total' }]);
  });
  it('is waited for as long as Pharos is alone', () => {
    expect(othersSend(['pharos', 'pharos-host'])).toBe(false);
    expect(othersSend(['pharos', 'shop'])).toBe(true);
  });
});
