import { useMemo, useState, type ReactElement } from 'react';
import { Timeline } from '../chart/Timeline';
import type { TimelineRow } from '../chart/timeline';
import { Choice, type Option } from '../design/Choice';
import { CodeView } from '../design/CodeView';
import {
  HTTP_COLORS,
  LEVEL_COLORS,
  PALETTES,
  SPAN_KIND_COLORS,
  STATUS_COLORS,
  TENANT_COLORS,
  seriesColor,
} from '../design/colors';
import { Confirm } from '../design/Confirm';
import { Drawer } from '../design/Drawer';
import { EmptyState } from '../design/EmptyState';
import { CheckField, ChoiceField, MultiChoiceField, TextAreaField, TextField } from '../design/fields';
import { FilterBar } from '../design/FilterBar';
import { meets, type Filter } from '../design/filter';
import { useScheme } from '../design/hooks';
import { JsonView } from '../design/JsonView';
import { Menu } from '../design/Menu';
import { Skeleton } from '../design/Skeleton';
import { Sparkline } from '../design/Sparkline';
import { StatTile } from '../design/StatTile';
import { StatusChip, StatusDot } from '../design/StatusChip';
import { STATUSES, type Status } from '../design/status';
import type { TableColumn } from '../design/table/columns';
import { DataTable } from '../design/table/DataTable';
import { Tabs } from '../design/Tabs';
import { toasts } from '../design/toasts';
import { Expression, LabelSet, Value } from '../design/Value';
import { Page, PageHead } from '../page/Page';
import { DateTimeField } from '../time/DateTimeField';
import { Charts } from './Charts';
import { Panels } from './Panels';
import { HOSTILE, HOSTILE_VALUES } from './hostile';
import { Section } from './Section';
import styles from './gallery.module.css';

interface Sample {
  id: number;
  labels: Readonly<Record<string, string>>;
  status: Status;
  rate: number;
  bytes: number;
  seconds: number | null;
}

const ROWS = 100_000;

/** The same rows at every visit, so that what is seen can be compared. */
function makeRows(): Sample[] {
  return Array.from({ length: ROWS }, (_, id) => {
    const wobble = (Math.sin(id * 12.9898) * 43_758.5453) % 1;
    return {
      id,
      labels: {
        service: HOSTILE_VALUES[id % HOSTILE_VALUES.length] ?? '',
        instance: `host-${id % 977}:9100`,
      },
      status: STATUSES[id % STATUSES.length] ?? 'unknown',
      rate: Math.abs(wobble) * 1_200,
      bytes: Math.abs(wobble) * 9e6 + 1_000,
      seconds: id % 13 === 0 ? null : Math.abs(wobble) / 4,
    };
  });
}

const COLUMNS: readonly TableColumn<Sample>[] = [
  {
    id: 'status',
    title: 'state',
    value: (row) => STATUSES.indexOf(row.status),
    cell: (row) => <StatusChip status={row.status} />,
    chars: 16,
  },
  { id: 'service', title: 'service', value: (row) => row.labels.service ?? '' },
  { id: 'instance', title: 'instance', value: (row) => row.labels.instance ?? '' },
  { id: 'rate', title: 'requests', kind: 'number', unit: 'per-second', value: (row) => row.rate },
  { id: 'seconds', title: 'p95', kind: 'number', unit: 'seconds', value: (row) => row.seconds },
  { id: 'bytes', title: 'memory', kind: 'number', unit: 'bytes', value: (row) => row.bytes },
  { id: 'id', title: 'number', kind: 'number', value: (row) => row.id, optional: true },
];

