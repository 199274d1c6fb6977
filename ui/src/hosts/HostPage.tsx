import { useNavigate, useParams } from '@tanstack/react-router';
import { useMemo, type ReactElement } from 'react';
import { contextOf } from '../address/context';
import { useAddress } from '../address/hooks';
import { PageLink } from '../address/PageLink';
import { EXPLAIN } from '../address/places';
import type { AlertView } from '../api/alerts';
import { useAsked } from '../api/useAsked';
import { ALERT_NAME } from '../alerts/alerts';
import { useAlerts } from '../alerts/useAlerts';
import type { Marks } from '../chart/marks';
import { EmptyState } from '../design/EmptyState';
import { formatSeconds, formatValue } from '../design/format';
import { Glyph } from '../design/Glyph';
import { useNow } from '../design/hooks';
import { Note, Unreadable } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import { StatTile } from '../design/StatTile';
import { StatusChip } from '../design/StatusChip';
import type { TableColumn } from '../design/table/columns';
import { DataTable } from '../design/table/DataTable';
import { visibleText } from '../design/value';
import { Value } from '../design/Value';
import { writeSpike } from '../explain/spike';
import { LIMITS } from '../home/verdict';
import { condition } from '../logs/query';
import { ChartCard } from '../page/ChartCard';
import { loadCharts, type ChartSpec } from '../page/charts';
import { Body, Page, PageHead } from '../page/Page';
import { TimeControls } from '../page/TimeControls';
import { useMay } from '../session/session';
import { absolute, alignGrid, chooseStep } from '../time/range';
import { DIALECTS } from './dialects';
import { filled, judgeHost, matchersOf, type Disk, type Host, type HostVerdict } from './hosts';
import type { SeenHosts } from './load';
import { FullIn, Share } from './parts';
import { useHosts } from './useHosts';
import overview from '../design/overview.module.css';

const NO_ALERTS: readonly AlertView[] = [];
const POINTS = 180;
const DAY_S = 86_400;

const DISKS: readonly TableColumn<Disk>[] = [
  { id: 'mount', title: 'file system', value: ({ mount }) => mount },
  {
    id: 'filled',
    title: 'used',
    kind: 'number',
    value: filled,
    cell: (disk) => <Share value={filled(disk)} limits={LIMITS.fill} />,
    chars: 17,
  },
  { id: 'free', title: 'free', kind: 'number', unit: 'bytes', value: ({ free }) => free },
  { id: 'size', title: 'size', kind: 'number', unit: 'bytes', value: ({ size }) => size },
  {
    id: 'trend',
    title: 'free per day',
    kind: 'number',
    value: ({ trend }) => trend,
    cell: ({ trend }) =>
      trend === null ? (
        <span className="dim">–</span>
      ) : (
        `${trend > 0 ? '+' : ''}${formatValue(trend * DAY_S, 'bytes')}`
      ),
    chars: 13,
  },
  {
    id: 'full',
    title: 'forecast',
    value: ({ fullInS }) => fullInS,
    cell: (disk) => <FullIn disk={disk} />,
    chars: 20,
  },
];

function Charts({ host, seen, marks }: { host: Host; seen: SeenHosts; marks: Marks }): ReactElement {
  const { search, refreshMs, change } = useAddress();
  const navigate = useNavigate();
  const { start, end } = seen.grid;
  const stepS = chooseStep((end - start) * 1000, POINTS, 5);
  const dialect = DIALECTS.find(({ id }) => id === host.dialect);
  const matchers = matchersOf(host);
  const specs = useMemo(
    (): readonly ChartSpec[] => dialect?.charts(matchers, Math.max(60, stepS)) ?? [],
    [dialect, matchers, stepS],
  );
  const grid = alignGrid({ fromMs: start * 1000, toMs: end * 1000 }, stepS);
  const answer = useAsked({
    key: ['host-charts', matchers, grid],
    ask: (asking) => loadCharts(specs, grid, asking),
    refreshMs,
    keep: true,
  });
  const { data } = answer;
  const explain = ({ queries }: ChartSpec, fromMs: number, toMs: number): void =>
    void navigate({
      to: EXPLAIN,
      search: {
        ...writeSpike({ expr: queries[0]?.expr ?? '', labels: {}, fromMs, toMs }),
        ...contextOf(search),
      },
    });
  return (
    <>
      <Unreadable what="The charts" error={answer.error} asOfMs={data ? answer.dataUpdatedAt : 0} />
      <h2 className="visually-hidden">Over time</h2>
      <div className={overview.charts}>
        {specs.map((spec) => (
          <ChartCard
            key={spec.id}
            spec={spec}
            data={data?.charts[spec.id]}
            times={data?.times ?? []}
            range={data?.range ?? [start, end]}
            marks={marks}
            syncKey="host"
            onStretch={(fromMs, toMs) => explain(spec, fromMs, toMs)}
            onZoom={(fromMs, toMs) => change({ range: absolute(fromMs, toMs) })}
            actions={
              <PageLink
                page="explore"
                search={Object.fromEntries(spec.queries.map(({ expr }, i) => [`q${i}`, expr]))}
                aria-label={`Open ${spec.title} in Explore`}
                title="Open in Explore"
              >
                <Glyph name="external" size={14} />
              </PageLink>
            }
          />
        ))}
      </div>
    </>
  );
}

