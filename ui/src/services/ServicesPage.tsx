import { SegmentedControl } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useMemo, type ReactElement } from 'react';
import { contextOf } from '../address/context';
import { useAddress } from '../address/hooks';
import { PageLink } from '../address/PageLink';
import { SERVICE } from '../address/places';
import type { AlertView } from '../api/alerts';
import { ApiError } from '../api/client';
import { useAsked } from '../api/useAsked';
import { useAlerts } from '../alerts/useAlerts';
import { EmptyState } from '../design/EmptyState';
import { FilterBar } from '../design/FilterBar';
import { holdsWords } from '../design/filter';
import { formatThings } from '../design/format';
import { useNow, usePageClock, useScheme } from '../design/hooks';
import { Note, Unreadable } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import { StatusDot } from '../design/StatusChip';
import type { TableColumn } from '../design/table/columns';
import { DataTable } from '../design/table/DataTable';
import { visibleText } from '../design/value';
import { Value } from '../design/Value';
import { Body, Page, PageHead, Toolbar } from '../page/Page';
import { TimeControls } from '../page/TimeControls';
import { useMay } from '../session/session';
import { resolveRange } from '../time/range';
import { serviceColors } from '../traces/layout';
import { ServiceMap } from '../traces/ServiceMap';
import { loadServices, rangeOf, type Seen } from './load';
import { ServiceLink, Went } from './parts';
import { compareJudged, FAILING, judgeService, type Judged } from './services';
import overview from '../design/overview.module.css';
import styles from './services.module.css';

const NO_ALERTS: readonly AlertView[] = [];
const NO_ROWS: readonly Judged[] = [];

function columnsOf(hasTargets: boolean): readonly TableColumn<Judged>[] {
  const { warning } = FAILING;
  const ratios = ({ service: { course } }: Judged) =>
    course.rates.map((rate, i) => (rate ? (course.failures[i] ?? 0) / rate : null));
  return [
    {
      id: 'service',
      title: 'service',
      value: ({ service }) => service.name,
      cell: ({ service, verdict }) => (
        <span className={styles.service}>
          <span>
            <StatusDot status={verdict.status} label={visibleText(service.name)} />
            <ServiceLink name={service.name}>
              <b>
                <Value text={service.name === '' ? 'without a name' : service.name} />
              </b>
            </ServiceLink>
          </span>
          {verdict.reasons.length === 0 ? null : (
            <span className={styles.why}>{verdict.reasons.map(visibleText).join(' · ')}</span>
          )}
        </span>
      ),
      chars: 44,
      least: 18,
    },
    {
      id: 'rate',
      title: 'requests',
      kind: 'number',
      value: ({ service }) => service.fare.rate,
      cell: ({ service }) => (
        <Went label="Requests" value={service.fare.rate} values={service.course.rates} unit="per-second" />
      ),
      chars: 20,
    },
    {
      id: 'errors',
      title: 'failed',
      kind: 'number',
      value: ({ service }) => service.fare.errorRatio,
      cell: (row) => (
        <Went
          label="Failed"
          value={row.service.fare.errorRatio}
          values={ratios(row)}
          unit="ratio"
          bad={(row.service.fare.errorRatio ?? 0) >= warning}
        />
      ),
      chars: 18,
    },
    { id: 'p50', title: 'p50', kind: 'number', unit: 'seconds', value: ({ service }) => service.fare.p50 },
    {
      id: 'p95',
      title: 'p95',
      kind: 'number',
      value: ({ service }) => service.fare.p95,
      cell: ({ service }) => (
        <Went label="p95" value={service.fare.p95} values={service.course.p95} unit="seconds" />
      ),
      chars: 19,
    },
    { id: 'p99', title: 'p99', kind: 'number', unit: 'seconds', value: ({ service }) => service.fare.p99 },
    {
      id: 'targets',
      title: 'targets up',
      value: ({ service }) =>
        service.targets === null ? null : `${service.targets.up} of ${service.targets.all}`,
      optional: !hasTargets,
    },
    {
      id: 'source',
      title: 'known by',
      value: ({ service }) => service.source,
      optional: true,
    },
  ];
}

function Nothing(): ReactElement {
  return (
    <EmptyState reason="none-yet" title="No services yet">
      A service is whatever sends spans, or metrics of its requests such as <code>http_requests_total</code>,
      or is scraped. <PageLink page="home">Home</PageLink> has what to paste to send either.
    </EmptyState>
  );
}

