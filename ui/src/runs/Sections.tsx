// What a run's page has besides its steps: what it was given, how it was validated, its spans, its alerts, what it began.

import { useMemo, useState, type ReactElement } from 'react';
import { PageLink } from '../address/PageLink';
import { ApiError } from '../api/client';
import type { RunView } from '../api/runs';
import { traceView, type TraceView } from '../api/traces';
import { useAsked } from '../api/useAsked';
import { useAlerts } from '../alerts/useAlerts';
import { SeverityChip, StateChip as AlertState } from '../alerts/parts';
import { formatCount, formatSeconds, formatThings, formatValue } from '../design/format';
import { useNow, useScheme } from '../design/hooks';
import { Glyph } from '../design/Glyph';
import { Unreadable } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import { visibleText } from '../design/value';
import { Value } from '../design/Value';
import { useMay } from '../session/session';
import { readSight, serviceColors, type Sight } from '../traces/layout';
import { Minimap } from '../traces/Minimap';
import { TraceLink } from '../traces/TraceLink';
import { absolute } from '../time/range';
import { Card, Elapsed, NowContext, RunLink, RunProgress, StateChip } from './parts';
import { plainText } from './state';
import styles from './run.module.css';

function Pairs({ pairs }: { pairs: readonly (readonly [string, unknown])[] }): ReactElement {
  return (
    <dl className={styles.pairs}>
      {pairs.map(([name, value]) => (
        <div key={name}>
          <dt>
            <Value text={name} mono />
          </dt>
          <dd>
            <Value text={plainText(value)} mono />
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** What it was started with, what it used, and what its engine says besides. */
export function GivenCard({ view }: { view: RunView }): ReactElement | null {
  const parts = [
    ['Inputs', Object.entries(view.inputs)],
    [
      'Used',
      Object.entries(view.resources).map(([name, value]) => [name, formatValue(value, 'none', 4)] as const),
    ],
    ['Attributes', Object.entries(view.attributes)],
  ] as const;
  const some = parts.filter(([, pairs]) => pairs.length > 0);
  if (some.length === 0) return null;
  return (
    <Card title="Inputs and use">
      {some.map(([name, pairs]) => (
        <div key={name}>
          <h3>{name}</h3>
          <Pairs pairs={pairs} />
        </div>
      ))}
    </Card>
  );
}

/** The layers of its validation, each with how it ended, how long it took, and whether its answer was kept from before. */
export function ValidationCard({ view }: { view: RunView }): ReactElement | null {
  const { validation } = view;
  if (validation.length === 0) return null;
  const failed = validation.filter(({ success }) => !success).length;
  const most = validation.reduce((longest, { duration_ms: ms }) => Math.max(longest, ms ?? 0), 0);
  return (
    <Card
      title="Validation"
      count={failed === 0 ? `all ${formatCount(validation.length)} layers passed` : `${failed} failed`}
    >
      <ul className={styles.layers}>
        {validation.map((layer, i) => (
          <li key={`${i} ${layer.name}`} data-success={layer.success}>
            <Glyph name={layer.success ? 'check' : 'error'} size={14} />
            <span className="ellipsis" title={visibleText(layer.name)}>
              <Value text={layer.name} />
              <span className="visually-hidden">{layer.success ? 'passed' : 'failed'}</span>
            </span>
            <span className={styles.layerBar}>
              <i style={{ width: `${most > 0 ? ((layer.duration_ms ?? 0) / most) * 100 : 0}%` }} />
            </span>
            <span className={styles.figure}>
              {layer.duration_ms === null ? '–' : formatSeconds(layer.duration_ms / 1000)}
            </span>
            <span className="dim">
              {layer.cache_hit === null ? '' : layer.cache_hit ? 'from the cache' : 'computed'}
            </span>
          </li>
        ))}
      </ul>
    </Card>
  );
}

function Spans({ view }: { view: TraceView }): ReactElement {
  const scheme = useScheme();
  const colors = useMemo(
    () =>
      serviceColors(
        view.services.map(({ service }) => service),
        scheme,
      ),
    [view, scheme],
  );
  const [sight, setSight] = useState<Sight>(() => readSight(undefined, view.duration_ns));
  const longest = [...view.rows].sort((a, b) => b.own_ns - a.own_ns).slice(0, 6);
  const failed = view.rows.filter(({ status }) => status === 'error').length;
  return (
    <>
      <p className="dim">
        {formatThings(view.rows.length, 'span')} of {formatThings(view.services.length, 'service')} in{' '}
        {formatSeconds(view.duration_ns / 1e9)}
        {failed > 0 ? `, ${formatCount(failed)} failed` : ''}
      </p>
      <Minimap
        view={view}
        colors={colors}
        sight={sight}
        onSight={(next) => setSight(next ?? readSight(undefined, view.duration_ns))}
      />
      <ul className={styles.spans} aria-label="Spans that took longest by themselves">
        {longest.map((row) => (
          <li key={row.span_id}>
            <i className={styles.swatch} style={{ background: colors.get(row.service) ?? 'var(--dim)' }} />
            <TraceLink traceId={view.trace_id} span={row.span_id} className="ellipsis">
              <Value text={row.service} /> <Value text={row.name} />
            </TraceLink>
            <span className={styles.figure}>{formatSeconds(row.own_ns / 1e9)}</span>
          </li>
        ))}
      </ul>
    </>
  );
}

/** The spans of its trace; nothing where it has none, or who looks may not see any. */
export function SpansCard({ view }: { view: RunView }): ReactElement | null {
  const may = useMay();
  const traceId = view.links.trace_id || view.run.trace_id;
  const wanted = traceId !== '' && may('traces.view');
  const answer = useAsked({
    key: ['trace', traceId],
    ask: async (asking) => (await traceView(traceId, asking)).data,
    enabled: wanted,
    staleTime: 30_000,
    structuralSharing: false,
    refetchOnWindowFocus: false,
    retry: false,
  });
  if (!wanted) return null;
  const none = answer.error instanceof ApiError && answer.error.status === 404;
  return (
    <Card title="Spans" aside={<TraceLink traceId={traceId}>Open the trace</TraceLink>}>
      {answer.isPending ? <Skeleton kind="chart" label="Spans" height={120} /> : null}
      {none ? <p className="dim">No span of its trace is stored (yet).</p> : null}
      {none ? null : <Unreadable what="The spans" error={answer.error} asOfMs={0} />}
      {answer.data === undefined ? null : <Spans view={answer.data} />}
    </Card>
  );
}

/** The alerts that name the run, or its workflow and no run. */
export function AlertsCard({ view, refreshMs }: { view: RunView; refreshMs: number }): ReactElement | null {
  const may = useMay();
  const { run } = view;
  const allowed = may('alerts.view');
  const answer = useAlerts(allowed ? refreshMs : 0, allowed);
  if (!allowed) return null;
  const own = (answer.data?.data.alerts ?? []).filter(
    ({ labels }) =>
      labels['run_id'] === run.run_id ||
      (labels['workflow'] === run.workflow && labels['run_id'] === undefined),
  );
  if (own.length === 0) return null;
  return (
    <Card title="Alerts" count={formatCount(own.length)}>
      <ul className={styles.spans}>
        {own.slice(0, 12).map((alert) => (
          <li key={alert.fingerprint}>
            <SeverityChip alert={alert} />
            <PageLink page="alert" search={{ id: alert.fingerprint }} className="ellipsis">
              <Value text={alert.labels['alertname'] ?? alert.fingerprint} />
            </PageLink>
            <AlertState alert={alert} />
          </li>
        ))}
      </ul>
    </Card>
  );
}

/** Runs that this one began. */
export function ChildrenCard({ view }: { view: RunView }): ReactElement | null {
  const now = useNow(1_000);
  if (view.children.length === 0) return null;
  return (
    <Card
      title="Runs it began"
      count={formatCount(view.children.length)}
      aside={
        <PageLink page="runs" search={{ parent: view.run.run_id }}>
          All of them
        </PageLink>
      }
    >
      <NowContext value={now}>
        <ul className={styles.spans}>
          {view.children.slice(0, 20).map((child) => (
            <li key={child.run_id}>
              <StateChip state={child.state} reason={child.reason} />
              <RunLink runId={child.run_id} className="ellipsis">
                <Value text={child.run_id} />
              </RunLink>
              <span className={styles.childProgress}>
                <RunProgress run={child} />
              </span>
              <span className={styles.figure}>
                <Elapsed run={child} />
              </span>
            </li>
          ))}
        </ul>
      </NowContext>
    </Card>
  );
}

/** The names of the series of a service: its job is named as it is, behind its namespace where it has one. */
function seriesOf(service: string): string {
  const pattern = service.replace(/[\\^$.*+?()[\]{}|]/gu, '\\$&');
  return `count by (__name__) ({job=~${JSON.stringify(`(?:.*/)?${pattern}`)}})`;
}

/** Ways from here into its workflow's series. */
export function MetricsCard({ view, nowMs }: { view: RunView; nowMs: number }): ReactElement {
  const { run } = view;
  const selector = `{workflow=${JSON.stringify(run.workflow)}}`;
  const fromMs = (run.start_ms ?? nowMs) - 600_000;
  const range = absolute(fromMs, (run.end_ms ?? nowMs) + 60_000);
  const week = { from: 'now-7d', to: 'now' };
  const links = [
    [
      'How long runs took (p95)',
      {
        q0: `histogram_quantile(0.95, sum by (le) (rate(workflow_run_duration_seconds_bucket${selector}[6h])))`,
        ...week,
      },
    ],
    ['How runs ended', { q0: `sum by (state) (increase(workflow_runs_total${selector}[6h]))`, ...week }],
    ['Runs at once', { q0: `sum by (state) (workflow_runs_live${selector})`, ...range }],
    ...(run.service === ''
      ? []
      : [['Series of its service', { q0: seriesOf(run.service), v0: 'table', ...range }] as const]),
  ] as const;
  return (
    <Card title="Metrics">
      <ul className={styles.links}>
        {links.map(([name, search]) => (
          <li key={name}>
            <PageLink page="explore" search={search}>
              {name}
            </PageLink>
          </li>
        ))}
      </ul>
    </Card>
  );
}
