import { useState, type ReactElement, type ReactNode } from 'react';
import { PageLink } from '../address/PageLink';
import { ApiError } from '../api/client';
import {
  traceLogs,
  wholeSpan,
  type OtlpPair,
  type OtlpSpans,
  type TraceRow,
  type TraceView,
} from '../api/traces';
import { useAsked } from '../api/useAsked';
import { formatCount, formatInstant, formatSeconds } from '../design/format';
import { Glyph } from '../design/Glyph';
import { usePageClock } from '../design/hooks';
import { CopyIcon, IconButton, Note, Unreadable } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import { StatusChip } from '../design/StatusChip';
import { visibleText } from '../design/value';
import { Value } from '../design/Value';
import { WhatElseButton } from '../related/WhatElse';
import { absolute } from '../time/range';
import { condition, valueText } from './layout';
import { logRange } from './marks';
import { TraceLink } from './TraceLink';
import styles from './traces.module.css';

function Pairs(props: { pairs: readonly OtlpPair[]; place?: 'span' | 'resource' }): ReactElement {
  const { pairs, place } = props;
  return (
    <dl className={styles.pairs}>
      {pairs.map(({ key, value }, i) => {
        const { text, plain } = valueText(value);
        const asked = plain && place !== undefined ? condition(place, key, text) : null;
        const name = visibleText(key);
        return (
          <div key={`${i} ${key}`}>
            <dt>
              <Value text={key} mono />
            </dt>
            <dd>
              <Value text={text} mono />
            </dd>
            {asked === null ? null : (
              <dd className={styles.deeds}>
                <PageLink
                  page="traces"
                  search={{ query: asked }}
                  className="icon-button"
                  title="Search for traces with it"
                  aria-label={`Search for traces with this ${name}`}
                >
                  <Glyph name="plus" size={13} />
                </PageLink>
                <PageLink
                  page="traces"
                  search={{ query: `NOT ${asked}` }}
                  className="icon-button"
                  title="Search for traces with a span without it"
                  aria-label={`Search for traces without this ${name}`}
                >
                  <Glyph name="dash" size={13} />
                </PageLink>
              </dd>
            )}
          </div>
        );
      })}
    </dl>
  );
}

function Part({
  title,
  count,
  children,
}: {
  title: string;
  count: number;
  children: ReactNode;
}): ReactElement | null {
  if (count === 0) return null;
  return (
    <details open className={styles.part}>
      <summary>
        {title} <span className="dim">{formatCount(count)}</span>
      </summary>
      {children}
    </details>
  );
}

function Whole({ answer, spanId }: { answer: OtlpSpans; spanId: string }): ReactElement {
  const found = answer.resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ scope, spans }) => spans.map((span) => ({ resource, scope, span }))),
  );
  return (
    <>
      {found.length > 1 ? (
        <Note level="warn">
          {found.length} spans have the id {spanId}.
        </Note>
      ) : null}
      {found.map(({ resource, scope, span }, i) => {
        const begin = BigInt(span.startTimeUnixNano);
        const events = span.events ?? [];
        const links = span.links ?? [];
        const message = span.status?.message ?? '';
        const scopeName = [scope?.name, scope?.version].filter(Boolean).join(' ');
        return (
          <div key={i} className={styles.whole}>
            {message === '' ? null : (
              <Note level="bad">
                <Value text={message} />
              </Note>
            )}
            <Part title="Attributes" count={span.attributes?.length ?? 0}>
              <Pairs pairs={span.attributes ?? []} place="span" />
            </Part>
            <Part title="Events" count={events.length}>
              {events.map((event, at) => (
                <div key={at} className={styles.event}>
                  <b>
                    <Value text={event.name ?? ''} />
                  </b>{' '}
                  <span className="dim">
                    {formatSeconds(Number(BigInt(event.timeUnixNano ?? begin) - begin) / 1e9)} after its begin
                  </span>
                  <Pairs pairs={event.attributes ?? []} />
                </div>
              ))}
            </Part>
            <Part title="Links" count={links.length}>
              {links.map((link, at) => (
                <div key={at} className={styles.event}>
                  <TraceLink traceId={link.traceId} span={link.spanId} className="mono">
                    {link.traceId} / {link.spanId}
                  </TraceLink>
                  <Pairs pairs={link.attributes ?? []} />
                </div>
              ))}
            </Part>
            <Part title="Resource" count={resource?.attributes?.length ?? 0}>
              <Pairs pairs={resource?.attributes ?? []} place="resource" />
            </Part>
            <Part title="Scope" count={scopeName === '' ? 0 : 1}>
              <p className={styles.scope}>
                <Value text={scopeName} mono />
              </p>
              <Pairs pairs={scope?.attributes ?? []} />
            </Part>
          </div>
        );
      })}
    </>
  );
}

