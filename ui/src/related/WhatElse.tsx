import { lazy, Suspense, type ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import type { About } from '../api/related';
import { Glyph } from '../design/Glyph';
import { ABOUT, readAbout, writeAbout } from './about';

export const WHAT_ELSE = 'What else happened here';

// Few readers of a page open it: what it consists of is loaded then.
const RelatedDrawer = lazy(() => import('./RelatedDrawer'));

/** Opens the panel about something. */
export function WhatElseButton({ about, quiet = false }: { about: About; quiet?: boolean }): ReactElement {
  const { setOwn } = useAddress();
  return (
    <button
      type="button"
      className={quiet ? 'button quiet' : 'button'}
      onClick={() => setOwn({ [ABOUT]: writeAbout(about) })}
    >
      <Glyph name="link" size={14} /> {WHAT_ELSE}
    </button>
  );
}

/** The panel, where the address says what it is about. Each page that has something to ask about has one. */
export function WhatElse(): ReactElement | null {
  const { search, setOwn } = useAddress();
  const text = search[ABOUT];
  const about = readAbout(text);
  if (about === null) return null;
  return (
    <Suspense fallback={null}>
      <RelatedDrawer key={text} about={about} onClose={() => setOwn({ [ABOUT]: undefined })} />
    </Suspense>
  );
}
