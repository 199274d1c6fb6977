// Dark or light: what the reader wishes, and what is seen. Mantine is told (see `Mantine.tsx`), not asked, so that the
// first load needs nothing of it.

import { useSyncExternalStore } from 'react';
import type { Scheme } from './colors';
import { readStored, writeStored } from './stored';

const KEY = 'pharos-color-scheme';
/** The style sheets, and Mantine's, look at this attribute; public/boot.js sets it before the first paint. */
const ATTRIBUTE = 'data-mantine-color-scheme';

export type SchemeWish = Scheme | 'auto';

const system = (): MediaQueryList => window.matchMedia('(prefers-color-scheme: dark)');
const listeners = new Set<() => void>();

function readWish(): SchemeWish {
  const kept = readStored(KEY);
  return kept === 'dark' || kept === 'light' ? kept : 'auto';
}

function seen(): Scheme {
  const wish = readWish();
  return wish === 'auto' ? (system().matches ? 'dark' : 'light') : wish;
}

function changed(): void {
  document.documentElement.setAttribute(ATTRIBUTE, seen());
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  if (listeners.size === 0) {
    system().addEventListener('change', changed);
    // Another tab of this browser chose.
    window.addEventListener('storage', changed);
  }
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    system().removeEventListener('change', changed);
    window.removeEventListener('storage', changed);
  };
}

/** Keeps the wish in this browser and shows it at once. */
export function wishScheme(wish: SchemeWish): void {
  writeStored(KEY, wish);
  changed();
}

/** What the reader chose; `auto` follows the system. */
export function useSchemeWish(): SchemeWish {
  return useSyncExternalStore(subscribe, readWish);
}

/** Whether the page is dark or light now, the system's wish included. */
export function useScheme(): Scheme {
  return useSyncExternalStore(subscribe, seen);
}
