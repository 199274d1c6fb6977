import type { ReactElement, ReactNode } from 'react';
import { PageLink } from '../address/PageLink';
import { sloReport, type Burn, type SloPart, type SloReport, type Spent } from '../api/slos';
import { useAsked } from '../api/useAsked';
import { Chart } from '../chart/Chart';
import { CodeView } from '../design/CodeView';
import { seriesColor, STATUS_COLORS } from '../design/colors';
import { formatInstant, formatSeconds } from '../design/format';
import { usePageClock, useScheme } from '../design/hooks';
import { Note, Unreadable } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import { StatTile } from '../design/StatTile';
import { StatusChip } from '../design/StatusChip';
import type { TableColumn } from '../design/table/columns';
import { DataTable } from '../design/table/DataTable';
import { Tabs } from '../design/Tabs';
import { LabelSet, Value } from '../design/Value';
import { budgetColumns } from './parts';
import { percent, standOf, times } from './slo';
import styles from './slos.module.css';

function Card({ title, children }: { title: string; children: ReactNode }): ReactElement {
  return (
    <section className="panel card" aria-label={title}>
      <header>
        <h3>{title}</h3>
      </header>
      {children}
    </section>
  );
}

function Tiles({ report }: { report: SloReport }): ReactElement {
  const { slo } = report;
  const stand = standOf(slo);
  return (
    <div className={styles.tiles}>
      <StatTile
        name="Budget left"
        value={slo.budget_remaining}
        unit="ratio"
        status={stand}
        absent="none"
        note={`of ${Number((slo.error_budget * 100).toFixed(4))} % in ${slo.window}${slo.is_rolling ? '' : ', by the calendar'}`}
      />
      <StatTile
        name="Errors"
        value={slo.error_rate}
        unit="ratio"
        note={`target ${slo.target_percent} % without`}
      />
      <StatTile
        name="Burn rate"
        value={slo.burn_rate}
        unit="none"
        note="over the last hour; 1 spends it in just the window"
      />
      <StatTile
        name="Lasts"
        value={slo.exhausted_in_minutes === null ? null : slo.exhausted_in_minutes * 60}
        unit="seconds"
        absent={slo.is_measured ? 'for good' : 'no data'}
        note="if it goes on like the last hour"
      />
      <StatTile
        name="Measured"
        value={slo.coverage}
        unit="ratio"
        note={
          slo.maintenance_minutes > 0
            ? `${formatSeconds(slo.maintenance_minutes * 60, 2)} of maintenance left out`
            : 'of the window'
        }
      />
    </div>
  );
}

function BudgetChart({ report }: { report: SloReport }): ReactElement {
  const scheme = useScheme();
  const times = report.times_ms.map((ms) => ms / 1000);
  const ends: readonly [number, number] = [times[0] ?? 0, times.at(-1) ?? 1];
  const annotations = report.maintenance.map((one) => ({
    fromMs: Date.parse(one.start),
    toMs: Date.parse(one.end),
    text: 'Maintenance',
  }));
  const partly = report.partial_maintenance.map((one) => ({
    fromMs: Date.parse(one.start),
    toMs: Date.parse(one.end),
    text: `Maintenance of ${one.only.join(' and ')}`,
  }));
  const spent = report.spent.slice(0, 8).map((one) => ({
    fromMs: Date.parse(one.start),
    toMs: Date.parse(one.end),
    text: `${percent(one.share)} of the budget`,
    tone: 'critical' as const,
  }));
  return (
    <>
      <Chart
        title="Budget left"
        times={times}
        columns={[report.remaining]}
        names={['budget left']}
        colors={[seriesColor(0, scheme)]}
        unit="ratio"
        height={200}
        range={ends}
        filled
        atLeast={1}
        marks={{
          thresholds: [{ value: 0, label: 'spent', tone: 'critical', beyond: 'below' }],
          annotations: [...annotations, ...partly, ...spent],
        }}
        syncKey="slo"
      />
      <Chart
        title="Errors"
        times={times}
        columns={[report.error_rates]}
        names={['errors']}
        colors={[STATUS_COLORS[scheme].critical]}
        unit="ratio"
        height={110}
        range={ends}
        bars
        marks={{ thresholds: [{ value: report.slo.error_budget, label: 'budget', tone: 'warning' }] }}
        syncKey="slo"
      />
    </>
  );
}

