import type { ReactElement } from 'react';
import type { Remark } from '../api/dashboards';
import { StatusChip } from '../design/StatusChip';
import { Value } from '../design/Value';
import styles from './dashboard.module.css';

const LOOKS = { lost: ['critical', 'lost'], changed: ['info', 'changed'], note: ['ok', 'note'] } as const;

/** What of a dashboard cannot be shown, or was written anew; nothing where all is as it came. */
export function Report({ remarks }: { remarks: readonly Remark[] }): ReactElement {
  if (remarks.length === 0) return <p className="dim">Everything in it is known here.</p>;
  const order = ['lost', 'changed', 'note'] as const;
  const sorted = [...remarks].sort((a, b) => order.indexOf(a.level) - order.indexOf(b.level));
  return (
    <ul className={styles.report} aria-label="Report" tabIndex={0}>
      {sorted.slice(0, 200).map(({ level, where, message, hint }, i) => {
        const [status, name] = LOOKS[level];
        return (
          <li key={i}>
            <StatusChip status={status}>{name}</StatusChip>
            <span>
              {where === '' ? null : (
                <b>
                  <Value text={where} />:{' '}
                </b>
              )}
              <Value text={message} />
              {hint ? (
                <span className="dim">
                  {' '}
                  <Value text={hint} />
                </span>
              ) : null}
            </span>
          </li>
        );
      })}
      {sorted.length > 200 ? <li className="dim">and {sorted.length - 200} more</li> : null}
    </ul>
  );
}
