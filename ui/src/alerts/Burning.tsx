import type { ReactElement } from 'react';
import { PageLink } from '../address/PageLink';
import { formatCount } from '../design/format';
import { Note } from '../design/parts';
import { StatusChip } from '../design/StatusChip';
import { Value } from '../design/Value';
import { ALERT_NAME, compareAlerts, countViews, isIn, summaryOf } from './alerts';
import { countUndelivered } from '../receivers/receivers';
import { useReceivers } from '../receivers/useReceivers';
import styles from './alerts.module.css';
import { Ago, SeverityChip } from './parts';
import { useAlerts } from './useAlerts';

/** Alerts that are named; the rest is one line. */
const NAMED = 5;

/** That somebody was to be told and was not; nothing when all were. */
function Undelivered({ refreshMs }: { refreshMs: number }): ReactElement | null {
  const count = countUndelivered(useReceivers(refreshMs).data?.data.receivers ?? []);
  if (count === 0) return null;
  return (
    <Note level="bad">
      {count === 1 ? 'A message' : `${formatCount(count)} messages`} about alerts reached nobody.{' '}
      <PageLink page="receivers">See why, and send again</PageLink>
    </Note>
  );
}

/** For the top of other pages: that messages reached nobody, and what burns. */
export default function Top({ refreshMs }: { refreshMs: number }): ReactElement {
  return (
    <>
      <Undelivered refreshMs={refreshMs} />
      <Burning refreshMs={refreshMs} />
    </>
  );
}

/** What burns now, the worst first; nothing when nothing does. */
function Burning({ refreshMs }: { refreshMs: number }): ReactElement | null {
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
