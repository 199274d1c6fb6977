// Parts of packages that no page uses, and that every first load would carry: what is left of them.

interface Navigated {
  readonly pathChanged: boolean;
}

/** Of the router's memory of scroll positions: another page begins at its top. */
export function setupScrollRestoration(router: {
  subscribe: (event: 'onRendered', listener: (navigated: Navigated) => void) => unknown;
}): void {
  router.subscribe('onRendered', ({ pathChanged }) => {
    if (pathChanged) window.scrollTo(0, 0);
  });
}

export const storageKey = '';
export const defaultGetScrollRestorationKey = (): string => '';
export const getElementScrollRestorationEntry = (): undefined => undefined;
export const ScrollRestoration = (): null => null;

/** Of queries without an end, of which there are none. */
export function infiniteQueryBehavior(): never {
  throw new Error('there are no queries without an end: see vendor/unused.ts');
}

export const hasNextPage = (): boolean => false;
export const hasPreviousPage = (): boolean => false;

/** Of mutations: what changes the server is `useDeed`, and a client that is made holds none. */
export class MutationCache {
  findAll(): readonly never[] {
    return [];
  }

  resumePausedMutations(): Promise<void> {
    return Promise.resolve();
  }

  clear(): void {
    // There is nothing in it.
  }
}