function TableSection({ onOpen }: { onOpen: (row: Sample) => void }): ReactElement {
  const [filters, setFilters] = useState<readonly Filter[]>([]);
  const [words, setWords] = useState('');
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const all = useMemo(() => makeRows(), []);
  const rows = useMemo(
    () =>
      all.filter(
        (row) =>
          filters.every((filter) => meets(row.labels, filter)) &&
          (words === '' || Object.values(row.labels).some((value) => value.includes(words))),
      ),
    [all, filters, words],
  );
  return (
    <Section title="Table">
      <DataTable
        label="Services"
        tall="narrow"
        columns={COLUMNS}
        rows={rows}
        total={all.length}
        rowKey={(row) => String(row.id)}
        selected={selected}
        onSelect={setSelected}
        onOpen={onOpen}
        tools={
          <FilterBar
            label="Filter services"
            filters={filters}
            onFilters={setFilters}
            words={words}
            onWords={setWords}
            names={['service', 'instance']}
          />
        }
        empty={
          <EmptyState
            reason="filtered"
            title="No service fits these filters"
            actions={
              <button
                type="button"
                className="button"
                onClick={() => {
                  setFilters([]);
                  setWords('');
                }}
              >
                Clear the filters
              </button>
            }
          >
            100,000 are there; take a filter away to see them.
          </EmptyState>
        }
      />
    </Section>
  );
}

const OPTIONS: readonly Option[] = [
  { value: 'none', label: 'plain number' },
  { value: 'bytes', note: 'MiB' },
  { value: 'seconds', note: 'ms' },
  ...HOSTILE_VALUES.filter((value) => value !== '').map((value) => ({ value })),
];

function FormSection(): ReactElement {
  const [name, setName] = useState('Checkout is slow');
  const [query, setQuery] = useState('rate(http_requests_total[5m]');
  const [note, setNote] = useState('');
  const [unit, setUnit] = useState<string | null>('bytes');
  const [many, setMany] = useState<readonly string[]>(['seconds', HOSTILE.override]);
  const [checked, setChecked] = useState(true);
  const [at, setAt] = useState('2026-11-21 14:30');
  const [end, setEnd] = useState('tomorrow-ish');
  const now = Date.parse('2026-11-29T12:00:00Z');
  return (
    <Section title="Form">
      <form className={styles.form} onSubmit={(event) => event.preventDefault()}>
        <TextField label="Name" value={name} onChange={setName} required />
        <TextField
          label="Expression"
          mono
          value={query}
          onChange={setQuery}
          error={query.endsWith(']') ? 'A parenthesis is not closed: add one at the end' : undefined}
        />
        <ChoiceField
          label="Unit"
          options={OPTIONS}
          value={unit}
          onChange={setUnit}
          clearable
          hint="Of the value axis"
        />
        <MultiChoiceField label="Services" options={OPTIONS} values={many} onChange={setMany} free />
        <DateTimeField label="Starts" text={at} onChange={setAt} nowMs={now} />
        <DateTimeField label="Ends" text={end} onChange={setEnd} nowMs={now} />
        <TextAreaField label="Note" value={note} onChange={setNote} hint="Shown to who is on call" />
        <CheckField label="Notify the team" checked={checked} onChange={setChecked} />
      </form>
    </Section>
  );
}

