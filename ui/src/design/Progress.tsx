import clsx from 'clsx';
import type { ReactElement } from 'react';
import styles from './progress.module.css';

/** A thin line that moves while something is asked; it takes the same room when nothing is. */
export function Progress({ busy }: { busy: boolean }): ReactElement {
  return <div className={clsx(styles.progress, busy && styles.on)} />;
}
