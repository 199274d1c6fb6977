// What was chosen in the palette before, in this browser.

import { readStoredList, writeStored } from '../design/stored';
import { offerKey } from '../page/fit';
import type { Offer } from '../page/offers';

const KEY = 'pharos-palette';
const MOST = 30;

/** An offer that was chosen, with the page that it leads to. */
export interface Chosen extends Offer {
  path: string;
}

function isChosen(value: unknown): value is Chosen {
  if (typeof value !== 'object' || value === null) return false;
  const { group, label, path, search } = value as Partial<Record<keyof Chosen, unknown>>;
  return (
    typeof group === 'string' &&
    typeof label === 'string' &&
    typeof path === 'string' &&
    typeof search === 'object'
  );
}

/** What was chosen before, the newest first. */
export function chosenBefore(): Chosen[] {
  return readStoredList(KEY).flatMap((text) => {
    try {
      const value: unknown = JSON.parse(text);
      return isChosen(value) ? [value] : [];
    } catch {
      return [];
    }
  });
}

/** Keeps what was chosen, so that it comes first the next time. */
export function rememberChosen(chosen: Chosen): void {
  const key = offerKey(chosen);
  const rest = chosenBefore().filter((one) => offerKey(one) !== key);
  writeStored(KEY, JSON.stringify([chosen, ...rest].slice(0, MOST).map((one) => JSON.stringify(one))));
}