function Overlays({ opened, onClose }: { opened: Sample | null; onClose: () => void }): ReactElement {
  const [asking, setAsking] = useState(false);
  return (
    <Section title="Menu, drawer, confirmation, messages">
      <div className={styles.line}>
        <Menu
          label="Actions"
          entries={[
            { kind: 'heading', label: 'This series' },
            {
              kind: 'action',
              label: 'Show alone',
              icon: 'filter',
              keys: 'Enter',
              run: () => toasts.show({ level: 'info', text: 'Shown alone' }),
            },
            {
              kind: 'action',
              label: 'Copy the query',
              icon: 'copy',
              run: () => toasts.show({ level: 'ok', text: 'Copied' }),
            },
            { kind: 'line' },
            { kind: 'action', label: 'Delete…', icon: 'trash', danger: true, run: () => setAsking(true) },
          ]}
        />
        <button type="button" className="button" onClick={() => setAsking(true)}>
          Delete…
        </button>
        <button
          type="button"
          className="button"
          onClick={() =>
            toasts.show({
              level: 'critical',
              text: `Could not save ${HOSTILE.markup}: the server refused (409)`,
              action: { label: 'Try again', run: () => toasts.show({ level: 'ok', text: 'Saved' }) },
            })
          }
        >
          Fail
        </button>
        <span className={styles.unit}>
          <Choice
            label="Choice"
            options={OPTIONS}
            value={null}
            onChange={() => undefined}
            placeholder="choose…"
          />
        </span>
      </div>
      <Drawer
        open={opened !== null}
        onClose={onClose}
        title={opened ? <Value text={opened.labels.service ?? ''} /> : ''}
      >
        {opened ? (
          <Tabs
            label="Details"
            tabs={[
              { id: 'labels', label: 'Labels', count: 2, content: <LabelSet labels={opened.labels} /> },
              { id: 'raw', label: 'Raw', content: <JsonView label="the row" value={{ ...opened }} /> },
            ]}
          />
        ) : null}
      </Drawer>
      <Confirm
        open={asking}
        title="Delete 12 series?"
        action="Delete 12 series"
        danger
        phrase="checkout"
        onCancel={() => setAsking(false)}
        onConfirm={() => {
          setAsking(false);
          toasts.show({ level: 'ok', text: 'Deleted 12 series' });
        }}
      >
        Their samples of the last 15 days are gone for good.
      </Confirm>
    </Section>
  );
}

function wave(phase: number, scale: number): (number | null)[] {
  return Array.from({ length: 48 }, (_, i) => (i === 20 ? null : scale * (1.2 + Math.sin(i / 5 + phase))));
}

function Figures(): ReactElement {
  return (
    <Section title="Figures and states">
      <div className={styles.tiles}>
        <StatTile
          name="Requests"
          value={1243.2}
          unit="per-second"
          note="of 12 services"
          values={wave(0, 500)}
        />
        <StatTile
          name="Error ratio"
          value={0.0213}
          unit="ratio"
          note="1 % allowed"
          status="warning"
          values={wave(1, 0.01)}
        />
        <StatTile
          name="p99"
          value={1.84}
          unit="seconds"
          note="since 14:02"
          status="critical"
          values={wave(2, 1)}
        />
        <StatTile name={HOSTILE.long} value={8.1e9} unit="bytes" note={HOSTILE.long} values={wave(3, 4e9)} />
        <StatTile name="Queue" value={null} unit="count" absent="collecting…" values={[]} />
      </div>
      <div className={styles.line}>
        {STATUSES.map((status) => (
          <StatusChip key={status} status={status} />
        ))}
      </div>
      <div className={styles.line}>
        {STATUSES.map((status) => (
          <StatusDot key={status} status={status} label="Example" />
        ))}
        <Sparkline label="Load" values={wave(0, 2)} />
        <Sparkline
          label="Balance"
          values={wave(0, 1).map((value) => (value === null ? null : value - 1.2))}
        />
        <Sparkline label="Nothing" values={[]} />
      </div>
    </Section>
  );
}

function Scales(): ReactElement {
  const scheme = useScheme();
  const scales: [string, readonly (readonly [string, string])[]][] = [
    ['States', Object.entries(STATUS_COLORS[scheme])],
    ['Log levels', Object.entries(LEVEL_COLORS[scheme])],
    ['HTTP classes', Object.entries(HTTP_COLORS[scheme])],
    ['Span kinds', Object.entries(SPAN_KIND_COLORS[scheme])],
    ['Series', PALETTES[scheme].map((color, i) => [String(i + 1), color] as const)],
    ['Tenants', TENANT_COLORS[scheme].map((color, i) => [String(i + 1), color] as const)],
  ];
  return (
    <Section title="Colours">
      {scales.map(([name, colors]) => (
        <div key={name} className={styles.line}>
          <span className={styles.scale}>{name}</span>
          {colors.map(([label, color]) => (
            <span key={label} className={styles.swatch}>
              <i style={{ background: color }} />
              {label}
            </span>
          ))}
        </div>
      ))}
    </Section>
  );
}

