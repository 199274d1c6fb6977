import { useNavigate } from '@tanstack/react-router';
import { useMemo, useState, type KeyboardEvent, type ReactElement } from 'react';
import { contextOf, writeContext } from '../address/context';
import { useAddress } from '../address/hooks';
import { TRACE } from '../address/places';
import {
  searchTraces,
  spanRates,
  traceOperations,
  traceServices,
  type TraceFilters,
  type TracePage,
  type TraceRange,
  type TraceSummary,
} from '../api/traces';
import { useAsked } from '../api/useAsked';
import type { Asking } from '../api/client';
import { Choice } from '../design/Choice';
import { EmptyState } from '../design/EmptyState';
import { CheckField } from '../design/fields';
import { formatThings, formatCount, formatInstant, formatSeconds } from '../design/format';
import { Glyph } from '../design/Glyph';
import { usePageClock, useScheme } from '../design/hooks';
import { IconButton, Note, Unreadable, Warnings } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import { visibleText } from '../design/value';
import { Value } from '../design/Value';
import { ExportMenu } from '../exports/ExportMenu';
import { Body, Page, PageHead, Toolbar } from '../page/Page';
import { TimeControls } from '../page/TimeControls';
import { absolute, chooseStep, resolveRange, type Span } from '../time/range';
import { useRuns } from '../time/useRuns';
import { serviceColors } from './layout';
import { Comparison } from './Comparison';
import { Differences } from './Differences';
import { barsOf, beginMs } from './scatter';
import { Scatter } from './Scatter';
import { readSelection, selectedOf, writeSelection, type Selection } from './selection';
import { ServiceMap } from './ServiceMap';
import { TraceLink } from './TraceLink';
import { share } from './Waterfall';
import styles from './traces.module.css';

const PAGE = 100;
const NO_TRACES: readonly TraceSummary[] = [];
const BARS = 80;
const MOST_SERVICES = 6;
const QUICK = [
  ['slow', 'The slowest tenth'],
  ['failed', 'Those that failed'],
] as const;
const VIEWS = [
  ['list', 'Search'],
  ['map', 'Service map'],
  ['compare', 'Two traces'],
] as const;
const TRACE_ID = /^[0-9a-fA-F]{16}(?:[0-9a-fA-F]{16})?$/u;

/** A field that is read when the reader is done with it: by Enter, or by leaving it. */
function Said(props: {
  label: string;
  placeholder: string;
  value: string;
  onSaid: (text: string) => void;
  search?: boolean;
}): ReactElement {
  const { label, placeholder, value, onSaid, search = false } = props;
  const say = (text: string): void => {
    if (text.trim() !== value) onSaid(text.trim());
  };
  return (
    <input
      key={value}
      className={`field ${search ? (styles.query ?? '') : (styles.length ?? '')}`}
      type={search ? 'search' : 'text'}
      {...(search ? { 'data-search': '' } : {})}
      aria-label={label}
      placeholder={placeholder}
      defaultValue={value}
      onBlur={(event) => say(event.currentTarget.value)}
      onKeyDown={(event: KeyboardEvent<HTMLInputElement>) => {
        if (event.key === 'Enter') say(event.currentTarget.value);
      }}
    />
  );
}

function Row(props: {
  trace: TraceSummary;
  longest: number;
  colors: ReadonlyMap<string, string>;
  /** The trace that another is chosen to be compared with. */
  left: string | undefined;
  onCompare: (traceId: string) => void;
}): ReactElement {
  const { trace, longest, colors, left, onCompare } = props;
  const { utc } = usePageClock();
  const color = colors.get(trace.service) ?? 'var(--dim)';
  const more = trace.services.length - MOST_SERVICES;
  return (
    <li className={styles.trace}>
      <TraceLink traceId={trace.trace_id} className={styles.open ?? ''}>
        <span className={styles.root}>
          <i className={styles.swatch} style={{ background: color }} />
          <span className="ellipsis" title={visibleText(`${trace.service}: ${trace.name}`)}>
            <b>
              <Value text={trace.service} />
            </b>{' '}
            <Value text={trace.name} />
          </span>
          {trace.has_root ? null : <span className="pill">no root</span>}
          {trace.errors > 0 ? <span className="pill bad">{formatThings(trace.errors, 'error')}</span> : null}
        </span>
        <span className={styles.lengthBar}>
          <i style={{ width: share(trace.duration_ns / longest), background: color }} />
        </span>
        <span className={styles.figure}>{formatSeconds(trace.duration_ns / 1e9)}</span>
        <span className={styles.parts}>
          {trace.services.slice(0, MOST_SERVICES).map((one) => (
            <span
              key={one.service}
              className={styles.dot}
              title={visibleText(`${one.service}: ${formatThings(one.spans, 'span')}`)}
              style={{ background: colors.get(one.service) ?? 'var(--dim)' }}
            />
          ))}
          {more > 0 ? <span className="dim">+{more}</span> : null}
        </span>
        <span className={styles.figure}>{formatThings(trace.spans, 'span')}</span>
        <span className={styles.when}>{formatInstant(Math.floor(beginMs(trace)), utc)}</span>
      </TraceLink>
      <IconButton
        icon={<Glyph name="columns" />}
        label={
          left === undefined
            ? 'Compare it with another trace'
            : left === trace.trace_id
              ? 'Compare it with none'
              : 'Compare with this trace'
        }
        active={left === trace.trace_id}
        onClick={() => onCompare(trace.trace_id)}
      />
    </li>
  );
}

