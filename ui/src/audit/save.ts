import { useCallback, useState } from 'react';
import { ApiError, failure, noteStatus, parseEnvelope, requestHeaders } from '../api/client';
import { toasts } from '../design/toasts';

/** Fetches a file as who is signed in, and has the browser keep it. */
async function save(path: string, name: string, tenant: string | null): Promise<void> {
  let response: Response;
  try {
    response = noteStatus(await fetch(path, { headers: requestHeaders(tenant) }));
  } catch (error) {
    throw failure(error, path);
  }
  if (!response.ok) {
    const envelope = parseEnvelope(await response.text(), response.status, path);
    throw new ApiError(
      'refused',
      envelope.status === 'error' ? envelope.error : 'it failed',
      response.status,
    );
  }
  const url = URL.createObjectURL(await response.blob());
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
