import { SegmentedControl } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import clsx from 'clsx';
import { useState, type ReactElement, type ReactNode } from 'react';
import { useAddress } from '../address/hooks';
import { related, type About } from '../api/related';
import type {
  RelatedAlert,
  RelatedAnswer,
  RelatedChange,
  RelatedCheck,
  RelatedStart,
  RelatedLine,
  RelatedSeries,
  RelatedTrace,
} from '../api/types';
import { useAsked } from '../api/useAsked';
import { Drawer } from '../design/Drawer';
import { EmptyState } from '../design/EmptyState';
import { formatCount, formatInstant, formatSeconds } from '../design/format';
import { usePageClock } from '../design/hooks';
import type { Status } from '../design/status';
import { Note } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import { StatusDot } from '../design/StatusChip';
import { Expression, LabelSet, Value } from '../design/Value';
import { visibleText } from '../design/value';
import { ExplainLink } from '../explain/ExplainLink';
import { distance, linkOf, msOf, stateOf } from './told';
import { WHAT_ELSE } from './WhatElse';
import styles from './related.module.css';

/** A point of a chart is explained with so much before and behind it. */
const EACH_SIDE_MS = 60_000;
const AROUND = ['1m', '5m', '30m', '2h'] as const;
const KINDS: Readonly<Record<string, string>> = {
  series: 'Series',
  line: 'Log line',
  span: 'Span',
  alert: 'Alert',
};

/** A row that leads to the page which the server names. */
function Row(props: {
  link: string;
  atNs: string;
  subjectNs: string;
  reasons: readonly string[];
  figures: ReactNode;
  level?: string;
  children: ReactNode;
}): ReactElement {
  const { link, atNs, subjectNs, reasons, figures, level, children } = props;
  const { search } = useAddress();
  const { utc } = usePageClock();
  const { to, params } = linkOf(link, search);
  return (
    <li>
      {/* The router knows its own addresses by heart; the server's are such. */}
      <Link to={to as '/'} search={params} className={styles.row} {...(level ? { 'data-level': level } : {})}>
        <span className={styles.what}>{children}</span>
        <span className={styles.why}>
          <span className={styles.figures}>{figures}</span>
          {atNs === '' ? null : (
            <time className={styles.when} title={formatInstant(msOf(atNs), utc)}>
              {distance(atNs, subjectNs)}
            </time>
          )}
          {reasons.map((reason) => (
            <span key={reason} className={clsx('pill', reason === 'failed' && 'bad')}>
              {reason}
            </span>
          ))}
        </span>
      </Link>
    </li>
  );
}

interface PartOf<T> {
  readonly items: readonly T[];
  readonly has_more: boolean;
  readonly failure: string;
  readonly lacks: string;
  readonly link: string;
}

/** So many of each signal are shown at first: what is nearest of all signals has room beside one another. */
const FIRST = 5;

/** One signal, if it has anything to tell: what it found, or why it could not look. */
function Signal<T>(props: {
  title: string;
  page: string;
  part: PartOf<T>;
  row: (item: T, i: number) => ReactElement;
}): ReactElement | null {
  const { title, page, part, row } = props;
  const { search } = useAddress();
  const [whole, setWhole] = useState(false);
  const items = whole ? part.items : part.items.slice(0, FIRST);
  if (part.items.length === 0 && part.failure === '') return null;
  const { to, params } = linkOf(part.link, search);
  return (
    <section className={styles.signal} aria-label={title}>
      <header className="row">
        <h3>
          {title}{' '}
          <span className="dim">
            {part.items.length === 0 ? '' : formatCount(part.items.length)}
            {part.has_more ? ' and more' : ''}
          </span>
        </h3>
        <span className="grow" />
        <Link to={to as '/'} search={params} className="button quiet">
          Open in {page}
        </Link>
      </header>
      {part.failure === '' ? null : (
        <Note level="bad">
          {title} cannot be read{part.items.length > 0 ? ' in full' : ''}: {part.failure}
        </Note>
      )}
      <ul>{items.map(row)}</ul>
      {items.length === part.items.length ? null : (
        <button type="button" className="button quiet" onClick={() => setWhole(true)}>
          {formatCount(part.items.length - items.length)} more
        </button>
      )}
    </section>
  );
}