function Nothing({ filtered, known }: { filtered: boolean; known: boolean }): ReactElement {
  if (filtered)
    return (
      <EmptyState reason="filtered" title="No trace fits">
        In this range of time no span meets all of the filters. One span must meet all of them.
      </EmptyState>
    );
  if (known)
    return (
      <EmptyState reason="out-of-range" title="No traces in this time">
        There are traces on these days: choose a longer time.
      </EmptyState>
    );
  return (
    <EmptyState reason="none-yet" title="No traces yet">
      <p>Programs with an OpenTelemetry SDK send them when they are started with</p>
      <pre className={styles.howto} tabIndex={0} aria-label="How to send traces">
        {`export OTEL_EXPORTER_OTLP_ENDPOINT=${window.location.origin}\nexport OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf\nexport OTEL_TRACES_EXPORTER=otlp`}
      </pre>
      <p>
        Zipkin’s reporters send to {window.location.origin}/api/v2/spans, Jaeger’s clients to /api/traces.
      </p>
    </EmptyState>
  );
}

/** A page with what it may lack. */
type Told = TracePage & { readonly warnings: readonly string[] };

async function readPage(
  filters: TraceFilters,
  range: TraceRange,
  cursor: string | undefined,
  asking: Asking,
): Promise<Told> {
  const { data, warnings } = await searchTraces(filters, range, { limit: PAGE, cursor }, asking);
  return { ...data, warnings };
}

interface Older {
  readonly of: Told | undefined;
  readonly traces: readonly TraceSummary[];
  readonly cursor: string | null;
  readonly busy: boolean;
  readonly error: Error | null;
  /** What this and the pages before may lack, each said once. */
  readonly warnings: readonly string[];
}

/** The pages after the first, as the reader asks for them; another first page has none yet. */
function useOlder(
  first: Told | undefined,
  filters: TraceFilters,
  range: TraceRange,
): Older & { read: () => Promise<void> } {
  const { tenant } = useAddress();
  const none: Older = {
    of: first,
    traces: NO_TRACES,
    cursor: first?.cursor ?? null,
    busy: false,
    error: null,
    warnings: first?.warnings ?? [],
  };
  const [kept, setKept] = useState(none);
  const now = kept.of === first ? kept : none;
  const read = async (): Promise<void> => {
    if (now.cursor === null || now.busy) return;
    // What comes for another question than the present one is dropped.
    const put = (next: Older): void => setKept((before) => (before.of === first ? next : before));
    setKept({ ...now, busy: true, error: null });
    try {
      const page = await readPage(filters, range, now.cursor, { tenant });
      put({
        of: first,
        traces: [...now.traces, ...page.traces],
        cursor: page.cursor,
        busy: false,
        error: null,
        warnings: [...new Set([...now.warnings, ...page.warnings])],
      });
    } catch (error) {
      put({ ...now, busy: false, error: error instanceof Error ? error : new Error(String(error)) });
    }
  };
  return { ...now, read };
}

