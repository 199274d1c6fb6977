import clsx from 'clsx';
import type { ReactElement } from 'react';
import { Icon } from '../design/Icon';
import styles from './shell.module.css';
import type { Server } from './useServer';

/** One line above every page while something is wrong with the server. */
export function Banner({ server }: { server: Server }): ReactElement | null {
  if (server.state === 'gone')
    return (
      <div className={clsx(styles.banner, styles.bad)} role="alert">
        <Icon name="refresh" spin />
        <span>The server does not answer. You see what arrived last. Retrying…</span>
        <button type="button" className="button" onClick={server.retry}>
          Retry now
        </button>
      </div>
    );
  if (server.state !== 'starting' && server.state !== 'unhealthy') return null;
  return (
    <div className={clsx(styles.banner, styles.warn)} role="status">
      <Icon name="warning" />
      <span>
        {server.state === 'starting'
          ? 'The server is starting or stopping: it takes no traffic.'
          : 'The server is not healthy.'}
      </span>
    </div>
  );
}
