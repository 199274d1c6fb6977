import type { ReactElement } from 'react';
import type { ActiveTarget } from '../api/types';
import { Icon } from '../design/Icon';
import type { Status } from '../design/status';
import { Value } from '../design/Value';
import styles from './targets.module.css';

export const HEALTH_STATUS: Readonly<Record<ActiveTarget['health'], Status>> = {
  up: 'ok',
  down: 'critical',
  unknown: 'unknown',
};

/** Where a target is scraped, and below it why that failed. */
export function TargetUrl({ target }: { target: ActiveTarget }): ReactElement {
  const { scrapeUrl, lastError } = target;
  return (
    <>
      {/^https?:/.test(scrapeUrl) ? (
        <a href={scrapeUrl} rel="noreferrer" target="_blank">
          <Value text={scrapeUrl} mono />
        </a>
      ) : (
        <Value text={scrapeUrl} mono />
      )}
      {lastError ? (
        <div className={styles.targetError}>
          <Icon name="error" size={13} /> <Value text={lastError} />
        </div>
      ) : null}
    </>
  );
}
