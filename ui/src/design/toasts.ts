// What happened, said for a moment: kept outside of React, so that anything can say it.

export type ToastLevel = 'ok' | 'info' | 'warning' | 'critical';

export interface Toast {
  id: number;
  level: ToastLevel;
  text: string;
  /** What can be done about it, such as taking it back. */
  action?: { label: string; run: () => void };
}

/** The toasts that are shown, oldest first. */
export class ToastShelf {
  private shown: readonly Toast[] = [];
  private count = 0;
  private readonly listeners = new Set<() => void>();

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly list = (): readonly Toast[] => this.shown;

  /** Shows a toast; the oldest gives way when there are too many. Says its id. */
  show(toast: Omit<Toast, 'id'>): number {
    this.count += 1;
    // The same said again is said once, anew.
    const others = this.shown.filter((one) => one.text !== toast.text || one.level !== toast.level);
    this.set([...others, { ...toast, id: this.count }].slice(-MOST_SHOWN));
    return this.count;
  }

  dismiss(id: number): void {
    this.set(this.shown.filter((one) => one.id !== id));
  }

  private set(next: readonly Toast[]): void {
    this.shown = next;
    for (const listener of this.listeners) listener();
  }
}

const MOST_SHOWN = 4;

export const toasts = new ToastShelf();

/** How long a toast stays; null for one that waits to be dismissed, because it must be read or offers a way back. */
export function staysMs(toast: Toast): number | null {
  if (toast.level === 'critical') return null;
  return toast.action === undefined ? 5_000 : 10_000;
}