function Results(props: {
  filters: TraceFilters;
  filtered: boolean;
  span: Span;
  services: readonly string[] | undefined;
  onRange: (fromMs: number, toMs: number) => void;
}): ReactElement {
  const { filters, filtered, span, services, onRange } = props;
  const { search, setOwn } = useAddress();
  const { left } = search;
  const navigate = useNavigate();
  const scheme = useScheme();
  const range: TraceRange = { start: span.fromMs / 1000, end: span.toMs / 1000 };
  const answer = useAsked({
    key: ['traces', filters, range],
    ask: (asking) => readPage(filters, range, undefined, asking),
    refetchOnWindowFocus: false,
    staleTime: Infinity,
  });
  const older = useOlder(answer.data, filters, range);
  const stepS = chooseStep(span.toMs - span.fromMs, BARS);
  const rates = useAsked({
    key: ['trace-bars', filters, range, stepS],
    ask: async (asking) => (await spanRates(filters, range, stepS, asking)).data,
    keep: true,
    staleTime: Infinity,
  });
  const traces = useMemo(
    () => answer.data && [...answer.data.traces, ...older.traces],
    [answer.data, older.traces],
  );
  const bars = useMemo(() => barsOf(rates.data ?? []), [rates.data]);
  const colors = useMemo(
    () =>
      serviceColors(
        [...(services ?? []), ...(traces ?? []).flatMap((trace) => trace.services.map((one) => one.service))],
        scheme,
      ),
    [services, traces, scheme],
  );
  const selection = readSelection(search.sel);
  const selected = useMemo(() => {
    const chosen = readSelection(search.sel);
    return chosen && traces ? new Set(selectedOf(traces, chosen).map((one) => one.trace_id)) : null;
  }, [search.sel, traces]);
  const select = (next: Selection | null): void =>
    setOwn({ sel: next === null ? undefined : writeSelection(next) });
  const box = selection === null || typeof selection === 'string' ? null : selection;
  const longest = (traces ?? []).reduce((found, trace) => Math.max(found, trace.duration_ns), 1);
  if (answer.error && traces === undefined)
    return <Unreadable what="Traces" error={answer.error} asOfMs={0} />;
  if (traces === undefined)
    return (
      <>
        <Skeleton kind="chart" label="Durations" height={180} />
        <Skeleton kind="table" label="Traces" rows={10} />
      </>
    );
  if (traces.length === 0)
    return (
      <>
        <Warnings of={older.warnings} />
        <Nothing filtered={filtered} known={(services?.length ?? 0) > 0} />
      </>
    );
  return (
    <>
      <Warnings of={older.warnings} />
      <section className="panel card" aria-label="Durations">
        <header className="row wrap">
          <span className={`dim ${styles.hint ?? ''}`}>Pull over some to compare them with the rest</span>
          {QUICK.map(([quick, name]) => (
            <button
              key={quick}
              type="button"
              className="button quiet"
              aria-pressed={selection === quick}
              onClick={() => select(selection === quick ? null : quick)}
            >
              {name}
            </button>
          ))}
        </header>
        <Scatter
          traces={traces}
          span={span}
          bars={bars}
          stepMs={stepS * 1000}
          colors={colors}
          selected={selected}
          box={box}
          onOpen={(traceId) => void navigate({ to: TRACE, params: { traceId }, search: contextOf(search) })}
          onBox={select}
        />
      </section>
      {selection === null ? null : (
        <Differences
          traces={traces}
          selection={selection}
          filters={filters}
          range={range}
          onTime={box === null ? null : () => onRange(box.fromMs, box.toMs)}
        />
      )}
      <section className="panel card" aria-label="Traces found">
        <header className="row">
          <h2 className="grow">
            {older.cursor !== null
              ? `The newest ${formatCount(traces.length)} traces`
              : formatThings(traces.length, 'trace')}
          </h2>
          {left === undefined ? null : <span role="status">Choose the one to compare it with</span>}
        </header>
        <ul className={styles.traces}>
          {traces.map((trace) => (
            <Row
              key={trace.trace_id}
              trace={trace}
              longest={longest}
              colors={colors}
              left={left}
              onCompare={(traceId) =>
                setOwn(
                  left === undefined
                    ? { left: traceId }
                    : left === traceId
                      ? { left: undefined }
                      : { view: 'compare', right: traceId },
                )
              }
            />
          ))}
        </ul>
        <Unreadable what="Older traces" error={older.error} asOfMs={0} />
        {older.cursor !== null ? (
          <button type="button" className="button" disabled={older.busy} onClick={() => void older.read()}>
            {older.busy ? 'Reading…' : 'Older traces'}
          </button>
        ) : null}
      </section>
    </>
  );
}

