import type { ErrorComponentProps } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { Note } from '../design/parts';

/** What a page shows when its own code failed, or could not be loaded: never an empty screen. */
export function Crash({ error, reset }: ErrorComponentProps): ReactElement {
  const message = error instanceof Error ? error.message : String(error);
  const lost = /dynamically imported module|Importing a module script failed/.test(message);
  return (
    <div className="page">
      <Note level="bad">
        {lost
          ? 'A part of this page could not be loaded. The server may be gone, or was updated; reload the page.'
          : `This page failed: ${message}`}
      </Note>
      <div className="row">
        <button type="button" className="button primary" onClick={() => window.location.reload()}>
          Reload
        </button>
        <button type="button" className="button" onClick={reset}>
          Try again
        </button>
      </div>
    </div>
  );
}
