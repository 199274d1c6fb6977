import { useNavigate } from '@tanstack/react-router';
import { useMemo, type ReactElement } from 'react';
import { contextOf } from '../address/context';
import { useAddress } from '../address/hooks';
import { PageLink } from '../address/PageLink';
import { HOST } from '../address/places';
import type { AlertView } from '../api/alerts';
import { useAlerts } from '../alerts/useAlerts';
import { EmptyState } from '../design/EmptyState';
import { FilterBar } from '../design/FilterBar';
import { holdsWords } from '../design/filter';
import { formatSeconds, formatThings, formatValue } from '../design/format';
import { useNow } from '../design/hooks';
import { NoValue } from '../design/NoValue';
import { Unreadable } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import { Sparkline } from '../design/Sparkline';
import { StatusDot } from '../design/StatusChip';
import type { TableColumn } from '../design/table/columns';
import { DataTable } from '../design/table/DataTable';
import { visibleText } from '../design/value';
import { Value } from '../design/Value';
import { LIMITS } from '../home/verdict';
import { Body, Page, PageHead, Toolbar } from '../page/Page';
import { TimeControls } from '../page/TimeControls';
import { compareHosts, filled, judgeHost, worstDisk, type JudgedHost } from './hosts';
import { DiskCell, HostLink, Share } from './parts';
import { useHosts } from './useHosts';
import overview from '../design/overview.module.css';
import styles from './hosts.module.css';

const NO_ALERTS: readonly AlertView[] = [];
const NO_ROWS: readonly JudgedHost[] = [];

const COLUMNS: readonly TableColumn<JudgedHost>[] = [
  {
    id: 'host',
    title: 'host',
    value: ({ host }) => host.name,
    cell: ({ host, verdict }) => (
      <span className={styles.host}>
        <span>
          <StatusDot status={verdict.status} label={visibleText(host.name)} />
          <HostLink name={host.name}>
            <b>
              <Value text={host.name} />
            </b>
          </HostLink>
        </span>
        {verdict.reasons.length === 0 ? null : (
          <span className={styles.why}>{verdict.reasons.map(visibleText).join(' · ')}</span>
        )}
      </span>
    ),
    chars: 40,
    least: 18,
  },
  {
    id: 'cpu',
    title: 'CPU busy',
    kind: 'number',
    value: ({ host }) => host.cpu,
    cell: ({ host }) => (
      <span className={styles.went}>
        <Sparkline label="CPU busy" values={host.courses.cpu} unit="ratio" width={64} height={20} />
        <Share value={host.cpu} limits={LIMITS.cpu} />
      </span>
    ),
    chars: 27,
  },
  {
    id: 'load',
    title: 'load per CPU',
    kind: 'number',
    value: ({ host }) => (host.load === null || !host.cpus ? null : host.load / host.cpus),
  },
  {
    id: 'memory',
    title: 'memory used',
    kind: 'number',
    value: ({ host }) => host.memory,
    cell: ({ host }) => (
      <span className={styles.went}>
        <Sparkline label="Memory used" values={host.courses.memory} unit="ratio" width={64} height={20} />
        <Share value={host.memory} limits={LIMITS.memory} />
      </span>
    ),
    chars: 27,
  },
  {
    id: 'disk',
    title: 'disk',
    value: ({ host }) =>
      filled(worstDisk(host.disks) ?? { mount: '', free: 1, size: 1, trend: null, fullInS: null }),
    cell: ({ host }) => <DiskCell disk={worstDisk(host.disks)} />,
    chars: 24,
    least: 16,
  },
  {
    id: 'network',
    title: 'network',
    kind: 'number',
    value: ({ host }) => (host.receive ?? 0) + (host.transmit ?? 0),
    cell: ({ host }) => (
      <span className={styles.went}>
        <Sparkline
          label="Network"
          values={host.courses.network}
          unit="bytes-per-second"
          width={64}
          height={20}
        />
        {host.receive === null ? '–' : formatValue(host.receive + (host.transmit ?? 0), 'bytes-per-second')}
      </span>
    ),
    chars: 22,
  },
  { id: 'cpus', title: 'CPUs', kind: 'number', value: ({ host }) => host.cpus, optional: true },
  {
    id: 'total',
    title: 'memory',
    kind: 'number',
    unit: 'bytes',
    value: ({ host }) => host.memoryTotal,
    optional: true,
  },
  {
    id: 'up',
    title: 'up since',
    value: ({ host }) => host.bootMs,
    cell: ({ host }) =>
      host.bootMs === null ? <NoValue /> : formatSeconds((host.seenMs - host.bootMs) / 1000, 2),
    chars: 10,
    optional: true,
  },
  { id: 'job', title: 'job', value: ({ host }) => host.labels.job, optional: true },
  { id: 'instance', title: 'instance', value: ({ host }) => host.labels.instance, optional: true },
];

export default function HostsPage(): ReactElement {
  const { search, refreshMs, setOwn } = useAddress();
  const navigate = useNavigate();
  const answer = useHosts();
  const alerts = useAlerts(refreshMs).data?.data.alerts ?? NO_ALERTS;
  const now = useNow(15_000);
  const wanted = search.filter ?? '';
  const judged = useMemo(
    () =>
      answer.data?.hosts
        .map((host) => ({ host, verdict: judgeHost(host, alerts, now) }))
        .sort(compareHosts) ?? NO_ROWS,
    [answer.data, alerts, now],
  );
  const rows = useMemo(() => {
    const holds = holdsWords(wanted);
    return wanted === ''
      ? judged
      : judged.filter(({ host, verdict }) =>
          holds([host.name, host.labels.job, host.labels.instance, ...verdict.reasons].join(' ')),
        );
  }, [judged, wanted]);
  const burning = judged.filter(({ verdict }) => ['critical', 'warning'].includes(verdict.status)).length;
  return (
    <Page>
      <PageHead
        title="Hosts"
        about={
          answer.data
            ? burning === 0
              ? `${formatThings(judged.length, 'host')}, none needs attention`
              : `${burning} of ${formatThings(judged.length, 'host')} ${burning === 1 ? 'needs' : 'need'} attention`
            : null
        }
        time={<TimeControls ranged busy={answer.isFetching} onNow={() => void answer.refetch()} />}
      />
      <Toolbar label="Filters">
        <div className={overview.filter}>
          <FilterBar
            label="Filter hosts"
            placeholder="Name, job, or what is wrong with it"
            words={wanted}
            onWords={(words) => setOwn({ filter: words || undefined }, true)}
          />
        </div>
      </Toolbar>
      <Body>
        <Unreadable what="The hosts" error={answer.error} asOfMs={answer.dataUpdatedAt} />
        {answer.isPending ? <Skeleton kind="table" label="The hosts" rows={6} /> : null}
        {answer.data && judged.length === 0 ? (
          <EmptyState reason="none-yet" title="No hosts yet">
            A host is whatever sends node_exporter’s metrics, or OpenTelemetry’s <code>system.*</code>.{' '}
            <PageLink page="home">Home</PageLink> has what to paste to send either.
          </EmptyState>
        ) : null}
        {judged.length > 0 ? (
          <section className="panel card">
            <DataTable
              label="Hosts"
              tall
              columns={COLUMNS}
              rows={rows}
              total={judged.length}
              rowKey={({ host }) => host.name}
              onOpen={({ host }) =>
                void navigate({ to: HOST, params: { host: host.name }, search: contextOf(search) })
              }
              empty={<EmptyState reason="filtered" title="No host fits these words" />}
            />
          </section>
        ) : null}
      </Body>
    </Page>
  );
}
