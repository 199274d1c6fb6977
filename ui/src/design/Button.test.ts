// @vitest-environment jsdom
import { act, createElement, type ReactElement } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Button, CheckBox } from './Button';

const WHY = 'Silences are made with the permission alerts.silence.';
let root: Root;
let done: string[];

beforeEach(() => {
  (globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;
  const place = document.createElement('main');
  document.body.replaceChildren(place);
  root = createRoot(place);
  done = [];
});
afterEach(() => act(() => root.unmount()));

function show(...parts: readonly ReactElement[]): void {
  act(() => root.render(parts));
}

function make(whyNot: string | null, more: Partial<Parameters<typeof Button>[0]> = {}): ReactElement {
  return createElement(
    Button,
    { key: 'one', whyNot, onClick: () => done.push('silence'), ...more },
    'Silence',
  );
}

function one(selector: string): HTMLElement {
  const found = document.querySelector<HTMLElement>(selector);
  if (!found) throw new Error(`there is no ${selector}`);
  return found;
}

const told = (): string | null => document.querySelector('[data-why]')?.textContent ?? null;
const send = (to: EventTarget, event: Event): void => act(() => void to.dispatchEvent(event));
const pointer = (name: string, pointerType = 'mouse'): PointerEvent =>
  new PointerEvent(name, { bubbles: true, relatedTarget: document.body, pointerType });
const press = (): void => act(() => one('button').click());

describe('a button that nothing bars', () => {
  it('does what it is for, and has its own tooltip', () => {
    show(make(null, { title: 'Hold back what is told' }));
    press();
    expect(done).toEqual(['silence']);
    expect(one('button').title).toBe('Hold back what is told');
    expect(one('button').hasAttribute('aria-disabled')).toBe(false);
    expect(told()).toBeNull();
  });
  it('is disabled where that needs no reason', () => {
    show(make(null, { disabled: true }));
    press();
    expect(done).toEqual([]);
    expect((one('button') as HTMLButtonElement).disabled).toBe(true);
  });
});

describe('a button that is barred', () => {
  it('can be focused, and its reason is its description', () => {
    show(make(WHY, { title: 'Hold back what is told', disabled: true }));
    const button = one('button') as HTMLButtonElement;
    button.focus();
    expect(document.activeElement).toBe(button);
    expect(button.disabled).toBe(false);
    expect(button.getAttribute('aria-disabled')).toBe('true');
    expect(document.getElementById(button.getAttribute('aria-describedby') ?? '')?.textContent).toBe(WHY);
    expect(button.title).toBe('');
  });
  it('shows its reason where it is pressed, and does nothing else', () => {
    show(
      createElement(
        'form',
        { key: 'form', onClick: () => done.push('row'), onSubmit: () => done.push('sent') },
        make(WHY, { type: 'submit' }),
      ),
    );
    press();
    expect(done).toEqual([]);
    expect(told()).toBe(WHY);
  });
  it('shows its reason to who points at it, until the pointer leaves', () => {
    show(make(WHY));
    send(one('button'), pointer('pointerover'));
    expect(told()).toBe(WHY);
    send(one('button'), pointer('pointerout'));
    expect(told()).toBeNull();
  });
  it('keeps what a finger asked for when the finger is lifted', () => {
    show(make(WHY));
    send(one('button'), pointer('pointerover', 'touch'));
    press();
    send(one('button'), pointer('pointerout', 'touch'));
    expect(told()).toBe(WHY);
  });
  it('keeps its reason until Escape or a touch elsewhere', () => {
    show(make(WHY));
    press();
    send(one('button'), new Event('pointerdown', { bubbles: true }));
    expect(told()).toBe(WHY);
    send(document.body, new Event('pointerdown', { bubbles: true }));
    expect(told()).toBeNull();
    press();
    expect(told()).toBe(WHY);
    send(document.body, new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }));
    expect(told()).toBeNull();
  });
  it('stays the same element when it is free, and shows no later reason by itself', () => {
    show(make(WHY));
    const before = one('button');
    press();
    show(make(null));
    expect(one('button')).toBe(before);
    expect(told()).toBeNull();
    send(before, pointer('pointerout'));
    show(make('Choose alerts first'));
    expect(told()).toBeNull();
  });
});

describe('a box to tick', () => {
  const box = (whyNot: string | null): ReactElement =>
    createElement(CheckBox, {
      key: 'box',
      'aria-label': 'Restart it',
      checked: false,
      whyNot,
      onChange: () => done.push('ticked'),
    });
  it('is ticked', () => {
    show(box(null));
    act(() => one('input').click());
    expect(done).toEqual(['ticked']);
  });
  it('that is barred says why, and stays as it is', () => {
    show(box(WHY));
    act(() => one('input').click());
    expect(done).toEqual([]);
    expect((one('input') as HTMLInputElement).checked).toBe(false);
    expect(told()).toBe(WHY);
  });
});
