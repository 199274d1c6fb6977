import { lazy, Suspense, useState, type ReactElement, type ReactNode } from 'react';
import { useAddress } from '../address/hooks';
import { PageLink } from '../address/PageLink';
import type { AlertView } from '../api/alerts';
import { takeBack, timeline, type Step } from '../api/alerting';
import { ask } from '../api/client';
import type { QueryAnswer } from '../api/types';
import { useAsked } from '../api/useAsked';
import { Button } from '../design/Button';
import { EmptyState } from '../design/EmptyState';
import { formatInstant, formatSeconds } from '../design/format';
import { usePageClock } from '../design/hooks';
import { CopyIcon, Note, Unreadable } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import { StatusDot } from '../design/StatusChip';
import { toasts } from '../design/toasts';
import { LabelSet, Value } from '../design/Value';
import { Body, Page, PageHead } from '../page/Page';
import { TimeControls } from '../page/TimeControls';
import { WhatElse, WhatElseButton } from '../related/WhatElse';
import { useMay } from '../session/session';
import { whyNot } from '../session/lacking';
import { useDeed } from '../session/useDeed';
import { matchersOf, writeMatchers } from '../silences/matchers';
import { ALERT_NAME } from './alerts';
import { Evidence } from './Evidence';
import { Acknowledge, Ago, SeverityChip, StateChip } from './parts';
import { alertsSelector, rememberedAlert, stepStatus, webAddress } from './story';
import styles from './alerts.module.css';
import { useAlerts } from './useAlerts';
import { Waiting } from './Waiting';

const NO_STEPS: readonly Step[] = [];
const SHOWN_ANNOTATIONS = ['summary', 'description', 'message', 'runbook', 'runbook_url'];

function Deeds({ alert, onAcknowledge }: { alert: AlertView; onAcknowledge: () => void }): ReactElement {
  const { tenant } = useAddress();
  const may = useMay();
  const deed = useDeed();
  const takes = whyNot(may, 'alerts.acknowledge', 'Alerts are acknowledged');
  const taken = alert.acknowledgement;
  const back = async (): Promise<void> => {
    if (taken === null) return;
    if (await deed.run(() => takeBack(taken.id, { tenant })))
      toasts.show({ level: 'ok', text: 'The acknowledgement is taken back' });
  };
  if (alert.state === 'resolved') return <></>;
  return (
    <>
      {deed.error ? <span className="pill bad">{deed.error.message}</span> : null}
      {taken ? (
        <Button whyNot={takes} disabled={deed.busy} onClick={() => void back()}>
          Take back
        </Button>
      ) : (
        <Button className="button primary" whyNot={takes} onClick={onAcknowledge}>
          Acknowledge
        </Button>
      )}
      <PageLink page="silences" search={{ new: writeMatchers(matchersOf(alert.labels)) }} className="button">
        Silence
      </PageLink>
    </>
  );
}

// Few alerts have one: what reads it is loaded then.
const Runbook = lazy(() => import('./Runbook'));

/** Text of several lines. */
function Lines({ text }: { text: string }): ReactElement {
  return (
    <>
      {text.split(/\r?\n/u).map((line, i) => (
        <span className={styles.line} key={i}>
          {line === '' ? ' ' : <Value text={line} />}
        </span>
      ))}
    </>
  );
}

