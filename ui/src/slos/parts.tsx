import clsx from 'clsx';
import type { ReactElement } from 'react';
import type { Slo } from '../api/slos';
import { StatusChip } from '../design/StatusChip';
import { percent, standOf, STANDS } from './slo';
import styles from './slos.module.css';

/** What is left of a budget: full is whole, empty spent; what is overdrawn is told beside it. */
export function BudgetBar({ left, label }: { left: number | null; label: string }): ReactElement {
  const shown = Math.max(0, Math.min(1, left ?? 0));
  const tone = left === null || left <= 0 ? styles.spent : left < 0.25 ? styles.little : undefined;
  const said = left === null ? 'none' : percent(left);
  return (
    <span className={styles.budget}>
      <svg
        className={clsx(styles.bar, tone)}
        viewBox="0 0 100 8"
        preserveAspectRatio="none"
        role="img"
        aria-label={`${label}: ${said} of the budget is left`}
      >
        <rect className={styles.ground} width="100" height="8" />
        <rect className={styles.left} width={shown * 100} height="8" />
      </svg>
      <span className={styles.figure}>{said}</span>
    </span>
  );
}

/** How an objective stands, in a word. */
export function StandChip({ slo }: { slo: Slo }): ReactElement {
  const stand = standOf(slo);
  return <StatusChip status={stand}>{STANDS[stand]}</StatusChip>;
}