function TraceRow({ trace, at }: { trace: RelatedTrace; at: string }): ReactElement {
  return (
    <Row
      link={trace.link}
      atNs={trace.start_ns}
      subjectNs={at}
      reasons={trace.reasons}
      figures={
        <>
          {formatSeconds(trace.duration_ns / 1e9)}, {formatCount(trace.spans)}{' '}
          {trace.spans === 1 ? 'span' : 'spans'}
          {trace.errors > 0 ? <span className={styles.bad}>, {formatCount(trace.errors)} failed</span> : null}
        </>
      }
    >
      <span className={styles.head}>
        <b>
          <Value text={trace.service} />
        </b>{' '}
        <Value text={trace.name} />
      </span>
    </Row>
  );
}

function LineRow({ line, at }: { line: RelatedLine; at: string }): ReactElement {
  return (
    <Row
      link={line.link}
      atNs={line.ts_ns}
      subjectNs={at}
      reasons={line.reasons}
      level={line.level}
      figures={
        <>
          <span className={styles.level}>{line.level}</span> <Value text={line.service} />
        </>
      }
    >
      <span className={styles.line}>
        <Value text={line.body} mono />
      </span>
    </Row>
  );
}

function SeriesRow({ one, at }: { one: RelatedSeries; at: string }): ReactElement {
  return (
    <Row
      link={one.link}
      atNs={one.at_ns}
      subjectNs={at}
      reasons={one.reasons}
      figures={one.value === '' ? `${formatCount(one.series)} series` : `exemplar ${one.value}`}
    >
      <span className={styles.head} title={visibleText(one.expression)}>
        <Expression text={one.metric} />
      </span>
    </Row>
  );
}

function AlertRow({ alert, at }: { alert: RelatedAlert; at: string }): ReactElement {
  return (
    <Row
      link={alert.link}
      atNs={alert.at_ns}
      subjectNs={at}
      reasons={alert.reasons}
      figures={<Value text={alert.state} />}
    >
      <span className={styles.head} title={visibleText(alert.text)}>
        <StatusDot status={stateOf(alert)} label={alert.state} />{' '}
        <b>
          <Value text={alert.name} />
        </b>
      </span>
      <LabelSet labels={alert.labels} without={['alertname']} />
    </Row>
  );
}

const STANDS: Readonly<Record<string, Status>> = { up: 'ok', down: 'critical' };

function CheckRow({ check, at }: { check: RelatedCheck; at: string }): ReactElement {
  return (
    <Row
      link={check.link}
      atNs={check.at_ns}
      subjectNs={at}
      reasons={check.reasons}
      figures={
        <>
          <Value text={check.was} /> → <Value text={check.state} />
        </>
      }
    >
      <span className={styles.head} title={visibleText(check.text)}>
        <StatusDot status={STANDS[check.state] ?? 'unknown'} label={check.state} />{' '}
        <b>
          <Value text={check.title} />
        </b>{' '}
        <Value text={check.text} />
      </span>
    </Row>
  );
}

const BEGAN: Readonly<Record<string, string>> = {
  process: 'A process started',
  container: 'A container started',
  pod: 'A pod started',
  host: 'The host started',
};

function StartRow({ start, at }: { start: RelatedStart; at: string }): ReactElement {
  return (
    <Row
      link={start.link}
      atNs={start.at_ns}
      subjectNs={at}
      reasons={start.reasons}
      figures={
        start.before === '' ? null : (
          <>
            after <Value text={start.before} />
          </>
        )
      }
    >
      <span className={styles.head}>
        <b>
          {start.version === '' ? (
            (BEGAN[start.what] ?? start.what)
          ) : (
            <>
              Version <Value text={start.version} />
            </>
          )}
        </b>
      </span>
      <LabelSet labels={start.labels} without={[]} />
    </Row>
  );
}

function ChangeRow({ change, at }: { change: RelatedChange; at: string }): ReactElement {
  return (
    <Row
      link={change.link}
      atNs={change.at_ns}
      subjectNs={at}
      reasons={change.reasons}
      figures={
        <>
          by <Value text={change.who} />
          {change.reason === '' ? null : (
            <>
              : <Value text={change.reason} />
            </>
          )}
        </>
      }
    >
      <span className={styles.head}>
        <b>
          <Value text={change.action} />
        </b>{' '}
        <Value text={change.object} />
      </span>
    </Row>
  );
}

