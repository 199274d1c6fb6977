// Whether what was typed in a drawer or a dialog would be lost with it.

import { createContext, use, useCallback, useEffect, useId, useMemo, useRef, useState } from 'react';

/** What a form holds: fields, chosen ones of many, and buttons that stay pressed. */
const HELD =
  'input, textarea, select, [contenteditable="true"], [data-chosen], [data-written], [aria-pressed], [aria-checked]';
/** What says itself what is written in it, whatever it is made of now: an editor that takes the place of a plain field. */
const SAYS = '[data-written]';
/** What comes before a change by hand: then a form still holds what it began with. */
const TOUCHES = ['keydown', 'pointerdown', 'beforeinput'] as const;

function heldBy(element: Element): string {
  const { chosen, written } = (element as HTMLElement).dataset;
  if (written !== undefined) return written;
  if (element instanceof HTMLInputElement && (element.type === 'checkbox' || element.type === 'radio'))
    return String(element.checked);
  if (
    element instanceof HTMLInputElement ||
    element instanceof HTMLTextAreaElement ||
    element instanceof HTMLSelectElement
  )
    return element.value;
  if (element.hasAttribute('contenteditable')) return element.textContent;
  return chosen ?? ['aria-pressed', 'aria-checked'].map((one) => element.getAttribute(one)).join();
}

function contentOf(form: HTMLFormElement): string {
  const held = [...form.querySelectorAll(HELD)].filter((one) => !one.parentElement?.closest(SAYS));
  return JSON.stringify(held.map(heldBy));
}

interface Unsaved {
  tell: (id: string, changed: boolean) => void;
  /** What is written now is kept: only what is changed from here on would be lost. */
  kept: () => void;
}

export const UnsavedContext = createContext<Unsaved | null>(null);

/** Says of what is no form on the page, such as a step that follows one, that closing would lose it. */
export function useUnsaved(changed: boolean): void {
  const unsaved = use(UnsavedContext);
  const id = useId();
  useEffect(() => {
    unsaved?.tell(id, changed);
    return () => unsaved?.tell(id, false);
  }, [unsaved, id, changed]);
}

/** What a form that stays open says once it was saved. */
export function useKept(): () => void {
  const unsaved = use(UnsavedContext);
  return useCallback(() => unsaved?.kept(), [unsaved]);
}

export interface Guard {
  /** Of the element around the content: what is written in its forms is compared with what they began with. */
  around: (element: HTMLElement | null) => (() => void) | undefined;
  unsaved: Unsaved;
  asking: boolean;
  /** Closes, or asks first. */
  close: () => void;
  stay: () => void;
  leave: () => void;
}

/** Has a drawer or a dialog ask before it is closed over what was changed in it. */
export function useGuard(onClose: () => void): Guard {
  const [asking, setAsking] = useState(false);
  const content = useRef<HTMLElement | null>(null);
  const focused = useRef<HTMLElement | null>(null);
  const begun = useRef(new WeakMap<HTMLFormElement, string>());
  const told = useRef(new Set<string>());
  const around = useCallback((element: HTMLElement | null) => {
    content.current = element;
    if (element === null) return undefined;
    const touch = ({ target }: Event): void => {
      const form = target instanceof Element ? target.closest('form') : null;
      if (form && !begun.current.has(form)) begun.current.set(form, contentOf(form));
    };
    const focus = ({ target }: FocusEvent): void => {
      if (target instanceof HTMLElement) focused.current = target;
    };
    for (const name of TOUCHES) element.addEventListener(name, touch, true);
    element.addEventListener('focusin', focus);
    return () => {
      for (const name of TOUCHES) element.removeEventListener(name, touch, true);
      element.removeEventListener('focusin', focus);
    };
  }, []);
  useEffect(() => {
    if (!asking) return undefined;
    // The question is made with the answer to it awaited, and knows of no place to return to; a click beside took it.
    return () => focused.current?.focus({ preventScroll: true });
  }, [asking]);
  const unsaved = useMemo<Unsaved>(
    () => ({
      tell: (id, changed) => {
        if (changed) told.current.add(id);
        else told.current.delete(id);
      },
      kept: () => {
        begun.current = new WeakMap();
      },
    }),
    [],
  );
  const close = (): void => {
    // Escape is heard by all that is open, and meant for what the focus is in: such as the question above this.
    const meant = document.activeElement?.closest('[role="dialog"]');
    if (asking || (meant && content.current && !meant.contains(content.current))) return;
    const forms = [...(content.current?.querySelectorAll('form') ?? [])];
    const changed = forms.some((form) => {
      const before = begun.current.get(form);
      return before !== undefined && before !== contentOf(form);
    });
    if (changed || told.current.size > 0) setAsking(true);
    else onClose();
  };
  const leave = (): void => {
    setAsking(false);
    onClose();
  };
  return { around, unsaved, asking, close, stay: () => setAsking(false), leave };
}
