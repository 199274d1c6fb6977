import { useParams } from '@tanstack/react-router';
import { useMemo, useState, type ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import { PageLink } from '../address/PageLink';
import { ApiError } from '../api/client';
import { traceLogs, traceView, type TraceLogs, type TraceView } from '../api/traces';
import { useAsked } from '../api/useAsked';
import { EmptyState } from '../design/EmptyState';
import { formatThings, formatCount, formatInstant, formatSeconds } from '../design/format';
import { usePageClock, useScheme } from '../design/hooks';
import { CopyIcon, IconButton, Warnings } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import { visibleText } from '../design/value';
import { Value } from '../design/Value';
import { Body, Page, PageHead } from '../page/Page';
import { WhatElse, WhatElseButton } from '../related/WhatElse';
import { useMay } from '../session/session';
import { absolute } from '../time/range';
import {
  AS_IT_COMES,
  matchesOf,
  readSight,
  revealing,
  serviceColors,
  type Opened,
  type Sight,
} from './layout';
import { logRange, marksOf } from './marks';
import { Minimap } from './Minimap';
import { SpanPanel } from './SpanPanel';
import { Waterfall } from './Waterfall';
import styles from './traces.module.css';

const MOST_LINES = 1_000;
const NO_LINES: TraceLogs['lines'] = [];
const CRUMBS = [{ name: 'Traces', page: 'traces' }] as const;

function Facts({ view }: { view: TraceView }): ReactElement {
  const { utc } = usePageClock();
  const errors = view.services.reduce((sum, one) => sum + one.errors, 0);
  const beginMs = Number(BigInt(view.start_ns) / 1_000_000n);
  return (
    <dl className={styles.headFacts}>
      <div>
        <dt>Takes</dt>
        <dd>{formatSeconds(view.duration_ns / 1e9)}</dd>
      </div>
      <div>
        <dt>Spans</dt>
        <dd>{formatCount(view.rows.length)}</dd>
      </div>
      <div>
        <dt>Errors</dt>
        <dd className={errors > 0 ? styles.bad : undefined}>{formatCount(errors)}</dd>
      </div>
      <div>
        <dt>Began</dt>
        <dd>{formatInstant(beginMs, utc)}</dd>
      </div>
      <div>
        <dt>Id</dt>
        <dd className="row">
          <span className="mono ellipsis">{view.trace_id}</span>
          <CopyIcon text={view.trace_id} label="Copy the trace's id" />
        </dd>
      </div>
    </dl>
  );
}

/** The services with their share of own time; pressing one looks for its spans. */
function Services(props: {
  view: TraceView;
  colors: ReadonlyMap<string, string>;
  onService: (service: string) => void;
}): ReactElement {
  const { view, colors, onService } = props;
  return (
    <ul className={styles.legend} aria-label="Services">
      {view.services.map((one) => (
        <li key={one.service}>
          <button
            type="button"
            className={styles.legendItem}
            title={visibleText(
              `${one.service}: ${formatThings(one.spans, 'span')}, own time ${formatSeconds(one.own_ns / 1e9)}, ${formatSeconds(one.critical_ns / 1e9)} of the critical path`,
            )}
            onClick={() => onService(one.service)}
          >
            <i className={styles.swatch} style={{ background: colors.get(one.service) }} />
            <Value text={one.service} /> <span className="dim">{formatCount(one.spans)}</span>
            {one.errors > 0 ? <span className={styles.bad}> {formatCount(one.errors)} failed</span> : null}
          </button>
        </li>
      ))}
    </ul>
  );
}

/** The log lines that carry the trace's id, the earliest first. */
function useLines(view: TraceView) {
  const may = useMay();
  const range = logRange(view);
  const query = `trace_id:${view.trace_id}`;
  const answer = useAsked({
    key: ['trace-lines', query, range],
    ask: async (asking) => (await traceLogs(query, range, asking, MOST_LINES)).data.lines,
    enabled: may('logs.view'),
    staleTime: 60_000,
    refetchOnWindowFocus: false,
    retry: false,
  });
  return { query, range, lines: answer.data ?? NO_LINES, failed: answer.error };
}

function Found({ view }: { view: TraceView }): ReactElement {
  const { search, setOwn } = useAddress();
  const scheme = useScheme();
  const colors = useMemo(
    () =>
      serviceColors(
        view.services.map((one) => one.service),
        scheme,
      ),
    [view, scheme],
  );
  const selected = search.span === undefined ? -1 : view.rows.findIndex((row) => row.span_id === search.span);
  const [opened, setOpened] = useState<Opened>(() =>
    selected < 0 ? AS_IT_COMES : revealing(view, AS_IT_COMES, selected),
  );
  const words = search.find ?? '';
  const matches = useMemo(() => matchesOf(view, words), [view, words]);
  const marked = useMemo(() => new Set(matches), [matches]);
  const { query, range, lines, failed } = useLines(view);
  const marks = useMemo(() => marksOf(view, lines), [view, lines]);
  const sight = readSight(search.at, view.duration_ns);
  const select = (row: number): void => {
    setOpened((before) => revealing(view, before, row));
    setOwn({ span: view.rows[row]?.span_id }, true);
  };
  const setSight = (next: Sight | null): void =>
    setOwn({ at: next === null ? undefined : `${next.from}-${next.to}` }, true);
  const place = matches.indexOf(selected);
  const step = (by: 1 | -1): void => {
    const from =
      place >= 0 ? place : by === 1 ? matches.findLastIndex((row) => row < selected) : matches.length;
    const next = matches[(from + by + matches.length) % matches.length];
    if (next !== undefined) select(next);
  };
  const row = view.rows[selected];
  const parents = view.rows.flatMap((one, i) => (one.children > 0 && one.depth > 0 ? [i] : []));
  const zoom = (): void => {
    if (row === undefined) return;
    const around = Math.max(1, Math.round(row.duration_ns * 0.05));
    setSight({
      from: Math.max(0, Math.floor(row.offset_ns - around)),
      to: Math.ceil(row.offset_ns + row.duration_ns + around),
    });
  };
  return (
    <>
      <Facts view={view} />
      <Warnings of={view.warnings} />
      <section className="panel card">
        <Services view={view} colors={colors} onService={(service) => setOwn({ find: service }, true)} />
        <Minimap view={view} colors={colors} sight={sight} onSight={setSight} />
        <div className={styles.tools} role="search" aria-label="Within the trace">
          <input
            type="search"
            className={`field ${styles.find ?? ''}`}
            data-search=""
            aria-label="Find in this trace"
            placeholder="Find service, span or id"
            value={words}
            onChange={(event) => setOwn({ find: event.target.value || undefined }, true)}
            onKeyDown={(event) => {
              if (event.key === 'Enter' && matches.length > 0) step(event.shiftKey ? -1 : 1);
            }}
          />
          {words === '' ? null : (
            <>
              <span className="dim" role="status">
                {place >= 0 ? `${formatCount(place + 1)} of ` : ''}
                {formatCount(matches.length)} found
              </span>
              <IconButton
                icon="chevronLeft"
                label="The one before"
                disabled={matches.length === 0}
                onClick={() => step(-1)}
              />
              <IconButton
                icon="chevronRight"
                label="The next one"
                disabled={matches.length === 0}
                onClick={() => step(1)}
              />
            </>
          )}
          <span className="grow" />
          {failed ? (
            <span className="dim" title={failed.message}>
              its logs cannot be read
            </span>
          ) : lines.length > 0 ? (
            <PageLink
              page="logs"
              search={{ q: query, ...absolute(range.start * 1000, range.end * 1000) }}
              className={styles.marksKey ?? ''}
            >
              {lines.length === MOST_LINES ? 'the newest ' : ''}
              {formatThings(lines.length, 'log line')}
            </PageLink>
          ) : null}
          <span className={styles.pathKey}>
            <i /> critical path
          </span>
          <button
            type="button"
            className="button"
            onClick={() => setOpened({ ...opened, collapsed: new Set(parents) })}
          >
            Collapse
          </button>
          <button
            type="button"
            className="button"
            onClick={() => setOpened({ collapsed: new Set(), unfolded: new Set(view.folds.keys()) })}
          >
            Expand all
          </button>
        </div>
        <div className={styles.beside} data-panel={row === undefined ? undefined : ''}>
          <Waterfall
            view={view}
            colors={colors}
            opened={opened}
            onOpened={setOpened}
            selected={selected}
            onSelect={select}
            matches={marked}
            sight={sight}
            marks={marks}
          />
          {row === undefined ? null : (
            <SpanPanel
              view={view}
              row={row}
              color={colors.get(row.service) ?? 'var(--dim)'}
              onClose={() => setOwn({ span: undefined }, true)}
              onZoom={zoom}
            />
          )}
        </div>
      </section>
    </>
  );
}

function Missing({ traceId, error }: { traceId: string; error: Error }): ReactElement {
  const missing = error instanceof ApiError && (error.status === 404 || error.status === 400);
  return (
    <EmptyState
      reason={missing ? 'no-such' : 'failed'}
      title={missing ? 'There is no such trace' : 'The trace cannot be read'}
      actions={
        <PageLink page="traces" className="button">
          Search for traces
        </PageLink>
      }
    >
      {missing ? (
        <>
          No span of <Value text={traceId} mono /> is stored: it was not sent, has not come yet, or is older
          than what is kept.
        </>
      ) : (
        <Value text={error.message} />
      )}
    </EmptyState>
  );
}

export default function TracePage(): ReactElement {
  const { traceId = '' } = useParams({ strict: false });
  const { tenant } = useAddress();
  const answer = useAsked({
    key: ['trace', traceId],
    ask: async (asking) => {
      const { data, warnings } = await traceView(traceId, asking);
      return { ...data, warnings: [...warnings, ...data.warnings] };
    },
    staleTime: 60_000,
    structuralSharing: false,
    refetchOnWindowFocus: false,
  });
  const view = answer.data;
  const root = view?.rows[view.root < 0 ? 0 : view.root];
  return (
    <Page dense>
      <PageHead
        title={root === undefined ? 'Trace' : visibleText(`${root.service}: ${root.name}`)}
        breadcrumb={CRUMBS}
        actions={
          <span className="row">
            <PageLink page="traces" search={{ view: 'compare', left: traceId }} className="button">
              Compare…
            </PageLink>
            {view === undefined ? null : (
              <WhatElseButton about={{ kind: 'span', traceId: view.trace_id, spanId: '' }} />
            )}
          </span>
        }
      />
      <Body>
        {answer.isPending ? <Skeleton kind="table" label="The trace" rows={14} /> : null}
        {view === undefined && answer.error ? <Missing traceId={traceId} error={answer.error} /> : null}
        {view === undefined ? null : <Found key={`${tenant} ${view.trace_id}`} view={view} />}
      </Body>
      <WhatElse />
    </Page>
  );
}