function Filters(props: { range: TraceRange; services: readonly string[] }): ReactElement {
  const { range, services } = props;
  const { search, setOwn } = useAddress();
  const navigate = useNavigate();
  const service = search.service ?? null;
  const operations = useAsked({
    key: ['trace-operations', service, range],
    ask: async (asking) => (await traceOperations(service ?? '', range, asking)).data,
    enabled: service !== null,
    keep: true,
    staleTime: 60_000,
  });
  const names = [...new Set((operations.data ?? []).map((one) => one.name))];
  return (
    <Toolbar label="Filters">
      <Said
        search
        label="Search spans, or a trace's id"
        placeholder={'Words, service:cart, duration:>250ms, or a trace’s id'}
        value={search.query ?? ''}
        onSaid={(query) => {
          if (TRACE_ID.test(query))
            void navigate({ to: TRACE, params: { traceId: query.toLowerCase() }, search: contextOf(search) });
          else setOwn({ query: query || undefined });
        }}
      />
      <span className={styles.choice}>
        <Choice
          label="Service"
          placeholder="any service"
          options={services.map((value) => ({ value }))}
          value={service}
          onChange={(next) => setOwn({ service: next ?? undefined, operation: undefined })}
          free
          clearable
        />
      </span>
      <span className={styles.choice}>
        <Choice
          label="Operation"
          placeholder="any operation"
          options={names.map((value) => ({ value }))}
          value={search.operation ?? null}
          onChange={(next) => setOwn({ operation: next ?? undefined })}
          free
          clearable
        />
      </span>
      <Said
        label="A span takes at least"
        placeholder="≥ 100ms"
        value={search.min ?? ''}
        onSaid={(min) => setOwn({ min: min || undefined })}
      />
      <Said
        label="A span takes at most"
        placeholder="≤ 5s"
        value={search.max ?? ''}
        onSaid={(max) => setOwn({ max: max || undefined })}
      />
      <CheckField
        label="Only errors"
        checked={search.errors === 'yes'}
        onChange={(on) => setOwn({ errors: on ? 'yes' : undefined })}
      />
    </Toolbar>
  );
}

export default function TracesPage(): ReactElement {
  const address = useAddress();
  const { range, search, tenant, setOwn } = address;
  const { utc } = usePageClock();
  const { at, ask: renew } = useRuns(address);
  const scheme = useScheme();
  const span = useMemo(() => resolveRange(range, at, utc), [range, at, utc]);
  const asked: TraceRange =
    typeof span === 'string' ? { start: 0, end: 1 } : { start: span.fromMs / 1000, end: span.toMs / 1000 };
  const services = useAsked({
    key: ['trace-services', asked],
    ask: async (asking) => (await traceServices(asked, asking)).data,
    enabled: typeof span !== 'string',
    keep: true,
    staleTime: 60_000,
  });
  const filters: TraceFilters = {
    query: search.query,
    service: search.service,
    operation: search.operation,
    min_duration: search.min,
    max_duration: search.max,
    status: search.errors === 'yes' ? 'error' : undefined,
  };
  const filtered = Object.values(filters).some((one) => one !== undefined);
  const view = VIEWS.find(([one]) => one === search.view)?.[0] ?? 'list';
  return (
    <Page>
      <PageHead
        title="Traces"
        actions={
          <span className="row">
            {VIEWS.filter(([one]) => one !== 'compare' || view === one).map(([one, name]) => (
              <button
                key={one}
                type="button"
                className="button"
                aria-pressed={view === one}
                onClick={() => setOwn({ view: one === 'list' ? undefined : one })}
              >
                {name}
              </button>
            ))}
            {view === 'list' ? (
              <ExportMenu
                what={
                  typeof span === 'string'
                    ? null
                    : { signal: 'traces', ...span, filters: { ...filters }, query: search.query ?? '' }
                }
              />
            ) : null}
          </span>
        }
        time={<TimeControls ranged busy={false} onRange={renew} onNow={renew} />}
      />
      {view !== 'list' ? null : <Filters range={asked} services={services.data ?? []} />}
      {typeof span === 'string' ? <Note level="bad">The time range is not valid: {span}.</Note> : null}
      <Body>
        {typeof span === 'string' ? null : view === 'compare' ? (
          <Comparison key={tenant} range={asked} />
        ) : view === 'map' ? (
          <section className="panel card" aria-label="Services">
            <ServiceMap
              range={asked}
              colors={serviceColors(services.data ?? [], scheme)}
              onService={(service) => setOwn({ service, view: undefined })}
            />
          </section>
        ) : (
          <Results
            key={tenant}
            filters={filters}
            filtered={filtered}
            span={span}
            services={services.data}
            onRange={(fromMs, toMs) => {
              const range = absolute(fromMs, toMs);
              setOwn({ ...writeContext({ range }), sel: undefined, of: undefined });
            }}
          />
        )}
      </Body>
    </Page>
  );
}
