import { useNavigate, useParams } from '@tanstack/react-router';
import { useMemo, type ReactElement } from 'react';
import { contextOf } from '../address/context';
import { useAddress } from '../address/hooks';
import { PageLink } from '../address/PageLink';
import { EXPLAIN, SERVICE, TRACE } from '../address/places';
import type { AlertView } from '../api/alerts';
import { ApiError } from '../api/client';
import { ratesBy } from '../api/traces';
import { useAsked } from '../api/useAsked';
import { useAlerts } from '../alerts/useAlerts';
import type { Annotation, Marks, PointMark, TimeEvent } from '../chart/marks';
import { STATUS_COLORS, seriesColor } from '../design/colors';
import { EmptyState } from '../design/EmptyState';
import { formatSeconds } from '../design/format';
import { useNow, usePageClock, useScheme } from '../design/hooks';
import { Note, Unreadable } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import { StatTile } from '../design/StatTile';
import { StatusChip } from '../design/StatusChip';
import { visibleText } from '../design/value';
import { Value } from '../design/Value';
import { ExplainLink } from '../explain/ExplainLink';
import { writeSpike } from '../explain/spike';
import { condition } from '../logs/query';
import { ChartCard } from '../page/ChartCard';
import type { ChartData, ChartSpec } from '../page/charts';
import { Body, Page, PageHead } from '../page/Page';
import { TimeControls } from '../page/TimeControls';
import { useMay } from '../session/session';
import { absolute, resolveRange } from '../time/range';
import { serviceColors } from '../traces/layout';
import { ServiceMap } from '../traces/ServiceMap';
import { CONVENTIONS, exprOf } from './conventions';
import { loadService, rangeOf, windowOf, type SeenService } from './load';
import { Operations } from './Operations';
import { LogNews, RecentErrors, ServiceAlerts, Versions } from './Recent';
import { judgeService, type Service, type Verdict } from './services';
import overview from '../design/overview.module.css';
import styles from './services.module.css';
import { VERSION_FIELD, versionsOf, type Version } from './versions';

const NO_ALERTS: readonly AlertView[] = [];
const STARTS_STEPS = 120;

type RedSpec = Omit<ChartSpec, 'queries'>;

const REQUESTS: RedSpec = { id: 'requests', title: 'Requests', unit: 'per-second', stacked: true };
const FAILED: RedSpec = { id: 'failed', title: 'Share that failed', unit: 'ratio', atLeast: 0.01 };
const DURATIONS: RedSpec = { id: 'durations', title: 'Durations', unit: 'seconds' };

function dataOf(lines: Readonly<Record<string, readonly (number | null)[]>>): ChartData {
  const known = Object.entries(lines).filter(([, column]) => column.some((value) => value !== null));
  return { names: known.map(([name]) => name), columns: known.map(([, column]) => [...column]), error: null };
}

function redOf({ course }: Service): Readonly<Record<'requests' | 'failed' | 'durations', ChartData>> {
  const { rates, failures, p50, p95, p99 } = course;
  return {
    requests: dataOf({
      answered: rates.map((rate, i) => (rate === null ? null : Math.max(0, rate - (failures[i] ?? 0)))),
      failed: failures,
    }),
    failed: dataOf({ failed: rates.map((rate, i) => (rate ? (failures[i] ?? 0) / rate : null)) }),
    durations: dataOf({ p50, p95, p99 }),
  };
}

/** What happened to the service in that time: versions that began, alerts that began to fire. */
function marksOf(versions: readonly Version[], alerts: readonly AlertView[]): Marks {
  const annotations = versions
    .filter(({ before }) => !before)
    .map(({ version, firstMs }): Annotation => ({
      fromMs: firstMs,
      text: `version ${visibleText(version)} began`,
      tone: 'info',
    }));
  const events = alerts.map((alert): TimeEvent => ({
    atMs: Date.parse(alert.since),
    text: `${visibleText(alert.labels['alertname'] ?? '')} fires`,
    tone: 'critical',
  }));
  return { annotations, events };
}

const MOST_POINTS = 12;

/** The slowest requests, as points that lead to their traces: of as many stretches of the time one each. */
function slowestOf({ course }: Service, times: readonly number[]): PointMark[] {
  const each = Math.max(1, Math.ceil(times.length / MOST_POINTS));
  const points: PointMark[] = [];
  for (let from = 0; from < times.length; from += each) {
    let at = -1;
    for (let i = from; i < Math.min(from + each, times.length); i += 1)
      if (course.slowest[i] && (course.p99[i] ?? -1) > (course.p99[at] ?? -1)) at = i;
    const [seconds, value, id] = [times[at], course.p99[at], course.slowest[at]];
    if (seconds === undefined || value == null || !id) continue;
    points.push({
      atMs: seconds * 1000,
      value,
      id,
      text: `${formatSeconds(value)} in trace ${id}: click to open it`,
    });
  }
  return points;
}

