import clsx from 'clsx';
import type { ReactElement } from 'react';
import styles from './badge.module.css';

/** A count beside a page's name, and in words what is counted; nothing when there is none. */
export function Badge(props: { count: number; level: 'bad' | 'warn'; label: string }): ReactElement | null {
  const { count, level, label } = props;
  if (count === 0) return null;
  const said = `${count} ${label}`;
  return (
    <span className={clsx(styles.badge, styles[level])} aria-label={said} title={said}>
      {count}
    </span>
  );
}