/** Who calls whom, of all services; a press opens one. */
function CallMap({ seen, onService }: { seen: Seen; onService: (name: string) => void }): ReactElement {
  const scheme = useScheme();
  const colors = useMemo(
    () =>
      serviceColors(
        seen.services.map(({ name }) => name),
        scheme,
      ),
    [seen, scheme],
  );
  return (
    <section className="panel card" aria-label="Who calls whom">
      <ServiceMap range={rangeOf(seen.grid)} colors={colors} onService={onService} />
    </section>
  );
}

export default function ServicesPage(): ReactElement {
  const { search, range, refreshMs, setOwn } = useAddress();
  const navigate = useNavigate();
  const may = useMay();
  const { utc } = usePageClock();
  const wrong = resolveRange(range, useNow(60_000), utc);
  const seesTraces = may('traces.view');
  const answer = useAsked({
    key: ['services', range.from, range.to, utc],
    ask: (asking) => {
      const span = resolveRange(range, Date.now(), utc);
      if (typeof span === 'string') throw new ApiError('refused', `The time range is not valid: ${span}.`);
      return loadServices(span, { traces: seesTraces, metrics: may('metrics.view') }, asking);
    },
    refreshMs,
    keep: true,
  });
  const alerts = useAlerts(refreshMs).data?.data.alerts ?? NO_ALERTS;
  const seen = answer.data;
  const wanted = search.filter ?? '';
  const judged = useMemo(
    () =>
      seen?.services
        .map((service) => ({ service, verdict: judgeService(service, alerts, seen.grid.step) }))
        .sort(compareJudged) ?? NO_ROWS,
    [seen, alerts],
  );
  const rows = useMemo(() => {
    const holds = holdsWords(wanted);
    return wanted === ''
      ? judged
      : judged.filter(({ service, verdict }) => holds([service.name, ...verdict.reasons].join(' ')));
  }, [judged, wanted]);
  const columns = useMemo(() => columnsOf(judged.some(({ service }) => service.targets !== null)), [judged]);
  const open = (name: string): void =>
    void navigate({ to: SERVICE, params: { service: name }, search: contextOf(search) });
  const burning = judged.filter(({ verdict }) => ['critical', 'warning'].includes(verdict.status)).length;
  const map = search.view === 'map' && seesTraces;
  return (
    <Page>
      <PageHead
        title="Services"
        about={
          seen
            ? burning === 0
              ? `${formatThings(judged.length, 'service')}, none needs attention`
              : `${burning} of ${formatThings(judged.length, 'service')} ${burning === 1 ? 'needs' : 'need'} attention`
            : null
        }
        time={<TimeControls ranged busy={answer.isFetching} onNow={() => void answer.refetch()} />}
      />
      {typeof wrong === 'string' ? <Note level="bad">The time range is not valid: {wrong}.</Note> : null}
      <Toolbar label="Filters">
        <div className={overview.filter}>
          <FilterBar
            label="Filter services"
            placeholder="Name, or what is wrong with it"
            words={wanted}
            onWords={(words) => setOwn({ filter: words || undefined }, true)}
          />
        </div>
        {seesTraces ? (
          <SegmentedControl
            size="xs"
            aria-label="View"
            data={[
              { value: 'list', label: 'List' },
              { value: 'map', label: 'Who calls whom' },
            ]}
            value={map ? 'map' : 'list'}
            onChange={(view) => setOwn({ view: view === 'map' ? 'map' : undefined }, true)}
          />
        ) : null}
      </Toolbar>
      <Body>
        <Unreadable what="The services" error={answer.error} asOfMs={answer.dataUpdatedAt} />
        {(seen?.unread ?? []).map(({ what, error }) => (
          <Note key={what} level="warn">
            Left out are {what}: {error}
          </Note>
        ))}
        {answer.isPending ? <Skeleton kind="table" label="The services" rows={8} /> : null}
        {seen && judged.length === 0 && seen.unread.length === 0 ? <Nothing /> : null}
        {seen && judged.length > 0 && map ? <CallMap seen={seen} onService={open} /> : null}
        {judged.length > 0 && !map ? (
          <section className="panel card">
            <DataTable
              label="Services"
              tall
              columns={columns}
              rows={rows}
              total={judged.length}
              rowKey={({ service }) => service.name}
              onOpen={({ service }) => open(service.name)}
              empty={
                <EmptyState reason="filtered" title="No service fits these words">
                  {formatThings(judged.length, 'service')} do not.
                </EmptyState>
              }
            />
          </section>
        ) : null}
      </Body>
    </Page>
  );
}
