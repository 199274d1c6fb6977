import clsx from 'clsx';
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { PageLink } from '../address/PageLink';
import type { Answer } from '../api/client';
import type { ComponentView } from '../api/health';
import { EmptyState } from '../design/EmptyState';
import { Unreadable } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import { Value } from '../design/Value';
import { DayStrip, HealthChip } from './parts';
import { uptimeText } from './strip';
import { treeOf } from './tree';
import styles from './health.module.css';

const DEPTHS = ['', styles.depth1, styles.depth2, styles.depth3];

function Row({ of, depth }: { of: ComponentView; depth: number }): ReactElement {
  const [first] = of.reasons;
  return (
    <li className={styles.component}>
      <span className={clsx(styles.name, DEPTHS[Math.min(depth, DEPTHS.length - 1)])}>
        <b>
          <Value text={of.title === '' ? of.name : of.title} />
        </b>
        <span className="dim">
          {of.checks.length} {of.checks.length === 1 ? 'check' : 'checks'}
        </span>
      </span>
      <HealthChip health={of.health} />
      <span className={styles.wide}>
        <DayStrip label={of.name} strip={of.strip} uptime={of.uptime} />
      </span>
      <span className={of.uptime === null ? 'dim' : ''}>{uptimeText(of.uptime)}</span>
      <span className={clsx(styles.wide, styles.reason)}>
        {first === undefined ? null : (
          <>
            <PageLink page="health" search={{ check: first.check }}>
              <Value text={first.check} />
            </PageLink>
            {': '}
            <Value text={first.text} />
            {of.reasons.length > 1 ? <span className="dim"> and {of.reasons.length - 1} more</span> : null}
          </>
        )}
      </span>
    </li>
  );
}

/** Components, each below what it is a part of, and why they are not healthy. */
export function Components({
  answer,
}: {
  answer: UseQueryResult<Answer<readonly ComponentView[]>>;
}): ReactElement {
  const all = answer.data?.data ?? [];
  return (
    <div className={styles.stack}>
      <Unreadable what="The components" error={answer.error} asOfMs={answer.dataUpdatedAt} />
      {answer.isPending ? <Skeleton kind="table" label="The components" rows={4} /> : null}
      {answer.data && all.length === 0 ? (
        <EmptyState reason="none-yet" title="There is no component yet">
          A check that names a component makes one: its health is that of its checks.
        </EmptyState>
      ) : null}
      {all.length === 0 ? null : (
        <ul className={clsx('panel', styles.components)} aria-label="Components">
          {treeOf(all).map(({ of, depth }) => (
            <Row key={of.name} of={of} depth={depth} />
          ))}
        </ul>
      )}
    </div>
  );
}
