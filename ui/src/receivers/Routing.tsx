import { useDebouncedValue } from '@mantine/hooks';
import clsx from 'clsx';
import type { ReactElement, ReactNode } from 'react';
import { useAddress } from '../address/hooks';
import { PageLink } from '../address/PageLink';
import { ALERT_NAME } from '../alerts/alerts';
import { testRoutes, type TakenRoute } from '../api/receivers';
import { useAsked } from '../api/useAsked';
import { EmptyState } from '../design/EmptyState';
import { TextAreaField } from '../design/fields';
import { formatInstant } from '../design/format';
import { useNow, usePageClock } from '../design/hooks';
import { Note } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import { StatusChip } from '../design/StatusChip';
import { LabelSet, Value } from '../design/Value';
import { DateTimeField } from '../time/DateTimeField';
import { parseTime } from '../time/range';
import { readLabels } from './receivers';
import styles from './receivers.module.css';

/** What holds a page back: an alert by its name and labels, with the way to it; all else by its own name. */
function Holder({ held }: { held: NonNullable<TakenRoute['held_by']> }): ReactElement {
  if (Object.keys(held.alert).length === 0) return <Value text={held.source} mono />;
  return (
    <>
      <PageLink page="alert" search={{ id: held.source }}>
        <Value text={held.alert[ALERT_NAME] ?? 'an alert'} />
      </PageLink>{' '}
      <LabelSet labels={held.alert} without={[ALERT_NAME]} />
    </>
  );
}

function Held({ held, isNow }: { held: TakenRoute['held_by']; isNow: boolean }): ReactElement {
  const { utc } = usePageClock();
  if (held === null) return <StatusChip status="ok">{isNow ? 'told now' : 'told then'}</StatusChip>;
  return (
    <span>
      <StatusChip status="muted">held back</StatusChip> <Value text={held.reason} />
      {held.source === '' ? null : (
        <>
          {' '}
          by <Holder held={held} />
        </>
      )}
      {held.until === null ? '' : `, until ${formatInstant(Date.parse(held.until), utc)}`}
    </span>
  );
}

function Names({ names }: { names: readonly string[] }): ReactElement {
  return <Value text={names.join(', ')} mono />;
}

/** One way that the labels take: the routes from the root down, and what is done at its end. */
function Way({ route, isNow }: { route: TakenRoute; isNow: boolean }): ReactElement {
  const facts: readonly (readonly [string, ReactNode])[] = [
    [isNow ? 'Now' : 'Then', <Held held={route.held_by} isNow={isNow} />],
    [
      'By',
      route.integrations.length === 0 ? (
        <span className="dim">nothing: this receiver tells nobody</span>
      ) : (
        <Names names={route.integrations} />
      ),
    ],
    [
      'Grouped by',
      route.group_by.length === 0 ? (
        <span className="dim">nothing: all in one message</span>
      ) : (
        <Names names={route.group_by} />
      ),
    ],
    ...(Object.keys(route.group_labels).length === 0
      ? []
      : [['Its group', <LabelSet labels={route.group_labels} />] as const]),
    [
      'Told',
      `first after ${route.group_wait}, of news every ${route.group_interval}, again every ${route.repeat_interval}`,
    ],
    ...(route.mute_time_intervals.length === 0
      ? []
      : [['Muted in', <Names names={route.mute_time_intervals} />] as const]),
    ...(route.active_time_intervals.length === 0
      ? []
      : [['Told only in', <Names names={route.active_time_intervals} />] as const]),
  ];
  return (
    <section className={clsx('panel card', styles.broken)} aria-label={`To ${route.receiver}`}>
      <header>
        <h2>
          To <Value text={route.receiver} />
        </h2>
      </header>
      <ol className={styles.path} aria-label="The path through the routes">
        {route.path.map(({ matchers, receiver, line }, i) => (
          <li key={i} style={{ marginLeft: i * 16 }}>
            {matchers === '' || matchers === '{}' ? (
              <span className="dim">{i === 0 ? 'the root: every alert' : 'every alert'}</span>
            ) : (
              <Value text={matchers} mono />
            )}
            <span className="dim">
              {' '}
              → <Value text={receiver} />
              {line > 0 ? `, line ${line}` : ''}
            </span>
          </li>
        ))}
      </ol>
      <dl className={styles.facts}>
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

/** Where an alert with typed labels goes, who is told, and what holds it back now. */
export function Routing(): ReactElement {
  const { search, setOwn } = useAddress();
  const text = search.labels ?? '';
  const [settled] = useDebouncedValue(text, 250);
  const [typed] = useDebouncedValue(search.at ?? '', 250);
  const now = useNow(60_000);
  const { utc } = usePageClock();
  const atMs = typed.trim() === '' ? null : parseTime(typed, now, utc);
  const at = atMs === null ? '' : new Date(atMs).toISOString();
  const { labels, fault } = readLabels(settled);
  const answer = useAsked({
    key: ['routes', JSON.stringify(labels), typed],
    ask: (asking) => testRoutes(at === '' ? { labels } : { labels, at }, asking),
    enabled: Object.keys(labels).length > 0,
    keep: true,
  });
  const asked = Object.keys(labels).length > 0;
  return (
    <div className={styles.stack}>
      <div className={styles.form}>
        <TextAreaField
          label="Labels of an alert"
          rows={3}
          hint={'Parted by commas or lines: alertname="HighLatency", severity="critical"'}
          error={fault === null ? undefined : `“${fault}” is no label: write name="value"`}
          value={text}
          onChange={(next) => setOwn({ labels: next || undefined }, true)}
        />
        <DateTimeField
          label="At another time"
          hint="Empty for now"
          text={search.at ?? ''}
          nowMs={now}
          onChange={(next) => setOwn({ at: next || undefined }, true)}
        />
      </div>
      {asked && answer.error ? (
        <Note level="bad">Where it goes cannot be told: {answer.error.message}</Note>
      ) : null}
      {!asked ? (
        <EmptyState reason="none-yet" title="Where would it go?">
          Type the labels of an alert: its path through the tree of routes is shown, who is told, in which
          group, and what holds it back now.
        </EmptyState>
      ) : answer.data ? (
        answer.data.routes.map((route, i) => (
          <Way route={route} isNow={at === ''} key={`${route.receiver} ${i}`} />
        ))
      ) : answer.error ? null : (
        <Skeleton kind="text" label="The routes" rows={3} />
      )}
    </div>
  );
}
