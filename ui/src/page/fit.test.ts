import { describe, expect, it } from 'vitest';
import { fit, offerKey, rankOffers } from './fit';
import type { Offer } from './offers';

const metric = (label: string): Offer => ({ group: 'Metrics', label, search: {} });

describe('how well a text fits what was typed', () => {
  it.each([
    ['node_load1', 'node_load1', 0],
    ['node', 'node_load1', 1],
    ['load', 'node_load1', 2],
    ['oad', 'node_load1', 3],
    ['load node', 'node_load1', 4],
  ])('%s in %s', (typed, text, expected) => expect(fit(typed, text)).toBe(expected));
  it('finds letters in order, with few between', () => {
    expect(fit('nodemem', 'node_memory_MemFree_bytes')).toBeGreaterThan(5);
    expect(fit('nodemem', 'node_load1')).toBeNull();
    expect(fit('abc', 'a very long text with b somewhere and only at its end c')).toBeNull();
  });
  it('needs all words', () => expect(fit('load disk', 'node_load1')).toBeNull());
});

describe('offers', () => {
  it('are ranked by how well they fit, groups by their best', () => {
    const page: Offer = { group: 'Pages', label: 'Loads', search: {} };
    const found = rankOffers([metric('node_load15'), metric('load'), page], 'load', [], 5);
    expect(found.map(({ group }) => group)).toEqual(['Metrics', 'Pages']);
    expect(found[0]?.offers.map(({ label }) => label)).toEqual(['load', 'node_load15']);
  });
  it('that were chosen before go before what fits as well', () => {
    const found = rankOffers([metric('load_a'), metric('load_b')], 'load', [offerKey(metric('load_b'))], 5);
    expect(found[0]?.offers[0]?.label).toBe('load_b');
  });
  it('are found by what else is known of them, behind', () => {
    const alert: Offer = { group: 'Alerts', label: 'DiskFull', also: 'instance=web-1', search: {} };
    expect(rankOffers([alert], 'web-1', [], 5)[0]?.offers).toEqual([alert]);
  });
  it('are no more than asked for', () => {
    const many = Array.from({ length: 50 }, (_, i) => metric(`load_${i}`));
    expect(rankOffers(many, 'load', [], 5)[0]?.offers).toHaveLength(5);
  });
});