const BURNS: readonly TableColumn<Burn>[] = [
  {
    id: 'severity',
    title: 'severity',
    value: ({ severity }) => severity,
    cell: ({ severity, is_burning: burns }) => (
      <StatusChip
        status={burns ? (severity === 'page' || severity === 'critical' ? 'critical' : 'warning') : 'ok'}
      >
        {severity}
      </StatusChip>
    ),
    chars: 12,
  },
  { id: 'long', title: 'long window', titled: true, value: ({ long }) => long },
  {
    id: 'long rate',
    title: 'burns',
    kind: 'number',
    value: ({ long_rate: rate }) => rate,
    cell: ({ long_rate: rate }) => times(rate),
    chars: 7,
  },
  { id: 'short', title: 'short window', titled: true, value: ({ short }) => short },
  {
    id: 'short rate',
    title: 'burns now',
    kind: 'number',
    value: ({ short_rate: rate }) => rate,
    cell: ({ short_rate: rate }) => times(rate),
    chars: 7,
  },
  {
    id: 'threshold',
    title: 'too fast from',
    kind: 'number',
    value: ({ threshold }) => threshold,
    cell: ({ threshold }) => times(threshold),
    chars: 8,
  },
];

function SpentTable({ spent }: { spent: readonly Spent[] }): ReactElement {
  const { utc } = usePageClock();
  const columns: readonly TableColumn<Spent>[] = [
    {
      id: 'start',
      title: 'from',
      value: ({ start }) => Date.parse(start),
      cell: ({ start }) => formatInstant(Math.floor(Date.parse(start) / 60_000) * 60_000, utc),
      chars: 20,
    },
    {
      id: 'for',
      title: 'for',
      kind: 'number',
      value: ({ start, end }) => Date.parse(end) - Date.parse(start),
      cell: ({ start, end }) => formatSeconds((Date.parse(end) - Date.parse(start)) / 1000, 2),
      chars: 8,
    },
    {
      id: 'share',
      title: 'of the budget',
      kind: 'number',
      value: ({ share }) => share,
      cell: ({ share }) => percent(share),
      chars: 9,
    },
    {
      id: 'errors',
      title: 'errors',
      kind: 'number',
      value: ({ error_rate: rate }) => rate,
      cell: ({ error_rate: rate }) => percent(rate, 2),
      chars: 9,
    },
  ];
  return (
    <DataTable
      label="What spent the budget"
      tall="narrow"
      bare
      columns={columns}
      rows={spent}
      rowKey={({ start }) => start}
      empty={<p className="dim">Nothing has spent a part of it worth telling.</p>}
    />
  );
}

function PartsTable({ parts, by }: { parts: readonly SloPart[]; by: readonly string[] }): ReactElement {
  const columns: readonly TableColumn<SloPart>[] = [
    ...by.map((name): TableColumn<SloPart> => ({
      id: name,
      title: name,
      value: ({ labels }) => labels[name] ?? '',
      cell: ({ labels }) => <Value text={labels[name] ?? ''} />,
    })),
    ...budgetColumns<SloPart>(({ labels }) => Object.values(labels).join(' ')),
  ];
  return (
    <DataTable
      label="Budgets by label"
      tall="narrow"
      bare
      columns={columns}
      rows={parts}
      rowKey={({ labels }) => JSON.stringify(labels)}
      empty={<p className="dim">Nothing was measured yet.</p>}
    />
  );
}

