import clsx from 'clsx';
import { useMemo, type ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import { PageLink } from '../address/PageLink';
import { ApiError } from '../api/client';
import { useAsked } from '../api/useAsked';
import { CodeView } from '../design/CodeView';
import { EmptyState } from '../design/EmptyState';
import { formatClock, formatInstant, formatSeconds, formatValue } from '../design/format';
import { usePageClock } from '../design/hooks';
import { Note, Unreadable } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import { StatusChip } from '../design/StatusChip';
import { Value } from '../design/Value';
import { fillIn, PANELS } from '../home/panels';
import { ChartCard } from '../page/ChartCard';
import { loadCharts, type ChartSpec } from '../page/charts';
import { Body, Page, PageHead } from '../page/Page';
import { TimeControls } from '../page/TimeControls';
import { useMay } from '../session/session';
import { absolute, alignGrid, chooseStep, resolveRange } from '../time/range';
import { loadServer, type ServerSeen } from './load';
import { areasOf, faultsOf, statusOf, type Fault } from './server';
import overview from '../design/overview.module.css';
import styles from './server.module.css';

const POINTS = 180;

function FaultLink({ fault }: { fault: Fault }): ReactElement | null {
  if (fault.page !== undefined)
    return (
      <PageLink page={fault.page} search={{}} className="underlined">
        Look at it
      </PageLink>
    );
  if (fault.expr === undefined) return null;
  return (
    <PageLink page="explore" search={{ q0: fault.expr }} className="underlined">
      Show it
    </PageLink>
  );
}

/** What is wrong, in words; that all is well only where all is known. */
function Faults({ seen }: { seen: ServerSeen }): ReactElement {
  const faults = faultsOf(seen.figures, seen.beside);
  const known = seen.measured && seen.unread.length === 0;
  return (
    <section className="panel card" aria-label="What is wrong" role="status">
      {faults.length === 0 ? (
        <div className="row wrap">
          <StatusChip status={statusOf(faults, known)} />
          <span>
            {known
              ? 'All that Pharos measures of itself is as it should be.'
              : 'Nothing that is known is wrong, but not all is known.'}
          </span>
        </div>
      ) : (
        <ul className={styles.faults}>
          {faults.map((fault) => (
            <li key={fault.text}>
              <StatusChip status={fault.status} />
              <div>
                <b>{fault.text}</b> <FaultLink fault={fault} />
                <p>{fault.hint}</p>
              </div>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function Areas({ seen }: { seen: ServerSeen }): ReactElement {
  return (
    <div className={styles.areas}>
      {areasOf(seen.figures, seen.beside).map(({ title, lines }) => (
        <section key={title} className={clsx('panel card', styles.area)} aria-label={title}>
          <h2>{title}</h2>
          <dl>
            {lines.map(({ name, value, unit, note }) => (
              <div key={name} className={styles.contents}>
                <dt>
                  {name} {note === undefined ? null : <small>{note}</small>}
                </dt>
                <dd>
                  {value === null
                    ? '–'
                    : unit === 'seconds'
                      ? formatSeconds(value, 2)
                      : formatValue(value, unit)}
                </dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </div>
  );
}

function Charts(): ReactElement {
  const { range, refreshMs, change } = useAddress();
  const { utc } = usePageClock();
  const answer = useAsked({
    key: ['status-charts', range.from, range.to, utc],
    ask: (asking) => {
      const span = resolveRange(range, Date.now(), utc);
      if (typeof span === 'string') throw new ApiError('refused', `The time range is not valid: ${span}.`);
      const grid = alignGrid(span, chooseStep(span.toMs - span.fromMs, POINTS, 5));
      return loadCharts(specsOf(grid.step), grid, asking);
    },
    refreshMs,
    keep: true,
  });
  const { data } = answer;
  return (
    <>
      <Unreadable what="The charts" error={answer.error} asOfMs={data ? answer.dataUpdatedAt : 0} />
      <h2 className="visually-hidden">Over time</h2>
      <div className={overview.charts}>
        {SPECS.map((spec) => (
          <ChartCard
            key={spec.id}
            spec={spec}
            data={data?.charts[spec.id]}
            times={data?.times ?? []}
            range={data?.range ?? [0, 1]}
            syncKey="status"
            onZoom={(fromMs, toMs) => change({ range: absolute(fromMs, toMs) })}
          />
        ))}
      </div>
    </>
  );
}

const SPECS: readonly ChartSpec[] = [
  ...PANELS.filter(({ group }) => group === 'pharos').map(
    ({ id, title, unit, queries, stacked, atLeast }) => ({
      id,
      title,
      unit,
      queries,
      ...(stacked === undefined ? {} : { stacked }),
      ...(atLeast === undefined ? {} : { atLeast }),
    }),
  ),
  {
    id: 'free',
    title: 'Disk free',
    unit: 'bytes',
    queries: [{ expr: 'min(pharos_disk_free_bytes)', name: 'free' }],
  },
  {
    id: 'cpu',
    title: 'CPU',
    unit: 'cores',
    queries: [{ expr: 'sum($rate(process_cpu_seconds_total{job="pharos"}[$w]))', name: 'pharos' }],
  },
  {
    id: 'messages',
    title: 'Messages',
    unit: 'per-second',
    stacked: true,
    queries: [{ expr: 'sum by (outcome) ($rate(pharos_messages_total[$w]))', by: 'outcome' }],
  },
];

function specsOf(stepS: number): readonly ChartSpec[] {
  const rate = { how: 'rate', windowS: Math.max(60, stepS) } as const;
  return SPECS.map((spec) => ({
    ...spec,
    queries: spec.queries.map((query) => ({ ...query, expr: fillIn(query.expr, null, rate) })),
  }));
}

function Versions({ seen }: { seen: ServerSeen }): ReactElement {
  const { utc } = usePageClock();
  const { build, runtime, beside } = seen;
  const facts: readonly (readonly [string, string])[] = [
    ...(build
      ? ([
          ['Pharos', build.pharosVersion],
          ['Speaks as Prometheus', build.version],
          ['Python', build.pythonVersion],
          ['Store', build.engineVersion],
        ] as const)
      : []),
    ...(runtime
      ? ([
          ['Machine', `${runtime.hostname}, ${runtime.GOMAXPROCS} CPUs`],
          ['Started', formatInstant(Date.parse(runtime.startTime), utc)],
          ['Folder', runtime.CWD],
          ['Retention', runtime.storageRetention || 'nothing is ever deleted'],
          [
            'Configuration read',
            `${formatInstant(Date.parse(runtime.lastConfigTime), utc)}${runtime.reloadConfigSuccess ? '' : ', last time in vain'}`,
          ],
        ] as const)
      : []),
    ...(beside.kernels
      ? ([['Compiled', `${beside.kernels.compiled} of ${beside.kernels.total}`]] as const)
      : []),
  ];
  return (
    <section className="panel card" aria-label="Versions and settings">
      <h2>Versions and settings</h2>
      <dl className={styles.facts}>
        {facts.map(([name, text]) => (
          <div key={name} className={styles.contents}>
            <dt>{name}</dt>
            <dd>
              <Value text={text} />
            </dd>
          </div>
        ))}
      </dl>
      {seen.settings === null ? (
        <p className="dim">Who operates the server sees its settings here too (permission server.operate).</p>
      ) : (
        <details>
          <summary>The settings in force, without secrets</summary>
          <div className={styles.settings}>
            <CodeView text={seen.settings} label="the settings" language="yaml" />
          </div>
        </details>
      )}
    </section>
  );
}

/** How Pharos itself fares: what is wrong in words, then in figures, then over time. */
export default function StatusPage(): ReactElement {
  const { refreshMs } = useAddress();
  const may = useMay();
  const { utc } = usePageClock();
  const rights = useMemo(() => ({ alerts: may('alerts.view'), operate: may('server.operate') }), [may]);
  const answer = useAsked({
    key: ['status', rights],
    ask: (asking) => loadServer(rights, asking),
    refreshMs,
    keep: true,
  });
  const seen = answer.data;
  return (
    <Page>
      <PageHead
        title="Status"
        about={
          seen ? `of Pharos itself, as of ${formatClock(Math.floor(seen.takenMs / 1000) * 1000, utc)}` : null
        }
        time={<TimeControls ranged busy={answer.isFetching} onNow={() => void answer.refetch()} />}
      />
      <Body>
        <Unreadable what="The status" error={answer.error} asOfMs={seen ? answer.dataUpdatedAt : 0} />
        {(seen?.unread ?? []).map(({ what, error }) => (
          <Note key={what} level="warn">
            Not known: {what}. {error}
          </Note>
        ))}
        {answer.isPending ? (
          <>
            <Skeleton kind="text" label="What is wrong" rows={2} />
            <Skeleton kind="table" label="Its figures" rows={6} />
          </>
        ) : null}
        {seen ? <Faults seen={seen} /> : null}
        {seen && !seen.measured && seen.unread.length === 0 ? (
          <EmptyState reason="no-such" title="Pharos’ own metrics are not in this tenant">
            They are in the tenant that the server writes them to, <code>default</code> unless it was set
            otherwise.
          </EmptyState>
        ) : null}
        {seen?.measured ? (
          <>
            <Areas seen={seen} />
            <Charts />
          </>
        ) : null}
        {seen ? <Versions seen={seen} /> : null}
      </Body>
    </Page>
  );
}