/** Log lines that carry the ids, once they are asked for. */
function Logs({ view, row }: { view: TraceView; row: TraceRow }): ReactElement {
  const { utc } = usePageClock();
  const [of, setOf] = useState<'span' | 'trace' | null>(null);
  const range = logRange(view);
  const query = `trace_id:${view.trace_id}${of === 'span' ? ` span_id:${row.span_id}` : ''}`;
  const answer = useAsked({
    key: ['trace-logs', query, range],
    ask: async (asking) => (await traceLogs(query, range, asking)).data,
    enabled: of !== null,
    retry: false,
  });
  const none = answer.error instanceof ApiError && answer.error.status === 404;
  return (
    <section className={styles.part} aria-label="Logs">
      <div className="row wrap">
        {(['span', 'trace'] as const).map((one) => (
          <button
            key={one}
            type="button"
            className="button"
            aria-pressed={of === one}
            onClick={() => setOf(of === one ? null : one)}
          >
            Logs of this {one}
          </button>
        ))}
        {of === null ? null : (
          <PageLink
            page="logs"
            search={{ q: query, ...absolute(range.start * 1000, range.end * 1000) }}
            className="button quiet"
          >
            Open in Logs
          </PageLink>
        )}
      </div>
      {of === null ? null : none ? (
        <Note level="info">This server has no search for logs.</Note>
      ) : (
        <>
          <Unreadable what="Its logs" error={answer.error} asOfMs={answer.dataUpdatedAt} />
          {answer.isPending ? <Skeleton kind="text" label="Logs" rows={3} /> : null}
          {answer.data && answer.data.lines.length === 0 ? (
            <p className="dim">No log line carries this {of}’s id.</p>
          ) : null}
          <ul className={styles.lines}>
            {(answer.data?.lines ?? []).map((line, i) => (
              <li key={i}>
                <span className="dim">
                  {formatInstant(Number(BigInt(line.ts_ns) / 1_000_000n), utc)} {line.level}
                </span>{' '}
                <Value text={line.body} mono />
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

/** All of one span. */
export function SpanPanel(props: {
  view: TraceView;
  row: TraceRow;
  color: string;
  onClose: () => void;
  onZoom: () => void;
}): ReactElement {
  const { view, row, color, onClose, onZoom } = props;
  const { utc } = usePageClock();
  const answer = useAsked({
    key: ['trace-span', view.trace_id, row.span_id],
    ask: async (asking) => (await wholeSpan(view.trace_id, row.span_id, asking)).data,
    staleTime: 60_000,
  });
  const beginMs = Number((BigInt(view.start_ns) + BigInt(Math.round(row.offset_ns))) / 1_000_000n);
  const facts: readonly (readonly [string, ReactNode])[] = [
    ['Begins', `${formatInstant(beginMs, utc)}, ${formatSeconds(row.offset_ns / 1e9)} into the trace`],
    ['Takes', formatSeconds(row.duration_ns / 1e9)],
    ['Own time', formatSeconds(row.own_ns / 1e9)],
    [
      'Critical',
      row.critical_ns === 0
        ? 'not on the critical path'
        : `${formatSeconds(row.critical_ns / 1e9)} of the critical path`,
    ],
    ['Kind', row.kind],
    ['Children', `${formatCount(row.children)}, ${formatCount(row.descendants)} spans below it`],
  ];
  return (
    <aside className={styles.panel} aria-label="Span">
      <header className={styles.panelHead}>
        <i className={styles.swatch} style={{ background: color }} />
        <div className="grow">
          <h2>
            <Value text={row.name} />
          </h2>
          <span className="dim">
            <Value text={row.service} />
          </span>
        </div>
        {row.status === 'error' ? <StatusChip status="critical">error</StatusChip> : null}
        <IconButton icon={<Glyph name="search" />} label="Zoom to this span" onClick={onZoom} />
        <IconButton icon="close" label="Close the span" onClick={onClose} />
      </header>
      <div className={styles.panelBody}>
        {row.warnings.map((warning) => (
          <Note level="warn" key={warning}>
            {warning}
          </Note>
        ))}
        <dl className={styles.facts}>
          {facts.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
          <div>
            <dt>Id</dt>
            <dd className="row">
              <span className="mono">{row.span_id}</span>
              <CopyIcon text={row.span_id} label="Copy the span's id" />
            </dd>
          </div>
        </dl>
        <Unreadable what="The span" error={answer.error} asOfMs={answer.dataUpdatedAt} />
        {answer.isPending ? <Skeleton kind="text" label="The span" rows={8} /> : null}
        {answer.data ? <Whole answer={answer.data} spanId={row.span_id} /> : null}
        <div>
          <WhatElseButton about={{ kind: 'span', traceId: view.trace_id, spanId: row.span_id }} />
        </div>
        <Logs key={row.span_id} view={view} row={row} />
      </div>
    </aside>
  );
}