function Gate({ report }: { report: SloReport }): ReactElement {
  const call = `curl -s '${window.location.origin}/api/slos/${encodeURIComponent(report.slo.id)}/gate?min_remaining=0.1&max_burn_rate=2'`;
  return (
    <Card title="May a change go out?">
      <p>
        <StatusChip status={report.allowed ? 'ok' : 'critical'}>
          {report.allowed ? 'yes' : 'better not'}
        </StatusChip>
      </p>
      {report.reasons.length === 0 ? null : (
        <ul className={styles.reasons}>
          {report.reasons.map((one) => (
            <li key={one}>{one}</li>
          ))}
        </ul>
      )}
      <p className="dim">
        A pipeline asks the same, and says how much has to be left; <code>allowed</code> is the answer:
      </p>
      <CodeView text={call} label="call" numbered={false} wrap />
    </Card>
  );
}

function Alerts({ report }: { report: SloReport }): ReactElement {
  if (report.alerts.length === 0) return <p className="dim">None of its alerts is pending or fires.</p>;
  return (
    <ul className={styles.reasons}>
      {report.alerts.map((one) => (
        <li key={one.fingerprint}>
          <StatusChip status={one.state === 'firing' ? 'critical' : 'pending'}>{one.state}</StatusChip>{' '}
          <PageLink page="alert" search={{ id: one.fingerprint }}>
            {one.name}
          </PageLink>{' '}
          <LabelSet labels={one.labels} without={['alertname', 'slo', 'slo_id', 'sloth_id', 'sloth_slo']} />
        </li>
      ))}
    </ul>
  );
}

/** One objective: its budget over the window, how fast it burns, what spent it, and what is made of it. */
export function SloReportView({ id, refreshMs }: { id: string; refreshMs: number }): ReactElement {
  const answer = useAsked({
    key: ['slo report', id],
    ask: (asking) => sloReport(id, asking),
    refreshMs: refreshMs === 0 ? 0 : Math.max(refreshMs, 15_000),
  });
  const report = answer.data?.data;
  if (report === undefined)
    return answer.error ? (
      <Note level="bad">The objective cannot be read: {answer.error.message}</Note>
    ) : (
      <Skeleton kind="chart" label="The objective" />
    );
  const { slo } = report;
  return (
    <div className={styles.stack}>
      <Unreadable what="The objective" error={answer.error} asOfMs={answer.dataUpdatedAt} />
      {slo.description === '' ? null : (
        <p>
          <Value text={slo.description} />
        </p>
      )}
      <h2 className="visually-hidden">How it stands</h2>
      <Tiles report={report} />
      <Tabs
        label="Of the objective"
        tabs={[
          {
            id: 'budget',
            label: 'Budget',
            content: (
              <div className={styles.stack}>
                <Card title={`Since ${slo.is_rolling ? `${slo.window} ago` : 'the begin of the window'}`}>
                  <BudgetChart report={report} />
                </Card>
                {slo.by.length === 0 ? null : (
                  <Card title={`By ${slo.by.join(', ')}`}>
                    <PartsTable parts={report.parts} by={slo.by} />
                  </Card>
                )}
                <Card title="How fast it burns">
                  <DataTable
                    label="Burn rates"
                    tall="narrow"
                    bare
                    columns={BURNS}
                    rows={report.burning}
                    rowKey={({ severity, long }) => `${severity} ${long}`}
                    empty={null}
                  />
                </Card>
                <Card title="What spent it">
                  <SpentTable spent={report.spent} />
                </Card>
              </div>
            ),
          },
          {
            id: 'alerts',
            label: 'Alerts',
            count: report.alerts.length,
            content: (
              <Card title="Alerts">
                <Alerts report={report} />
              </Card>
            ),
          },
          { id: 'gate', label: 'Gate', content: <Gate report={report} /> },
          {
            id: 'rules',
            label: 'Rules',
            content: (
              <Card title="What is recorded and alerted about">
                {slo.file === '' ? null : (
                  <p className="dim">
                    Defined in <Value text={slo.file} mono />
                  </p>
                )}
                <CodeView text={report.rules} label="rules" />
              </Card>
            ),
          },
        ]}
      />
    </div>
  );
}