/** What the rule's author says about it, the runbook where there is one. */
function Said({ alert, steps }: { alert: AlertView; steps: readonly Step[] }): ReactElement {
  const { annotations, acknowledgement: taken } = alert;
  const { utc } = usePageClock();
  const runbook = annotations['runbook_url'] ?? annotations['runbook'];
  const address = webAddress(runbook);
  const more = Object.entries(annotations).filter(([name]) => !SHOWN_ANNOTATIONS.includes(name));
  return (
    <div className={styles.saying}>
      {taken ? (
        <Note level="info">
          <Value text={taken.by} /> sees to it since {formatInstant(Date.parse(taken.at), utc)}
          {taken.until === null ? '' : `, until ${formatInstant(Date.parse(taken.until), utc)}`}
          {taken.comment === '' ? '' : ': '}
          {taken.comment === '' ? null : <Value text={taken.comment} />}
        </Note>
      ) : null}
      {['summary', 'message', 'description'].map((name) => {
        const text = annotations[name];
        return text === undefined || text === '' ? null : (
          <p className={styles.said} key={name}>
            <Lines text={text} />
          </p>
        );
      })}
      {runbook === undefined ? null : address !== null ? (
        <p>
          <a href={address} target="_blank" rel="noreferrer">
            Runbook: <Value text={address} />
          </a>
        </p>
      ) : (
        <div className={styles.runbook} tabIndex={0} role="region" aria-label="Runbook">
          <Suspense fallback={<Lines text={runbook} />}>
            <Runbook text={runbook} id={alert.fingerprint} steps={steps} />
          </Suspense>
        </div>
      )}
      {more.length === 0 ? null : <LabelSet labels={Object.fromEntries(more)} />}
    </div>
  );
}

