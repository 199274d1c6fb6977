import { SegmentedControl } from '@mantine/core';
import clsx from 'clsx';
import { useMemo, useState, type ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import { logHistogram, type LogLine, type LogsAsked } from '../api/logs';
import { useAsked } from '../api/useAsked';
import { EmptyState } from '../design/EmptyState';
import { formatCount } from '../design/format';
import { Glyph } from '../design/Glyph';
import { usePageClock } from '../design/hooks';
import { CopyIcon, Note, Warnings } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import { ExportMenu } from '../exports/ExportMenu';
import { Body, Page, PageHead, Toolbar } from '../page/Page';
import { TimeControls } from '../page/TimeControls';
import { WhatElse } from '../related/WhatElse';
import { absolute, isLive, resolveRange, widen } from '../time/range';
import { useRuns } from '../time/useRuns';
import { Around } from './Around';
import { FieldList } from './FieldList';
import { HistogramView } from './HistogramView';
import type { FieldActions } from './LineDetails';
import { LineList } from './LineList';
import { PatternsView } from './PatternsView';
import { condition, narrowed, quoted, readFault } from './query';
import { SearchBox } from './SearchBox';
import { BY_LEVEL, readState, writeState, type LogsState } from './state';
import { MOST_LIVE, useLines, useTail, type Lines } from './useLines';
import styles from './logs.module.css';

const BUCKETS = 60;

/** How to have logs arrive, where there are none at all. */
function SendLogs(): ReactElement {
  const { origin } = window.location;
  const text = `export OTEL_EXPORTER_OTLP_ENDPOINT=${origin}\nexport OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf\nexport OTEL_LOGS_EXPORTER=otlp\n`;
  return (
    <>
      <p>
        Programs with an OpenTelemetry SDK need these; Loki&apos;s and Elasticsearch&apos;s senders get{' '}
        <code>{origin}</code> as their address.
      </p>
      <div className={styles.snippet}>
        <pre tabIndex={0} aria-label="Settings for OpenTelemetry">
          {text}
        </pre>
        <CopyIcon text={text} label="Copy" />
      </div>
      <a href="/docs/logs.html" target="_blank" rel="noreferrer">
        All ways to send logs
      </a>
    </>
  );
}

function Nothing({ query, onWiden }: { query: string; onWiden: () => void }): ReactElement {
  const wider = (
    <button type="button" className="button" onClick={onWiden}>
      <Glyph name="zoomOut" size={14} /> Twice the time
    </button>
  );
  if (query !== '')
    return (
      <EmptyState reason="filtered" title="No lines in this time meet the search" actions={wider}>
        Take a condition away, or look at a longer time.
      </EmptyState>
    );
  return (
    <EmptyState reason="none-yet" title="No logs in this time" actions={wider}>
      <SendLogs />
    </EmptyState>
  );
}

function LinesView(
  props: FieldActions & {
    found: Lines;
    live: boolean;
    fresh: readonly LogLine[];
    query: string;
    named: string;
    onAround: (line: LogLine) => void;
    onWiden: () => void;
  },
): ReactElement {
  const { found, live, fresh, query, named, onAround, onWiden, ...actions } = props;
  const [top, setTop] = useState(true);
  // Who has scrolled down reads: what comes then waits until they are back at the top.
  const [held, setHeld] = useState<readonly LogLine[]>(fresh);
  if (top && held !== fresh) setHeld(fresh);
  const waiting = live ? fresh.filter((line) => !held.includes(line)).length : 0;
  const lines = useMemo(() => (live ? [...held, ...found.lines] : found.lines), [live, held, found.lines]);
  if (found.pending) return <Skeleton kind="table" label="Lines" rows={14} />;
  if (found.error && lines.length === 0)
    return (
      <EmptyState reason="failed" title="The lines cannot be read">
        {found.error.message}
      </EmptyState>
    );
  if (lines.length === 0) return <Nothing query={query} onWiden={onWiden} />;
  return (
    <div className={styles.holder}>
      {waiting > 0 ? (
        <button
          type="button"
          className={clsx('button primary', styles.waiting)}
          onClick={() => {
            setHeld(fresh);
            document.querySelector('[data-lines] [role=region]')?.scrollTo({ top: 0 });
          }}
        >
          {formatCount(waiting)} new
        </button>
      ) : null}
      <div data-lines>
        <LineList
          {...actions}
          label="Lines, the newest first"
          lines={live ? lines.slice(0, MOST_LIVE) : lines}
          named={named}
          onAround={onAround}
          onTop={setTop}
          {...(found.more && !live ? { onEnd: found.older } : {})}
        />
      </div>
    </div>
  );
}

export default function LogsPage(): ReactElement {
  const address = useAddress();
  const { search, range, tenant, change, setOwn } = address;
  const { utc } = usePageClock();
  const state = useMemo(() => readState(search), [search]);
  const { at, ask } = useRuns(address);
  const span = useMemo(() => resolveRange(range, at, utc), [range, at, utc]);
  const [around, setAround] = useState<LogLine | null>(null);
  const [fieldsShown, setFieldsShown] = useState(false);
  const asked = useMemo<LogsAsked | null>(
    () => (typeof span === 'string' ? null : { query: state.query, fromMs: span.fromMs, toMs: span.toMs }),
    [state.query, span],
  );
  const live = state.live && asked !== null && isLive(range);
  const found = useLines(asked, tenant);
  const tail = useTail(live, state.query, asked?.toMs ?? 0, tenant);
  const histogram = useAsked({
    key: ['logs', 'histogram', asked, state.by],
    ask: (asking) => logHistogram(asked ?? { query: '', fromMs: 0, toMs: 1 }, state.by, BUCKETS, asking),
    enabled: asked !== null,
    refetchOnWindowFocus: false,
    keep: true,
  });
  const set = (next: Partial<LogsState>): void => setOwn(writeState(next));
  const run = (query: string): void => {
    ask();
    if (query !== state.query) set({ query });
  };
  const zoomOut = (): void => {
    if (typeof span !== 'string') change({ range: widen(span, Date.now()) });
  };
  const actions: FieldActions = {
    columns: state.columns,
    onCondition: (name, value, include) => run(narrowed(state.query, condition(name, value, include))),
    onColumn: (name) =>
      set({
        columns: state.columns.includes(name)
          ? state.columns.filter((one) => one !== name)
          : [...state.columns, name],
      }),
  };
  const failed = found.error ?? histogram.error;
  const fault = failed ? readFault(failed.message) : null;
  const total = histogram.data?.total;
  return (
    <Page dense>
      <PageHead
        title="Logs"
        about={total === undefined || failed ? null : `${formatCount(total)} lines`}
        time={<TimeControls ranged busy={found.busy} onRange={ask} onNow={ask} />}
      />
      {typeof span === 'string' ? <Note level="bad">The time range is not valid: {span}.</Note> : null}
      <SearchBox
        query={state.query}
        busy={found.busy}
        fault={fault && fault.at >= 0 ? fault : null}
        onRun={run}
      />
      {histogram.data && !histogram.error ? (
        <HistogramView
          data={histogram.data}
          by={state.by}
          onZoom={(fromMs, toMs) => {
            ask();
            change({ range: absolute(fromMs, toMs) });
          }}
          onZoomOut={zoomOut}
          onValue={(value) => actions.onCondition(state.by, value, true)}
          onByLevel={() => set({ by: BY_LEVEL })}
        />
      ) : histogram.error ? null : (
        <Skeleton kind="chart" label="Lines over time" height={120} />
      )}
      <Toolbar label="What is shown">
        <SegmentedControl
          size="xs"
          aria-label="View"
          data={[
            { value: 'lines', label: 'Lines' },
            { value: 'patterns', label: 'Patterns' },
          ]}
          value={state.view}
          onChange={(view) => set({ view: view === 'patterns' ? 'patterns' : 'lines' })}
        />
        <button
          type="button"
          className={clsx('button', styles.fieldsButton)}
          aria-pressed={fieldsShown}
          onClick={() => setFieldsShown(!fieldsShown)}
        >
          Fields
        </button>
        <button
          type="button"
          className="button"
          aria-pressed={state.live}
          onClick={() => {
            ask();
            set({ live: !state.live });
            if (!state.live && !isLive(range)) change({ range: { from: 'now-15m', to: 'now' } });
          }}
        >
          <i className={clsx('dot', live && !tail.error && 'good')} /> Live
        </button>
        <ExportMenu what={asked ? { signal: 'logs', ...asked } : null} />
        {live && tail.leftOut > 0 ? (
          <span className="dim">{formatCount(tail.leftOut)} lines came too fast to be shown</span>
        ) : null}
      </Toolbar>
      {live && tail.error && !fault ? (
        <Note level="bad">New lines cannot be read: {tail.error.message}</Note>
      ) : null}
      <Warnings of={found.warnings} />
      <Body>
        <div className={clsx(styles.split, fieldsShown && styles.withFields)}>
          {asked ? (
            <FieldList
              {...actions}
              asked={asked}
              by={state.by}
              onBy={(name) => set({ by: name === state.by ? BY_LEVEL : name })}
            />
          ) : null}
          <section className="panel" aria-label={state.view === 'lines' ? 'Lines' : 'Patterns'}>
            {state.view === 'patterns' && asked ? (
              <PatternsView
                asked={asked}
                since={state.since}
                onSince={(since) => set({ since })}
                onPhrase={(text, include) => {
                  ask();
                  const phrase = `${include ? '' : 'NOT '}${quoted(text)}`;
                  set({ query: narrowed(state.query, phrase), view: include ? 'lines' : 'patterns' });
                }}
              />
            ) : (
              <LinesView
                key={tenant}
                {...actions}
                found={found}
                live={live}
                fresh={tail.lines}
                query={state.query}
                named={state.line}
                onAround={setAround}
                onWiden={zoomOut}
              />
            )}
          </section>
        </div>
      </Body>
      <WhatElse />
      {around ? <Around {...actions} line={around} onClose={() => setAround(null)} /> : null}
    </Page>
  );
}
