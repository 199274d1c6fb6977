import { useMemo, type ReactElement } from 'react';
import { PageLink } from '../address/PageLink';
import type { AlertView } from '../api/alerts';
import { logPatterns, type LogPattern, type LogsAsked } from '../api/logs';
import { searchTraces, type TraceRange } from '../api/traces';
import { useAsked } from '../api/useAsked';
import { ALERT_NAME, summaryOf } from '../alerts/alerts';
import { Ago, SeverityChip } from '../alerts/parts';
import { formatAgo, formatCount, formatInstant, formatSeconds } from '../design/format';
import { useNow, usePageClock } from '../design/hooks';
import { Unreadable } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import { StatusChip } from '../design/StatusChip';
import { Value } from '../design/Value';
import { condition } from '../logs/query';
import { earlier, newTemplates } from '../logs/templates';
import { msOf } from '../logs/query';
import { TraceLink } from '../traces/TraceLink';
import type { Version } from './versions';
import styles from './services.module.css';

const MOST = 8;

/** Traces in which spans of the service failed, the newest first. */
export function RecentErrors({ service, range }: { service: string; range: TraceRange }): ReactElement {
  const { utc } = usePageClock();
  const answer = useAsked({
    key: ['service-errors', service, range],
    ask: async (asking) =>
      (await searchTraces({ service, status: 'error' }, range, { limit: MOST }, asking)).data.traces,
    keep: true,
  });
  return (
    <section className="panel card" aria-label="Recent errors">
      <header className="row">
        <h2 className="grow">Recent errors</h2>
        <PageLink page="traces" search={{ service, errors: 'yes' }}>
          all in Traces
        </PageLink>
      </header>
      <Unreadable what="Traces with errors" error={answer.error} asOfMs={answer.dataUpdatedAt} />
      {answer.isPending ? <Skeleton kind="table" label="Traces with errors" rows={4} /> : null}
      {answer.data?.length === 0 ? <p className="dim">No span failed in this time.</p> : null}
      <ul className={styles.list}>
        {(answer.data ?? []).map((trace) => (
          <li key={trace.trace_id}>
            <TraceLink traceId={trace.trace_id}>
              <b>
                <Value text={trace.service} />
              </b>{' '}
              <Value text={trace.name} />
            </TraceLink>
            <span className={styles.figures}>
              {formatCount(trace.errors)} failed · {formatSeconds(trace.duration_ns / 1e9)} ·{' '}
              {formatInstant(Math.floor(msOf(trace.start_ns) / 1000) * 1000, utc)}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Pattern({ pattern, fresh }: { pattern: LogPattern; fresh: boolean }): ReactElement {
  const now = useNow(10_000);
  return (
    <li>
      <span className={styles.template}>
        {fresh ? <span className="pill warn">new</span> : null} <Value text={pattern.template} mono />
      </span>
      <span className={styles.figures}>
        {pattern.level === '' ? '' : `${pattern.level} · `}
        {formatCount(pattern.lines)} {pattern.lines === 1 ? 'line' : 'lines'}, the last{' '}
        {formatAgo(msOf(pattern.last_ns), now)}
      </span>
    </li>
  );
}

/** What the service logs, what it did not log in the time before first. */
export function LogNews({ service, asked }: { service: string; asked: LogsAsked }): ReactElement {
  const now = useAsked({
    key: ['logs', 'patterns', asked],
    ask: (asking) => logPatterns(asked, asking),
    keep: true,
  });
  const reference = earlier(asked, 'before');
  const before = useAsked({
    key: ['logs', 'patterns', reference],
    ask: (asking) => logPatterns(reference, asking),
    staleTime: Infinity,
  });
  const { patterns, fresh } = useMemo(() => {
    const found = now.data?.patterns ?? [];
    const known = before.data?.patterns;
    // Beside a time without lines everything would be new, which says nothing.
    const names =
      known === undefined || known.length === 0
        ? new Set<string>()
        : newTemplates(
            found.map(({ template }) => template),
            known.map(({ template }) => template),
          );
    return {
      fresh: names,
      patterns: [...found].sort((a, b) => Number(names.has(b.template)) - Number(names.has(a.template))),
    };
  }, [now.data, before.data]);
  const compared = before.data !== undefined && before.data.patterns.length > 0;
  return (
    <section className="panel card" aria-label="Log patterns">
      <header className="row">
        <h2 className="grow">Log patterns</h2>
        <PageLink
          page="logs"
          search={{ q: condition('service', service, true), view: 'patterns', since: 'before' }}
        >
          all in Logs
        </PageLink>
      </header>
      <Unreadable what="Log patterns" error={now.error} asOfMs={now.dataUpdatedAt} />
      {now.isPending ? <Skeleton kind="table" label="Log patterns" rows={4} /> : null}
      {now.data && patterns.length === 0 ? (
        <p className="dim">
          No log lines of this service in this time. Lines belong to it by <code>service.name</code>.
        </p>
      ) : null}
      {patterns.length > 0 && compared ? (
        <p className="dim">
          {fresh.size === 0 ? 'None is' : `${fresh.size} ${fresh.size === 1 ? 'is' : 'are'}`} new beside the
          time before.
        </p>
      ) : null}
      <ul className={styles.list}>
        {patterns.slice(0, MOST).map((pattern) => (
          <Pattern
            key={`${pattern.level} ${pattern.template}`}
            pattern={pattern}
            fresh={fresh.has(pattern.template)}
          />
        ))}
      </ul>
    </section>
  );
}

/** The alerts of a service that burn. */
export function ServiceAlerts({ alerts }: { alerts: readonly AlertView[] }): ReactElement {
  return (
    <section className="panel card" aria-label="Alerts">
      <header className="row">
        <h2 className="grow">Alerts</h2>
        <PageLink page="alerts" search={{}}>
          all alerts
        </PageLink>
      </header>
      {alerts.length === 0 ? <p className="dim">None burns that names this service.</p> : null}
      <ul className={styles.list}>
        {alerts.map((alert) => (
          <li key={alert.fingerprint}>
            <span>
              <SeverityChip alert={alert} />{' '}
              <PageLink page="alert" search={{ id: alert.fingerprint }}>
                <Value text={alert.labels[ALERT_NAME] ?? alert.fingerprint} />
              </PageLink>{' '}
              <span className="dim">
                <Value text={summaryOf(alert)} />
              </span>
            </span>
            <span className={styles.figures}>
              <Ago at={alert.since} />
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** The versions of a service, the newest first. */
export function Versions(props: {
  versions: readonly Version[];
  error: Error | null;
  pending: boolean;
}): ReactElement {
  const { versions, error, pending } = props;
  const { utc } = usePageClock();
  return (
    <section className="panel card" aria-label="Versions">
      <h2>Versions</h2>
      <Unreadable what="Versions" error={error} asOfMs={0} />
      {pending && !error ? <Skeleton kind="table" label="Versions" rows={2} /> : null}
      {!pending && !error && versions.length === 0 ? (
        <p className="dim">
          Its spans name no version. <code>service.version</code> of the resource would.
        </p>
      ) : null}
      <ul className={styles.list}>
        {versions.map((one) => (
          <li key={one.version}>
            <span>
              <b>
                <Value text={one.version} />
              </b>{' '}
              {one.before ? null : <StatusChip status="info">began in this time</StatusChip>}
            </span>
            <span className={styles.figures}>
              {one.before ? 'since before' : `since ${formatInstant(one.firstMs, utc)}`} ·{' '}
              {formatCount(one.spans)} spans, {formatCount(one.errors)} failed
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
