import { useQueryClient } from '@tanstack/react-query';
import { useCallback, useState } from 'react';

export interface Deed {
  busy: boolean;
  error: Error | null;
  /** Forgets what went wrong. */
  clear: () => void;
  /** A setter of a field that forgets what went wrong as well. */
  edit: <T>(set: (value: T) => void) => (value: T) => void;
  /** Does it, and has everything on the page asked anew; null when it failed. */
  run: <T>(deed: () => Promise<T>) => Promise<{ done: T } | null>;
}

/** Something that changes the server: whether it is under way, and why it failed. */
export function useDeed(): Deed {
  const client = useQueryClient();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const run = useCallback(
    async <T>(deed: () => Promise<T>): Promise<{ done: T } | null> => {
      setBusy(true);
      setError(null);
      try {
        const done = await deed();
        void client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[1] !== 'health' });
        return { done };
      } catch (failed) {
        setError(failed instanceof Error ? failed : new Error(String(failed)));
        return null;
      } finally {
        setBusy(false);
      }
    },
    [client],
  );
  const clear = useCallback(() => setError(null), []);
  const edit =
    <T>(set: (value: T) => void) =>
    (value: T): void => {
      clear();
      set(value);
    };
  return { busy, error, clear, edit, run };
}