const DAY = Date.parse('2026-11-29T00:00:00Z');
const HOUR_MS = 3_600_000;

function Spans(): ReactElement {
  const scheme = useScheme();
  const rows: TimelineRow[] = HOSTILE_VALUES.slice(0, 6).map((label, i) => ({
    id: `${i}`,
    label,
    depth: Math.min(i, 3),
    bars: [
      {
        id: `${i} a`,
        label: `run of ${label}`,
        fromMs: DAY + i * 2 * HOUR_MS,
        toMs: DAY + (i * 2 + 3) * HOUR_MS,
        color: seriesColor(i, scheme),
      },
      {
        id: `${i} b`,
        label: 'planned',
        fromMs: DAY + (16 + i) * HOUR_MS,
        toMs: i === 5 ? null : DAY + (18 + i) * HOUR_MS,
        color: seriesColor(i, scheme),
        faint: true,
      },
    ],
  }));
  return (
    <Section title="Timeline">
      <Timeline label="Runs of a day" rows={rows} fromMs={DAY} toMs={DAY + 24 * HOUR_MS} />
    </Section>
  );
}

const YAML = `scrape_configs:
  - job_name: "shop" # ${HOSTILE.cjk}
    scrape_intervall: 15s
    static_configs:
      - targets: ["127.0.0.1:9100"]
        labels: {path: "${HOSTILE.override}"}
`;

function Texts(): ReactElement {
  return (
    <Section title="Values and code">
      <div className={styles.line}>
        {HOSTILE_VALUES.map((value) => (
          <span key={value} className={styles.value}>
            <Value text={value} mono />
          </span>
        ))}
      </div>
      <LabelSet labels={{ ...HOSTILE }} />
      <div>
        <Expression
          text={`http_requests_total{path=${JSON.stringify(HOSTILE.override)}, job=${JSON.stringify(HOSTILE.arabic)}} -> != =~`}
        />
      </div>
      <div className={styles.pair}>
        <CodeView label="prometheus.yml" language="yaml" text={YAML} marked={[3]} />
        <JsonView
          label="an attribute set"
          value={{
            ok: true,
            code: 200,
            nothing: null,
            attributes: { ...HOSTILE },
            list: [1, 2, [3, { deep: 'x' }]],
          }}
        />
      </div>
    </Section>
  );
}

function Absent(): ReactElement {
  return (
    <Section title="Nothing, and not yet">
      <div className={styles.pair}>
        <EmptyState
          reason="none-yet"
          title="No logs yet"
          actions={
            <button type="button" className="button primary">
              How to send logs
            </button>
          }
        >
          Anything that speaks OTLP can send them to this address.
        </EmptyState>
        <EmptyState reason="failed" title="The series could not be read">
          {HOSTILE.markup}
        </EmptyState>
      </div>
      <div className={styles.pair}>
        <Skeleton kind="table" label="Series" />
        <Skeleton kind="chart" label="Rates" />
        <Skeleton kind="tile" label="Requests" />
        <Skeleton kind="text" label="Notes" rows={4} />
      </div>
    </Section>
  );
}

/** Every component in every state, with the content of strangers: what tests look at, and who builds pages. */
export default function GalleryPage(): ReactElement {
  const [opened, setOpened] = useState<Sample | null>(null);
  return (
    <Page>
      <PageHead title="Components" />
      <Figures />
      <Overlays opened={opened} onClose={() => setOpened(null)} />
      <TableSection onOpen={setOpened} />
      <Charts />
      <Panels />
      <FormSection />
      <Texts />
      <Spans />
      <Scales />
      <Absent />
    </Page>
  );
}