function Head({ host, verdict }: { host: Host; verdict: HostVerdict }): ReactElement {
  const now = useNow(5_000);
  const upS = host.bootMs === null ? null : (host.seenMs - host.bootMs) / 1000;
  return (
    <>
      <div className={overview.verdict} role="status">
        <StatusChip status={verdict.status} />
        {verdict.reasons.length === 0 ? <span className="dim">Nothing about it needs attention.</span> : null}
        <ul>
          {verdict.reasons.map((reason) => (
            <li key={reason}>{visibleText(reason)}</li>
          ))}
        </ul>
      </div>
      <h2 className="visually-hidden">Figures</h2>
      <div className={overview.tiles}>
        <StatTile
          name="CPU busy"
          value={host.cpu}
          unit="ratio"
          values={host.courses.cpu}
          note={host.cpus === null ? '' : `of ${host.cpus} CPUs`}
        />
        <StatTile
          name="Memory used"
          value={host.memory}
          unit="ratio"
          values={host.courses.memory}
          note={host.memoryTotal === null ? '' : `of ${formatValue(host.memoryTotal, 'bytes')}`}
        />
        <StatTile
          name="Load"
          value={host.load}
          unit="none"
          note={
            host.load === null || !host.cpus ? '' : `${formatValue(host.load / host.cpus, 'none')} per CPU`
          }
        />
        <StatTile
          name="Network in"
          value={host.receive}
          unit="bytes-per-second"
          values={host.courses.network}
          note={host.transmit === null ? '' : `${formatValue(host.transmit, 'bytes-per-second')} out`}
        />
        <StatTile
          name="Up"
          value={upS}
          unit="seconds"
          note={`last sample ${formatSeconds(Math.max(0, (now - host.seenMs) / 1000), 2)} ago`}
        />
      </div>
    </>
  );
}

function Seen({ host, seen }: { host: Host; seen: SeenHosts }): ReactElement {
  const { refreshMs } = useAddress();
  const may = useMay();
  const alerts = useAlerts(refreshMs).data?.data.alerts ?? NO_ALERTS;
  const now = useNow(15_000);
  const verdict = useMemo(() => judgeHost(host, alerts, now), [host, alerts, now]);
  const marks = useMemo(
    (): Marks => ({
      events: verdict.alerts.map((alert) => ({
        atMs: Date.parse(alert.since),
        text: `${visibleText(alert.labels[ALERT_NAME] ?? '')} fires`,
        tone: 'critical',
      })),
    }),
    [verdict.alerts],
  );
  return (
    <>
      <Head host={host} verdict={verdict} />
      {host.also.length > 0 ? (
        <Note level="info">
          The same machine is measured by {host.also.map((one) => visibleText(one)).join(', ')} too: it has
          the same name and was started at the same time.
        </Note>
      ) : null}
      <section className="panel card" aria-label="File systems">
        <h2>File systems</h2>
        <DataTable
          label="File systems"
          bare
          tall
          columns={DISKS}
          rows={host.disks}
          rowKey={({ mount }) => mount}
          empty={<EmptyState reason="none-yet" title="No file system is measured" />}
        />
      </section>
      <Charts host={host} seen={seen} marks={marks} />
      {may('logs.view') ? (
        <p>
          <PageLink page="logs" search={{ q: condition('host.name', host.name, true) }}>
            Log lines of this host
          </PageLink>
        </p>
      ) : null}
    </>
  );
}

/** One host: what it uses up, and when its disks will be full. */
export default function HostPage(): ReactElement {
  const { host: name = '' }: Readonly<Record<string, string | undefined>> = useParams({ strict: false });
  const answer = useHosts();
  const host = answer.data?.hosts.find((one) => one.name === name);
  return (
    <Page>
      <PageHead
        title={visibleText(name)}
        breadcrumb={[{ name: 'Hosts', page: 'hosts' }]}
        about={host ? `${host.labels.job} ${host.labels.instance}`.trim() : null}
        time={<TimeControls ranged busy={answer.isFetching} onNow={() => void answer.refetch()} />}
      />
      <Body>
        <Unreadable what="The host" error={answer.error} asOfMs={answer.data ? answer.dataUpdatedAt : 0} />
        {answer.isPending ? (
          <>
            <Skeleton kind="tile" label="Its figures" height={90} />
            <Skeleton kind="chart" label="Its charts" height={220} />
          </>
        ) : null}
        {answer.data && !host ? (
          <EmptyState
            reason="out-of-range"
            title="No samples of this host"
            actions={
              <PageLink page="hosts" search={{}} className="button">
                All hosts
              </PageLink>
            }
          >
            <Value text={name} /> sent nothing in the hour before the end of this time.
          </EmptyState>
        ) : null}
        {answer.data && host ? <Seen key={name} host={host} seen={answer.data} /> : null}
      </Body>
    </Page>
  );
}
