// React has `useSyncExternalStore` itself; of the package that selects from a store for older ones this is what is left.

import { useEffect, useMemo, useRef, useSyncExternalStore, type RefObject } from 'react';

type Kept<Selected> = RefObject<{ selected: Selected } | null>;

/** Reads what is selected of a state, once for each state. */
function reader<State, Selected>(
  getSnapshot: () => State,
  selector: (state: State) => Selected,
  isEqual: (a: Selected, b: Selected) => boolean,
  shown: Kept<Selected>,
): () => Selected {
  let last: { state: State; selected: Selected } | null = null;
  return () => {
    const state = getSnapshot();
    if (last !== null && Object.is(last.state, state)) return last.selected;
    const found = selector(state);
    const before = last ?? shown.current;
    last = { state, selected: before !== null && isEqual(before.selected, found) ? before.selected : found };
    return last.selected;
  };
}

/** What `selector` takes of a store's state; the same value as before where `isEqual` says so. */
export function useSyncExternalStoreWithSelector<State, Selected>(
  subscribe: (listener: () => void) => () => void,
  getSnapshot: () => State,
  _getServerSnapshot: () => State,
  selector: (state: State) => Selected,
  isEqual: (a: Selected, b: Selected) => boolean,
): Selected {
  const shown = useRef<{ selected: Selected } | null>(null);
  // It is read when the store changes, as React itself asks for it.
  // eslint-disable-next-line react-hooks/refs
  const read = useMemo(() => reader(getSnapshot, selector, isEqual, shown), [getSnapshot, selector, isEqual]);
  const selected = useSyncExternalStore(subscribe, read);
  useEffect(() => {
    shown.current = { selected };
  }, [selected]);
  return selected;
}
