// What each page showed last in this tab, so that a way back leads to it and not to an empty page.

import { ownOf, type Search } from './context';

const KEY = 'pharos-last-search:';

/** Keeps the page's own part of `search`; the rest comes from wherever the reader is then. */
export function rememberSearch(path: string, search: Search): void {
  try {
    sessionStorage.setItem(KEY + path, JSON.stringify(ownOf(search)));
  } catch {
    // Where storage is forbidden or full, a page starts afresh.
  }
}

/** The own parameters that the page at `path` had last; empty when it was not seen in this tab. */
export function lastSearch(path: string): Search {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(KEY + path) ?? '{}');
    if (typeof kept !== 'object' || kept === null) return {};
    return Object.fromEntries(
      Object.entries(kept).filter((one): one is [string, string] => typeof one[1] === 'string'),
    );
  } catch {
    return {};
  }
}
