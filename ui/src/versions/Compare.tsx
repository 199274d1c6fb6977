import { useMemo, useState, type ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import {
  compareGroups,
  type Better,
  type Comparison,
  type Difference,
  type Measure,
  type MeasureKind,
} from '../api/versions';
import { EmptyState } from '../design/EmptyState';
import { ChoiceField, TextField } from '../design/fields';
import { formatValue } from '../design/format';
import { usePageClock } from '../design/hooks';
import { Note } from '../design/parts';
import { StatusChip } from '../design/StatusChip';
import type { TableColumn } from '../design/table/columns';
import { DataTable } from '../design/table/DataTable';
import { IconButton } from '../design/IconButton';
import { LabelSet, Value } from '../design/Value';
import { resolveRange } from '../time/range';
import { useDeed } from '../session/useDeed';
import { effectWords, reachOf } from './effect';
import { EffectLine } from './EffectLine';
import { OUTCOMES, SEVERITIES } from './verdicts';
import styles from './versions.module.css';

interface Draft {
  readonly id: number;
  readonly name: string;
  readonly kind: MeasureKind;
  readonly query: string;
  readonly better: Better;
}

const KINDS = [
  { value: 'spans', label: 'spans (TraceQL)' },
  { value: 'metric', label: 'a metric (PromQL)' },
  { value: 'runs', label: 'runs of a workflow' },
  { value: 'logs', label: 'patterns of lines (search)' },
];
const BETTER = [
  { value: 'lower', label: 'lower is better' },
  { value: 'higher', label: 'higher is better' },
  { value: 'neither', label: 'neither' },
];
const BEGINS: Readonly<Record<MeasureKind, string>> = {
  spans: '{ resource.service.version = "{{.group}}" }',
  metric: 'sum(rate(http_requests_total{version="{{.group}}"}[1m]))',
  runs: 'workflow="nightly", version="{{.group}}"',
  logs: 'service.version:"{{.group}}"',
};
const FIRST: Draft = { id: 0, name: 'requests', kind: 'spans', query: BEGINS.spans, better: 'lower' };

/** What is compared by, as the server reads it. */
function measureOf({ name, kind, query, better }: Draft): Measure {
  return { name, [kind]: query, ...(kind === 'metric' ? { better } : {}) };
}

function MeasureFields(props: {
  of: Draft;
  onChange: (next: Draft) => void;
  onDrop: (() => void) | null;
}): ReactElement {
  const { of, onChange, onDrop } = props;
  return (
    <fieldset className={styles.measure}>
      <legend className="visually-hidden">Measure {of.name}</legend>
      <TextField label="Name" value={of.name} onChange={(name) => onChange({ ...of, name })} />
      <ChoiceField
        label="By"
        options={KINDS}
        value={of.kind}
        onChange={(next) => {
          const kind = (next ?? 'spans') as MeasureKind;
          onChange({ ...of, kind, query: of.query === BEGINS[of.kind] ? BEGINS[kind] : of.query });
        }}
      />
      <TextField label="Query" mono value={of.query} onChange={(query) => onChange({ ...of, query })} />
      {of.kind === 'metric' ? (
        <ChoiceField
          label="Direction"
          options={BETTER}
          value={of.better}
          onChange={(next) => onChange({ ...of, better: (next ?? 'lower') as Better })}
        />
      ) : null}
      {onDrop ? <IconButton icon="close" label={`Leave out ${of.name}`} onClick={onDrop} /> : null}
    </fieldset>
  );
}

/** A value of either group, in the unit of its kind. */
function valueWords(kind: Difference['kind'], value: number | null): string {
  if (value === null) return '–';
  if (kind === 'latency' || kind === 'duration') return formatValue(value / 1000, 'seconds');
  if (kind === 'metric') return formatValue(value, 'none');
  return formatValue(value, 'ratio');
}

function columnsFor(reach: number): readonly TableColumn<Difference>[] {
  return [
    {
      id: 'severity',
      title: 'severity',
      chars: 11,
      value: ({ severity }) => severity,
      cell: ({ severity }) =>
        severity === 'none' ? (
          <span className="dim">none</span>
        ) : (
          <StatusChip status={SEVERITIES[severity][0]}>{SEVERITIES[severity][1]}</StatusChip>
        ),
    },
    {
      id: 'measure',
      title: 'measure',
      chars: 34,
      least: 16,
      value: ({ measure, kind }) => `${measure} ${kind}`,
      cell: ({ measure, kind, labels }) => (
        <span className={styles.named}>
          <span>
            <Value text={measure} /> <span className="dim">{kind === 'metric' ? '' : kind}</span>
          </span>
          {Object.keys(labels).length === 0 ? null : <LabelSet labels={labels} />}
        </span>
      ),
    },
    {
      id: 'verdict',
      title: 'verdict',
      chars: 13,
      value: ({ verdict }) => verdict,
      cell: ({ verdict }) => <StatusChip status={OUTCOMES[verdict][0]}>{OUTCOMES[verdict][1]}</StatusChip>,
    },
    {
      id: 'baseline',
      title: 'first',
      kind: 'number',
      chars: 10,
      value: ({ baseline }) => baseline,
      cell: ({ kind, baseline }) => valueWords(kind, baseline),
    },
    {
      id: 'canary',
      title: 'second',
      kind: 'number',
      chars: 10,
      value: ({ canary }) => canary,
      cell: ({ kind, canary }) => valueWords(kind, canary),
    },
    {
      id: 'effect',
      title: 'change, with 95 %',
      chars: 44,
      least: 22,
      value: ({ change_percent: change }) => change,
      cell: (row) => (
        <span className={styles.drawn}>
          <EffectLine of={row} verdict={row.verdict} reach={reach} label={row.measure} />
          <span>{effectWords(row)}</span>
          {row.needs === '' ? null : <span className="dim">needs {row.needs}</span>}
        </span>
      ),
    },
  ];
}

function Savings({ of }: { of: Comparison }): ReactElement | null {
  if (of.savings.length === 0) return null;
  return (
    <ul className={styles.gates} aria-label="Saved">
      {of.savings.map((one) => (
        <li key={one.measure}>
          <Value text={one.measure} />: {one.percent === null ? '' : `${one.percent.toFixed(1)} %, `}
          {formatValue(one.total, one.saves === 'bandwidth' ? 'bytes' : 'none')}
          {one.cost === null ? '' : `, which cost ${formatValue(one.cost, 'none')}`}
        </li>
      ))}
    </ul>
  );
}

function Outcomes({ of }: { of: Comparison }): ReactElement {
  const columns = useMemo(() => columnsFor(reachOf(of.differences)), [of.differences]);
  const [look, words] = OUTCOMES[of.verdict];
  return (
    <section className="panel card" aria-label="Differences">
      <header className={styles.head}>
        <h2>
          <Value text={of.canary.name || 'after'} /> against <Value text={of.baseline.name || 'before'} />
        </h2>
        <StatusChip status={look}>{words}</StatusChip>
        {of.score === null ? null : <span className="dim">score {of.score.toFixed(0)} of 100</span>}
      </header>
      {of.notes.map((note) => (
        <Note key={note} level="warn">
          <Value text={note} />
        </Note>
      ))}
      <DataTable
        label="Differences"
        tall
        bare
        columns={columns}
        rows={of.differences}
        rowKey={(row) => `${row.measure} ${row.kind} ${JSON.stringify(row.labels)}`}
        empty={<EmptyState reason="no-such" title="Nothing was found of both groups" />}
      />
      <Savings of={of} />
    </section>
  );
}

/** Two groups that are picked, and what differs between them, the worst first. */
export function Compare(): ReactElement {
  const { tenant, range, search, setOwn } = useAddress();
  const { utc } = usePageClock();
  const [measures, setMeasures] = useState<readonly Draft[]>([FIRST]);
  const [shift, setShift] = useState('');
  const [found, setFound] = useState<Comparison | null>(null);
  const deed = useDeed();
  const first = search.first ?? '';
  const second = search.second ?? '';
  const compare = async (): Promise<void> => {
    const span = resolveRange(range, Date.now(), utc);
    if (typeof span === 'string') return;
    const backMs = shiftMs(shift);
    const at = (ms: number): string => (ms / 1000).toFixed(3);
    const done = await deed.run(() =>
      compareGroups(
        {
          baseline: { name: first, start: at(span.fromMs - backMs), end: at(span.toMs - backMs) },
          canary: { name: second, start: at(span.fromMs), end: at(span.toMs) },
          measures: measures.map(measureOf),
        },
        { tenant },
      ),
    );
    if (done) setFound(done.done);
  };
  return (
    <div className={styles.stack}>
      <form
        className="panel card form"
        aria-label="Compare"
        onSubmit={(event) => {
          event.preventDefault();
          void compare();
        }}
      >
        <div className={styles.groups}>
          <TextField
            label="First group"
            hint="The version that {{.group}} stands for"
            placeholder="v1"
            value={first}
            onChange={(text) => setOwn({ first: text || undefined }, true)}
          />
          <TextField
            label="Second group"
            placeholder="v3"
            value={second}
            onChange={(text) => setOwn({ second: text || undefined }, true)}
          />
          <TextField
            label="First group earlier by"
            hint="For before and after, such as 1d; at the same time without it"
            value={shift}
            error={Number.isNaN(shiftMs(shift)) ? 'A length of time such as 90m, 6h, 1d' : undefined}
            onChange={deed.edit(setShift)}
          />
        </div>
        {measures.map((one) => (
          <MeasureFields
            key={one.id}
            of={one}
            onChange={(next) => setMeasures(measures.map((other) => (other.id === one.id ? next : other)))}
            onDrop={
              measures.length === 1 ? null : () => setMeasures(measures.filter(({ id }) => id !== one.id))
            }
          />
        ))}
        {deed.error ? <Note level="bad">{deed.error.message}</Note> : null}
        <div className="form-actions">
          <button
            type="button"
            className="button"
            onClick={() => {
              const id = Math.max(...measures.map((one) => one.id)) + 1;
              const kind: MeasureKind = 'metric';
              setMeasures([
                ...measures,
                { id, name: `measure ${id + 1}`, kind, query: BEGINS[kind], better: 'lower' },
              ]);
            }}
          >
            Add a measure
          </button>
          <button
            type="submit"
            className="button primary"
            disabled={deed.busy || Number.isNaN(shiftMs(shift))}
          >
            Compare
          </button>
        </div>
      </form>
      {found ? (
        <Outcomes of={found} />
      ) : (
        <EmptyState reason="none-yet" title="Pick two groups">
          Two versions side by side, or one before and after: what differs between them in the range above,
          with how surely, the worst first.
        </EmptyState>
      )}
    </div>
  );
}

const UNITS: Readonly<Record<string, number>> = { s: 1e3, m: 6e4, h: 36e5, d: 864e5, w: 6048e5 };

/** The milliseconds of a length of time; 0 for nothing, NaN for what is none. */
function shiftMs(text: string): number {
  if (text.trim() === '') return 0;
  const found = /^(\d+)\s*([smhdw])$/u.exec(text.trim());
  return found ? Number(found[1]) * (UNITS[found[2] ?? ''] ?? NaN) : NaN;
}
