import { createTheme, type MantineColorScheme, type MantineColorSchemeManager } from '@mantine/core';

const STORAGE_KEY = 'pharos-color-scheme';

export const theme = createTheme({
  primaryColor: 'blue',
  fontFamily: 'var(--sans)',
  fontFamilyMonospace: 'var(--mono)',
  defaultRadius: 'sm',
  cursorType: 'pointer',
  respectReducedMotion: true,
});

function isScheme(text: string | null): text is MantineColorScheme {
  return text === 'dark' || text === 'light' || text === 'auto';
}

/** Keeps the wish for dark or light in localStorage, where public/boot.js reads it before the first paint. */
export function schemeStorage(): MantineColorSchemeManager {
  let listener: ((event: StorageEvent) => void) | null = null;
  const stop = (): void => {
    if (listener) window.removeEventListener('storage', listener);
    listener = null;
  };
  return {
    get: (fallback) => {
      const kept = readStored(STORAGE_KEY);
      return isScheme(kept) ? kept : fallback;
    },
    set: (value) => writeStored(STORAGE_KEY, value),
    subscribe: (onUpdate) => {
      stop();
      listener = (event) => {
        if (event.key === STORAGE_KEY && isScheme(event.newValue)) onUpdate(event.newValue);
      };
      window.addEventListener('storage', listener);
    },
    unsubscribe: stop,
    clear: () => writeStored(STORAGE_KEY, null),
  };
}

/** What localStorage keeps under `key`; null also where the browser forbids storage. */
export function readStored(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

/** Keeps `value` under `key`, or removes it for null; a forbidden or full storage only means it is not kept. */
export function writeStored(key: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // Nothing on the page depends on it having been kept.
  }
}
