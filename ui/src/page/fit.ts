// How well what was typed fits a name; and the offers that fit best.

import type { Offer } from './offers';

const LEAST_SKIPPED = 3;
/** Letters that are typed may lie so far apart, beside their number. */
const REACH = 2.5;

function isWordStart(text: string, at: number): boolean {
  return at === 0 || !/[\p{L}\p{N}]/u.test(text[at - 1] ?? '');
}

/** The span in which all letters of `typed` stand in order, from the beginning of a word on; null where they do not. */
function spread(typed: string, text: string): number | null {
  let best: number | null = null;
  for (let start = 0; start < text.length; start += 1) {
    if (text[start] !== typed[0] || !isWordStart(text, start)) continue;
    let at = start;
    let i = 1;
    while (i < typed.length) {
      at = text.indexOf(typed[i] ?? '', at + 1);
      if (at < 0) return best;
      i += 1;
    }
    const span = at - start + 1;
    if (best === null || span < best) best = span;
  }
  return best;
}

/**
 * How well `typed` (lower case) fits `text`, 0 for exactly; null where it does not. At the beginning before at the
 * beginning of a word, before anywhere, before all words in any order, before its letters in order: `nodemem` for
 * `node_memory_MemFree_bytes`.
 */
export function fit(typed: string, text: string): number | null {
  const lower = text.toLowerCase();
  if (lower === typed) return 0;
  const at = lower.indexOf(typed);
  if (at === 0) return 1;
  if (at > 0) {
    for (let next = at; next >= 0; next = lower.indexOf(typed, next + 1))
      if (isWordStart(lower, next)) return 2;
    return 3;
  }
  const words = typed.split(/\s+/u).filter((word) => word !== '');
  if (words.length > 1) return words.every((word) => lower.includes(word)) ? 4 : null;
  if (typed.length < LEAST_SKIPPED) return null;
  const span = spread(typed, lower);
  return span === null || span > typed.length * REACH ? null : 5 + span / typed.length / 10;
}

/** What tells one offer from others, to know it again. */
export function offerKey({ group, label }: Pick<Offer, 'group' | 'label'>): string {
  return `${group}\n${label}`;
}

export interface Group<T extends Offer> {
  group: string;
  offers: readonly T[];
}

/** What was chosen before goes before what fits as well. */
const CHOSEN_BEFORE = 0.6;

/**
 * The offers that fit best, `most` of each group, groups with better ones first. `recent` names those that were chosen
 * before, the newest first. Of nothing typed none is better than another.
 */
export function rankOffers<T extends Offer>(
  offers: Iterable<T>,
  typed: string,
  recent: readonly string[],
  most: number,
): Group<T>[] {
  const wanted = typed.trim().toLowerCase();
  const before = new Set(recent);
  const groups = new Map<string, { offer: T; score: number }[]>();
  for (const offer of offers) {
    const found = wanted === '' ? 1 : fit(wanted, offer.label);
    const other = found === null && offer.also !== undefined ? fit(wanted, offer.also) : null;
    // What fits by something else than its name stands behind.
    const base = found ?? (other === null ? null : other + 1);
    if (base === null) continue;
    const score = base - (before.has(offerKey(offer)) ? CHOSEN_BEFORE : 0);
    const own = groups.get(offer.group) ?? [];
    own.push({ offer, score });
    groups.set(offer.group, own);
  }
  const ranked = [...groups].map(([group, own]) => {
    if (wanted !== '') own.sort((a, b) => a.score - b.score || a.offer.label.length - b.offer.label.length);
    return {
      group,
      best: wanted === '' ? 0 : (own[0]?.score ?? 9),
      offers: own.slice(0, most).map((one) => one.offer),
    };
  });
  return ranked.sort((a, b) => a.best - b.best).map(({ group, offers: own }) => ({ group, offers: own }));
}