function Facts({ alert }: { alert: AlertView }): ReactElement {
  const source = webAddress(alert.generator_url);
  const facts: readonly (readonly [string, ReactNode])[] = [
    ['State', <StateChip alert={alert} />],
    [alert.state === 'pending' ? 'Holds since' : 'Since', <Ago at={alert.since} />],
    ...(alert.value === null ? [] : [['Value', <Value text={alert.value} mono />] as const]),
    ['Labels', <LabelSet labels={alert.labels} />],
    ...(alert.receivers.length === 0
      ? []
      : [['Goes to', <Value text={alert.receivers.join(', ')} />] as const]),
    ...(alert.rule === null
      ? []
      : [
          [
            'Rule',
            <>
              <Value text={alert.rule.name} /> in <Value text={alert.rule.group} />
            </>,
          ] as const,
        ]),
    ...(source === null
      ? []
      : [
          [
            'Source',
            <a href={source} target="_blank" rel="noreferrer">
              <Value text={source} />
            </a>,
          ] as const,
        ]),
  ];
  return (
    <dl className={styles.facts}>
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** What happened to it and why, the newest first. */
function Story({ steps }: { steps: readonly Step[] }): ReactElement {
  const { utc } = usePageClock();
  if (steps.length === 0)
    return <p className="dim">Nothing is on record yet: no rule changed its state, nobody was told.</p>;
  return (
    <ol className={styles.steps}>
      {[...steps].reverse().map((step, i) => (
        <li key={`${step.at} ${step.step} ${i}`}>
          <span className={styles.mark}>
            <StatusDot status={stepStatus(step.step)} label={step.step} />
          </span>
          <span className={styles.step}>
            <time dateTime={step.at}>{formatInstant(Date.parse(step.at), utc)}</time>
            <span>
              <Value text={step.text} />
            </span>
          </span>
        </li>
      ))}
    </ol>
  );
}

/** Other alerts of the same name in the last seven days, and how long they fired. */
function Similar({ alert }: { alert: AlertView }): ReactElement | null {
  const name = alert.labels[ALERT_NAME];
  const selector = alertsSelector({
    ...(name === undefined ? {} : { alertname: name }),
    alertstate: 'firing',
  });
  const query = `sum without (alertstate) (count_over_time(${selector}[7d:1m])) * 60`;
  const answer = useAsked({
    key: ['similar alerts', name],
    ask: (asking) => ask<QueryAnswer>('/api/v1/query', { query }, asking),
  });
  if (name === undefined) return null;
  if (answer.error) return <Note level="warn">Past alerts cannot be read: {answer.error.message}</Note>;
  if (answer.data === undefined) return <Skeleton kind="text" label="Past alerts" rows={2} />;
  const found = answer.data.data.resultType === 'vector' ? answer.data.data.result : [];
  const rows = found
    .map((one) => ({ metric: one.metric, seconds: Number(one.value?.[1] ?? 0) }))
    .sort((a, b) => b.seconds - a.seconds)
    .slice(0, 12);
  if (rows.length === 0)
    return (
      <p className="dim">
        {alert.rule === null
          ? 'Only alerts of rules of this server are counted here.'
          : `${alert.state === 'firing' ? 'This is the first one' : 'None fired'} in the last seven days.`}
      </p>
    );
  return (
    <dl className={styles.facts}>
      {rows.map(({ metric, seconds }) => (
        <div key={JSON.stringify(metric)}>
          <dt>{formatSeconds(seconds)}</dt>
          <dd>
            <LabelSet labels={metric} without={['__name__', ALERT_NAME]} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Card({ title, children }: { title: string; children: ReactNode }): ReactElement {
  return (
    <section className="panel card" aria-label={title}>
      <header>
        <h2>{title}</h2>
      </header>
      {children}
    </section>
  );
}

export default function AlertPage(): ReactElement {
  const { search, refreshMs } = useAddress();
  const id = search.id ?? '';
  const [acknowledging, setAcknowledging] = useState(false);
  const answer = useAlerts(refreshMs);
  const told = useAsked({
    key: ['alert timeline', id],
    ask: (asking) => timeline(id, asking),
    refreshMs,
  });
  const steps = told.data;
  const alert =
    answer.data?.data.alerts.find(({ fingerprint }) => fingerprint === id) ??
    (steps ? rememberedAlert(id, steps) : null);
  const name = alert?.labels[ALERT_NAME] ?? 'Alert';
  const waiting = answer.isPending || told.isPending;
  return (
    <Page>
      <PageHead
        title={name}
        breadcrumb={[{ name: 'Alerts', page: 'alerts' }]}
        about={alert ? <SeverityChip alert={alert} /> : null}
        actions={
          alert ? (
            <>
              <CopyIcon text={() => window.location.href} label="Copy the address of this alert" />
              <WhatElseButton about={{ kind: 'alert', fingerprint: id }} />
              <Deeds alert={alert} onAcknowledge={() => setAcknowledging(true)} />
            </>
          ) : null
        }
        time={<TimeControls ranged busy={answer.isFetching} onNow={() => void answer.refetch()} />}
      />
      <Body>
        <Unreadable what="The alerts" error={answer.error} asOfMs={answer.dataUpdatedAt} />
        <Unreadable what="What happened" error={told.error} asOfMs={told.dataUpdatedAt} />
        {alert === null && waiting ? <Skeleton kind="table" label="The alert" rows={5} /> : null}
        {alert === null && !waiting ? (
          <EmptyState
            reason="no-such"
            title="There is no such alert"
            actions={<PageLink page="alerts">All alerts</PageLink>}
          >
            It neither fires nor is anything on record of it.
          </EmptyState>
        ) : null}
        {alert ? (
          <>
            <Waiting id={id} refreshMs={refreshMs} />
            <section className="panel card" aria-label="The alert">
              <Said alert={alert} steps={steps ?? NO_STEPS} />
              <Facts alert={alert} />
            </section>
            <Card title="What was measured">
              <Evidence key={alert.fingerprint} alert={alert} />
            </Card>
            <Card title="What happened, and why">
              {steps ? <Story steps={steps} /> : <Skeleton kind="text" label="What happened" rows={3} />}
            </Card>
            <Card title="Alerts of this name in the last seven days">
              <Similar alert={alert} />
            </Card>
          </>
        ) : null}
      </Body>
      <WhatElse />
      {acknowledging && alert ? (
        <Acknowledge
          alerts={[alert]}
          onClose={() => setAcknowledging(false)}
          onDone={() => {
            toasts.show({ level: 'ok', text: 'Acknowledged' });
            setAcknowledging(false);
          }}
        />
      ) : null}
    </Page>
  );
}
