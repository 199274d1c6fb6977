import { describe, expect, it } from 'vitest';
import { staysMs, ToastShelf } from './toasts';

describe('toasts', () => {
  it('say the same once', () => {
    const shelf = new ToastShelf();
    shelf.show({ level: 'ok', text: 'Saved' });
    const again = shelf.show({ level: 'ok', text: 'Saved' });
    expect(shelf.list().map((toast) => toast.id)).toEqual([again]);
  });
  it('are few', () => {
    const shelf = new ToastShelf();
    for (let i = 0; i < 9; i += 1) shelf.show({ level: 'info', text: `${i}` });
    expect(shelf.list().map((toast) => toast.text)).toEqual(['5', '6', '7', '8']);
  });
  it('go when they are dismissed, and tell who listens', () => {
    const shelf = new ToastShelf();
    let told = 0;
    const stop = shelf.subscribe(() => (told += 1));
    shelf.dismiss(shelf.show({ level: 'info', text: 'x' }));
    stop();
    shelf.show({ level: 'info', text: 'y' });
    expect(told).toBe(2);
    expect(shelf.list()).toHaveLength(1);
  });
  it('of failures stay until they are read', () =>
    expect(staysMs({ id: 1, level: 'critical', text: 'x' })).toBeNull());
});
