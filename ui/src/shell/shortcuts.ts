import { useEffect, useRef } from 'react';

export interface Shortcut {
  /** Keys in order, such as `['g', 'h']` or `['?']`. */
  keys: readonly string[];
  what: string;
  run: () => void;
}

/** Fired when the reader asks for fresh data; pages with their own clock listen. */
export const REFRESH_EVENT = 'pharos:refresh';

/** Puts the cursor into the field that a page marks with `data-search`; false on pages that have none. */
export function focusSearch(): boolean {
  const field = document.querySelector<HTMLElement>('main [data-search]');
  field?.focus();
  return field !== null;
}

const SEQUENCE_MS = 1_200;

function typing(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName);
}

/** Whether a key is meant for a field, or for a dialog that is open, and not for the page. */
export function isTaken(event: KeyboardEvent): boolean {
  return (
    typing(event.composedPath()[0] ?? event.target) || document.querySelector('[role="dialog"]') !== null
  );
}

/** Runs shortcuts typed anywhere but in a field; sequences must be typed within a good second. */
export function useShortcuts(shortcuts: readonly Shortcut[]): void {
  const latest = useRef(shortcuts);
  useEffect(() => {
    latest.current = shortcuts;
  });
  useEffect(() => {
    let typed: string[] = [];
    let lastMs = 0;
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      if (isTaken(event)) return;
      typed = event.timeStamp - lastMs > SEQUENCE_MS ? [event.key] : [...typed, event.key];
      lastMs = event.timeStamp;
      const hit = latest.current.find(
        ({ keys }) =>
          keys.length <= typed.length &&
          keys.every((key, i) => typed[typed.length - keys.length + i] === key),
      );
      if (!hit) return;
      event.preventDefault();
      typed = [];
      hit.run();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);
}
