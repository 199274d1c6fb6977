// Files that the server makes: fetched as who is signed in, kept by the browser.

import { useCallback, useState } from 'react';
import { toasts } from '../design/toasts';
import { ApiError, failure, noteStatus, parseEnvelope, requestHeaders } from './client';

/** Fetches a file, and has the browser keep it. Rejects with ApiError. */
async function save(path: string, name: string, tenant: string | null): Promise<void> {
  let response: Response;
  let file: Blob;
  try {
    response = noteStatus(await fetch(path, { headers: requestHeaders(tenant) }));
    if (!response.ok) {
      const envelope = parseEnvelope(await response.text(), response.status, path.replace(/\?.*/su, ''));
      throw new ApiError(
        'refused',
        envelope.status === 'error' ? envelope.error : 'it failed',
        response.status,
      );
    }
    // A file that ends early for a fault of the server is none.
    file = await response.blob();
  } catch (error) {
    throw failure(error, path.replace(/\?.*/su, ''));
  }
  const url = URL.createObjectURL(file);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}

/** Saves files one at a time; what fails is said as a toast. */
export function useSaved(): {
  busy: boolean;
  run: (path: string, name: string, tenant: string | null) => Promise<void>;
} {
  const [busy, setBusy] = useState(false);
  const run = useCallback(async (path: string, name: string, tenant: string | null): Promise<void> => {
    setBusy(true);
    try {
      await save(path, name, tenant);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      toasts.show({ level: 'critical', text: `The export failed: ${why}` });
    } finally {
      setBusy(false);
    }
  }, []);
  return { busy, run };
}
