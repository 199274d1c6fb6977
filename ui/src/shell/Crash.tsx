import type { ErrorComponentProps } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { Icon } from '../design/Icon';
import styles from './shell.module.css';

/** Whether a page failed because a part of it did not arrive; each browser, and the loader, words that differently. */
export function isLost(message: string): boolean {
  return /dynamically imported module|Importing a module script failed|Unable to preload CSS/.test(message);
}

/** What a page shows when its own code failed, or could not be loaded: never an empty screen. */
export function Crash({ error, reset }: ErrorComponentProps): ReactElement {
  const message = error instanceof Error ? error.message : String(error);
  return (
    <div className={styles.crash}>
      <div className="note bad" role="alert">
        <Icon name="error" />
        <div className="grow">
          {isLost(message)
            ? 'A part of this page did not arrive. The server is gone, or was updated: reload the page.'
            : `This page failed: ${message}`}
        </div>
      </div>
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