/** The part of the time that is judged: its last quarter. */
const JUDGED = 0.25;

function Head(props: { seen: SeenService; service: Service; verdict: Verdict }): ReactElement {
  const { seen, service, verdict } = props;
  const { start, end } = seen.grid;
  const { fare, course } = service;
  const { status } = verdict;
  const loud = status === 'critical' || status === 'warning';
  return (
    <>
      <div className={overview.verdict} role="status">
        <StatusChip status={status} />
        {verdict.reasons.length === 0 ? (
          <span className="dim">
            {service.source === 'targets'
              ? 'Its targets are scraped; it measures no requests that are known here.'
              : 'Nothing about it needs attention.'}
          </span>
        ) : (
          <ul>
            {verdict.reasons.map((reason) => (
              <li key={reason}>{visibleText(reason)}</li>
            ))}
          </ul>
        )}
        {loud ? (
          <ExplainLink
            spike={{
              expr: '',
              labels: { service: service.name },
              fromMs: (end - (end - start) * JUDGED) * 1000,
              toMs: end * 1000,
            }}
          >
            Explain what changed
          </ExplainLink>
        ) : null}
      </div>
      <h2 className="visually-hidden">Figures</h2>
      <div className={overview.tiles}>
        <StatTile name="Requests" value={fare.rate} unit="per-second" values={course.rates} />
        <StatTile
          name="Failed"
          value={fare.errorRatio}
          unit="ratio"
          values={course.failures}
          {...(loud && (fare.errorRatio ?? 0) > 0.01 ? { status } : {})}
        />
        <StatTile name="p50" value={fare.p50} unit="seconds" values={course.p50} />
        <StatTile name="p95" value={fare.p95} unit="seconds" values={course.p95} />
        <StatTile name="p99" value={fare.p99} unit="seconds" values={course.p99} />
      </div>
    </>
  );
}

/** Requests, failures and durations over the time of the page. */
function Red(props: { seen: SeenService; service: Service; marks: Marks }): ReactElement {
  const { seen, service, marks } = props;
  const { search, change } = useAddress();
  const navigate = useNavigate();
  const scheme = useScheme();
  const { start, end, step } = seen.grid;
  const data = useMemo(() => redOf(service), [service]);
  const times = useMemo(
    () => service.course.rates.map((_, i) => start + (i + 1) * step),
    [service, start, step],
  );
  const range = useMemo(() => [start, end] as const, [start, end]);
  const timed = useMemo(() => ({ ...marks, points: slowestOf(service, times) }), [marks, service, times]);
  const critical = STATUS_COLORS[scheme].critical;
  const colors = { requests: [seriesColor(0, scheme), critical], failed: [critical], durations: undefined };
  return (
    <div className={overview.charts}>
      {[REQUESTS, FAILED, DURATIONS].map((spec) => {
        const id = spec.id as keyof typeof data;
        const own = colors[id];
        return (
          <ChartCard
            key={id}
            spec={spec}
            data={data[id]}
            times={times}
            range={range}
            marks={id === 'durations' ? timed : marks}
            onPick={({ point }) => {
              if (point)
                void navigate({ to: TRACE, params: { traceId: point.id }, search: contextOf(search) });
            }}
            onStretch={(fromMs, toMs) =>
              void navigate({
                to: EXPLAIN,
                search: {
                  ...writeSpike({ expr: '', labels: { service: service.name }, fromMs, toMs }),
                  ...contextOf(search),
                },
              })
            }
            syncKey="service"
            {...(own === undefined ? {} : { colors: own })}
            onZoom={(fromMs, toMs) => change({ range: absolute(fromMs, toMs) })}
          />
        );
      })}
    </div>
  );
}

/** The queries of a service's requests, for Explore. */
function exploreOf(service: Service, stepS: number): Readonly<Record<string, string>> | null {
  const convention = CONVENTIONS.find(({ count }) => count === service.convention);
  if (convention === undefined) return null;
  const window = windowOf(stepS);
  return {
    q0: exprOf(convention, 'rate', window, service.matchers),
    q1: exprOf(convention, 'failures', window, service.matchers),
    ...(convention.bucket === '' ? {} : { q2: exprOf(convention, 0.95, window, service.matchers) }),
  };
}

function Around({ name, seen }: { name: string; seen: SeenService }): ReactElement {
  const scheme = useScheme();
  const { search } = useAddress();
  const navigate = useNavigate();
  const colors = useMemo(() => serviceColors([name], scheme), [name, scheme]);
  return (
    <section className="panel card" aria-label="Dependencies">
      <h2>Who calls it, and whom it calls</h2>
      <ServiceMap
        range={rangeOf(seen.grid)}
        colors={colors}
        around={name}
        onService={(service) =>
          void navigate({ to: SERVICE, params: { service }, search: contextOf(search) })
        }
      />
    </section>
  );
}

