// What a page offers beyond itself: finds for the palette, a badge for the side bar.

import type { Search } from '../address/context';
import type { Asking } from '../api/client';

/** Something that the palette finds on a page: where it leads to, and under which heading it stands. */
export interface Found {
  group: string;
  label: string;
  search: Search;
}

/** What a page adds to the palette. */
export interface PaletteSource {
  /** What must be asked of the server before anything is found. */
  load: (asking: Asking) => Promise<readonly string[]>;
  /** The best fits for what was typed, in lower case; `loaded` is undefined until it has come. */
  find: (typed: string, loaded: readonly string[] | undefined) => readonly Found[];
}
