import type { ReactElement } from 'react';
import { PageLink } from '../address/PageLink';
import { StatusChip } from '../design/StatusChip';
import { Value } from '../design/Value';
import { ALERT_NAME, compareAlerts, countViews, isIn, summaryOf } from './alerts';
import styles from './alerts.module.css';
import { Ago, SeverityChip } from './parts';
import { useAlerts } from './useAlerts';

/** Alerts that are named; the rest is one line. */
const NAMED = 5;

/** What burns now, the worst first, for the top of other pages; nothing when nothing does. */
export default function Burning({ refreshMs }: { refreshMs: number }): ReactElement | null {
  const answer = useAlerts(refreshMs);
  if (answer.error && answer.data === undefined)
    return (
      <section className="panel card" aria-label="What burns">
        <StatusChip status="unknown">Unknown: alerts</StatusChip>{' '}
        <span className="dim">{answer.error.message}</span>
      </section>
    );
  const all = answer.data?.data.alerts ?? [];
  const burning = all.filter((alert) => isIn(alert, 'burning')).sort(compareAlerts);
  if (burning.length === 0) return null;
  const { acknowledged, held } = countViews(all);
  const beside = [
    ...(acknowledged > 0 ? [`${acknowledged} acknowledged`] : []),
    ...(held > 0 ? [`${held} held back`] : []),
  ].join(', ');
  return (
    <section className="panel card" aria-label="What burns">
      <ul className={styles.burning}>
        {burning.slice(0, NAMED).map((alert) => (
          <li key={alert.fingerprint}>
            <SeverityChip alert={alert} />
            <span className={styles.what}>
              <PageLink page="alert" search={{ id: alert.fingerprint }}>
                <Value text={alert.labels[ALERT_NAME] ?? alert.fingerprint} />
              </PageLink>
              <span className="dim">
                <Value text={summaryOf(alert) || Object.values(alert.labels).join(' ')} />
              </span>
            </span>
            <Ago at={alert.since} />
          </li>
        ))}
      </ul>
      <PageLink page="alerts">
        {burning.length > NAMED ? `All ${burning.length} that burn` : 'All alerts'}
      </PageLink>
      {beside === '' ? null : <span className="dim"> · {beside}</span>}
    </section>
  );
}