/** The signals that told nothing, and those that the reader may not see. */
function Silent({ found, empty }: { found: RelatedAnswer; empty: boolean }): ReactElement | null {
  const parts = (['traces', 'logs', 'alerts', 'health', 'starts', 'changes', 'series'] as const).map(
    (name) => [name, found[name]] as const,
  );
  const nothing = parts.filter(
    ([, part]) => part.items.length === 0 && part.failure === '' && part.lacks === '',
  );
  const hidden = parts.filter(([, part]) => part.lacks !== '');
  const names = (some: typeof parts): string => some.map(([name]) => name).join(', ');
  return (
    <>
      {empty || nothing.length === 0 ? null : <p className="dim">Nothing among: {names(nothing)}.</p>}
      {hidden.length === 0 ? null : (
        <Note level="info">
          Left out, because you may not see them:{' '}
          {hidden.map(([name, { lacks }]) => `${name} (${lacks})`).join(', ')}.
        </Note>
      )}
    </>
  );
}

function Found({ found, around }: { found: RelatedAnswer; around: string }): ReactElement {
  const { utc } = usePageClock();
  const { subject, traces, logs, alerts, health, starts, changes, series } = found;
  const at = subject.at_ns;
  const empty = [traces, logs, alerts, health, starts, changes, series].every(
    (part) => part.items.length === 0 && part.failure === '',
  );
  return (
    <>
      <div className={styles.subject}>
        <span className="dim">
          {KINDS[subject.kind] ?? subject.kind}, {formatInstant(msOf(at), utc)}
        </span>
        <span className={styles.title}>
          <Value text={subject.title} mono />
        </span>
        <LabelSet labels={subject.resource} />
      </div>
      {empty ? (
        <EmptyState reason="none-yet" title="Nothing else is known here">
          Within {around} before and after, nothing has its trace, and nothing is of the same service, host or
          instance.
          {Object.keys(subject.resource).length === 0
            ? ' It does not say of which it is: labels such as job, service or instance would.'
            : ' A longer time may show more.'}
        </EmptyState>
      ) : null}
      <Signal
        title="Traces"
        page="Traces"
        part={traces}
        row={(trace) => <TraceRow key={trace.trace_id} trace={trace} at={at} />}
      />
      <Signal
        title="Log lines"
        page="Logs"
        part={logs}
        row={(line, i) => <LineRow key={`${line.ts_ns} ${line.origin} ${i}`} line={line} at={at} />}
      />
      <Signal
        title="Alerts"
        page="Alerts"
        part={alerts}
        row={(alert) => <AlertRow key={alert.fingerprint} alert={alert} at={at} />}
      />
      <Signal
        title="Health"
        page="Health"
        part={health}
        row={(check) => <CheckRow key={`${check.check} ${check.at_ns}`} check={check} at={at} />}
      />
      <Signal
        title="Starts"
        page="Traces"
        part={starts}
        row={(start, i) => <StartRow key={`${start.at_ns} ${i}`} start={start} at={at} />}
      />
      <Signal
        title="Changes"
        page="Audit log"
        part={changes}
        row={(change) => <ChangeRow key={change.number} change={change} at={at} />}
      />
      <Signal
        title="Series"
        page="Explore"
        part={series}
        row={(one, i) => <SeriesRow key={`${one.expression} ${i}`} one={one} at={at} />}
      />
      <Silent found={found} empty={empty} />
    </>
  );
}

/** What else happened around one thing, each with the reason why it is told. */
export default function RelatedDrawer({
  about,
  onClose,
}: {
  about: About;
  onClose: () => void;
}): ReactElement {
  const [around, setAround] = useState<string>('5m');
  const { data, error, isPending } = useAsked({
    key: ['related', about, around],
    ask: (asking) => related(about, around, asking),
    refetchOnWindowFocus: false,
    staleTime: 30_000,
    retry: false,
  });
  return (
    <Drawer open onClose={onClose} title={WHAT_ELSE}>
      <div className={styles.related} aria-busy={isPending}>
        <div className="row wrap">
          <span className="dim">Before and after</span>
          <SegmentedControl
            size="xs"
            aria-label="How long before and after"
            data={[...AROUND]}
            value={around}
            onChange={setAround}
          />
          {about.kind === 'series' ? (
            <ExplainLink
              spike={{
                expr: about.expr,
                labels: about.labels,
                fromMs: about.atMs - EACH_SIDE_MS,
                toMs: about.atMs + EACH_SIDE_MS,
              }}
            >
              Explain this point
            </ExplainLink>
          ) : null}
        </div>
        {error ? (
          <EmptyState reason="failed" title="This cannot be found out">
            {error.message}
          </EmptyState>
        ) : data ? (
          <Found found={data} around={around} />
        ) : (
          <>
            <Skeleton kind="text" label="What it is about" rows={2} />
            <Skeleton kind="table" label="What else happened" rows={8} />
          </>
        )}
      </div>
    </Drawer>
  );
}