function Seen(props: { name: string; seen: SeenService; service: Service }): ReactElement {
  const { name, seen, service } = props;
  const { refreshMs } = useAddress();
  const may = useMay();
  const answer = useAlerts(refreshMs);
  const alerts = answer.data?.data.alerts ?? NO_ALERTS;
  const verdict = useMemo(
    () => judgeService(service, alerts, seen.grid.step),
    [service, alerts, seen.grid.step],
  );
  const range = rangeOf(seen.grid);
  const traced = service.source === 'spans';
  const stepS = Math.max(1, Math.floor((range.end - range.start) / STARTS_STEPS));
  const starts = useAsked({
    key: ['service-versions', name, range],
    ask: async (asking) =>
      versionsOf(
        (await ratesBy(VERSION_FIELD, { service: name }, range, stepS, asking)).data,
        range.start * 1000,
        stepS * 1000,
      ),
    enabled: traced,
    keep: true,
  });
  const versions = starts.data;
  const marks = useMemo(() => marksOf(versions ?? [], verdict.alerts), [versions, verdict]);
  const asked = {
    query: condition('service', name, true),
    fromMs: range.start * 1000,
    toMs: range.end * 1000,
  };
  const explore = exploreOf(service, seen.grid.step);
  return (
    <>
      <Head seen={seen} service={service} verdict={verdict} />
      <Red seen={seen} service={service} marks={marks} />
      {explore === null ? null : (
        <div className={styles.links}>
          <span className="dim">
            By its metrics ({service.convention}); spans of it would tell operations and dependencies too.
          </span>
          <PageLink page="explore" search={explore}>
            These queries in Explore
          </PageLink>
        </div>
      )}
      {traced ? <Operations service={name} range={range} /> : null}
      {traced ? <Around name={name} seen={seen} /> : null}
      <div className={styles.halves}>
        {may('alerts.view') ? <ServiceAlerts alerts={verdict.alerts} /> : null}
        {traced ? (
          <Versions versions={versions ?? []} error={starts.error} pending={starts.isPending} />
        ) : null}
        {traced ? <RecentErrors service={name} range={range} /> : null}
        {may('logs.view') ? <LogNews service={name} asked={asked} /> : null}
      </div>
    </>
  );
}

/** How one service fares: requests, failures, durations, what it does, whom it calls, what it logs. */
export default function ServicePage(): ReactElement {
  const { service: name = '' }: Readonly<Record<string, string | undefined>> = useParams({ strict: false });
  const { range, refreshMs } = useAddress();
  const may = useMay();
  const { utc } = usePageClock();
  const wrong = resolveRange(range, useNow(60_000), utc);
  const answer = useAsked({
    key: ['service', name, range.from, range.to, utc],
    ask: (asking) => {
      const span = resolveRange(range, Date.now(), utc);
      if (typeof span === 'string') throw new ApiError('refused', `The time range is not valid: ${span}.`);
      return loadService(name, span, { traces: may('traces.view'), metrics: may('metrics.view') }, asking);
    },
    refreshMs,
    keep: true,
  });
  const seen = answer.data;
  return (
    <Page>
      <PageHead
        title={visibleText(name)}
        breadcrumb={[{ name: 'Services', page: 'services' }]}
        time={<TimeControls ranged busy={answer.isFetching} onNow={() => void answer.refetch()} />}
      />
      {typeof wrong === 'string' ? <Note level="bad">The time range is not valid: {wrong}.</Note> : null}
      <Body>
        <Unreadable what="The service" error={answer.error} asOfMs={seen ? answer.dataUpdatedAt : 0} />
        {seen === undefined && !answer.error ? (
          <>
            <Skeleton kind="tile" label="Its figures" height={90} />
            <Skeleton kind="chart" label="Its requests" height={220} />
          </>
        ) : null}
        {seen && !seen.service ? (
          <EmptyState
            reason="out-of-range"
            title="Nothing of this service in this time"
            actions={
              <PageLink page="services" search={{}} className="button">
                All services
              </PageLink>
            }
          >
            No span, no request and no target of <Value text={name} /> is seen. Choose a longer time, or look
            for it in{' '}
            <PageLink page="logs" search={{ q: condition('service', name, true) }}>
              Logs
            </PageLink>
            .
          </EmptyState>
        ) : null}
        {seen?.service ? <Seen key={name} name={name} seen={seen} service={seen.service} /> : null}
      </Body>
    </Page>
  );
}
