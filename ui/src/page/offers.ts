// What a page offers beyond itself: finds for the palette, a badge for the side bar.

import type { Search } from '../address/context';
import type { Asking } from '../api/client';
import type { Permission } from '../session/session';

/** Something that the palette finds: where it leads to, and under which heading it stands. */
export interface Offer {
  group: string;
  label: string;
  /** What else it is found by. */
  also?: string;
  /** In grey beside it. */
  hint?: string;
  /** Parameters of the page it leads to. */
  search: Search;
  /** Where that is, where it is below the page that offers it. */
  to?: { path: string; params: Readonly<Record<string, string>> };
}

/** What a page adds to the palette. */
export interface PaletteSource {
  /** What is known without asking anybody. */
  known?: () => readonly Offer[];
  /** What the server has; asked when the palette opens. What `may` refuses is not asked for. */
  load?: (asking: Asking, may: (permission: Permission) => boolean) => Promise<readonly Offer[]>;
}
