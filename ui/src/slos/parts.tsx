import clsx from 'clsx';
import type { ReactElement } from 'react';
import type { Slo } from '../api/slos';
import { StatusChip } from '../design/StatusChip';
import type { TableColumn } from '../design/table/columns';
import { lasts, percent, standOf, STANDS, times } from './slo';
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

interface Budget {
  readonly budget_remaining: number | null;
  readonly burn_rate: number | null;
  readonly exhausted_in_minutes: number | null;
}

/** What is left of a budget, how fast it goes and when it is gone; `nameOf` says whose it is. */
export function budgetColumns<Row extends Budget>(nameOf: (row: Row) => string): readonly TableColumn<Row>[] {
  return [
    {
      id: 'budget',
      title: 'budget left',
      chars: 26,
      least: 16,
      value: ({ budget_remaining: left }) => left ?? Number.NEGATIVE_INFINITY,
      cell: (row) => <BudgetBar left={row.budget_remaining} label={nameOf(row)} />,
    },
    {
      id: 'burn',
      title: 'burn rate',
      kind: 'number',
      value: ({ burn_rate: rate }) => rate,
      cell: ({ burn_rate: rate }) => times(rate),
      chars: 6,
    },
    {
      id: 'lasts',
      title: 'lasts',
      kind: 'number',
      value: ({ exhausted_in_minutes: minutes }) => minutes ?? Number.MAX_VALUE,
      cell: ({ exhausted_in_minutes: minutes }) => lasts(minutes),
      chars: 9,
    },
  ];
}
