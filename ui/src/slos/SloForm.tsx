import { useDebouncedValue } from '@mantine/hooks';
import { useState, type ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import { previewSlo, putSlo, type SloDefinition } from '../api/slos';
import { useAsked } from '../api/useAsked';
import { CodeView } from '../design/CodeView';
import { CheckField, ChoiceField, MultiChoiceField, TextField } from '../design/fields';
import { Note } from '../design/parts';
import { toasts } from '../design/toasts';
import { DeedForm } from '../session/DeedForm';
import { useDeed } from '../session/useDeed';
import { BLANK, definitionOf, draftOf, isWhole, KINDS, type SloDraft, type SloKind } from './slo';
import styles from './slos.module.css';

const KIND_NAMES: Readonly<Record<SloKind, string>> = {
  ratio: 'A ratio: requests without an error',
  latency: 'A latency: requests that are quick enough',
  threshold: 'A threshold: the time that a value is within bounds',
  availability: 'Availability: the time that something is up',
};
const WINDOWS = [
  { value: '1d', label: 'the last day' },
  { value: '7d', label: 'the last 7 days' },
  { value: '28d', label: 'the last 28 days' },
  { value: '30d', label: 'the last 30 days' },
  { value: '90d', label: 'the last 90 days' },
  { value: 'calendar', label: 'months of the calendar' },
];
const DESIGNS = [
  { value: 'gated', label: 'as the SRE workbook, over when it is over' },
  { value: 'fast', label: 'fast: 1 % in half an hour pages' },
  { value: 'workbook', label: 'as the SRE workbook and Sloth have them' },
];
const OPERATORS = ['<', '<=', '>', '>='].map((value) => ({ value }));

type Set = (change: Partial<SloDraft>) => void;

function Measured({ draft, set }: { draft: SloDraft; set: Set }): ReactElement {
  switch (draft.kind) {
    case 'ratio':
      return (
        <>
          <div className={styles.two}>
            <ChoiceField
              label="What is counted"
              options={[
                { value: 'errors', label: 'bad events, of all' },
                { value: 'good', label: 'good events, of all' },
              ]}
              value={draft.counts}
              onChange={(value) => set({ counts: value === 'good' ? 'good' : 'errors' })}
            />
          </div>
          <TextField
            label={draft.counts === 'errors' ? 'Bad events' : 'Good events'}
            required
            mono
            hint="A counter with its labels, or PromQL with {{.window}} as its range"
            placeholder={'http_requests_total{job="shop",code=~"5.."}'}
            value={draft.part}
            onChange={(part) => set({ part })}
          />
          <TextField
            label="All events"
            required
            mono
            placeholder={'http_requests_total{job="shop"}'}
            value={draft.total}
            onChange={(total) => set({ total })}
          />
        </>
      );
    case 'latency':
      return (
        <div className={styles.two}>
          <TextField
            label="Histogram"
            required
            mono
            hint="Its buckets, or a native histogram"
            placeholder={'http_request_duration_seconds_bucket{job="shop"}'}
            value={draft.metric}
            onChange={(metric) => set({ metric })}
          />
          <TextField
            label="At most"
            required
            hint="In the unit of the metric; of buckets, one of their bounds"
            inputMode="decimal"
            value={draft.atMost}
            onChange={(atMost) => set({ atMost })}
          />
        </div>
      );
    case 'threshold':
      return (
        <>
          <TextField
            label="Value"
            required
            mono
            placeholder="max(queue_depth)"
            value={draft.query}
            onChange={(query) => set({ query })}
          />
          <div className={styles.two}>
            <ChoiceField
              label="It is good while it is"
              options={OPERATORS}
              value={draft.op}
              onChange={(op) => set({ op: op ?? '<' })}
            />
            <TextField
              label="than"
              required
              inputMode="decimal"
              value={draft.value}
              onChange={(value) => set({ value })}
            />
          </div>
        </>
      );
    case 'availability':
      return (
        <TextField
          label="Gauge"
          required
          mono
          hint="1 while all is well, 0 otherwise"
          placeholder={'up{job="shop"}'}
          value={draft.metric}
          onChange={(metric) => set({ metric })}
        />
      );
  }
}

function Window({ draft, set }: { draft: SloDraft; set: Set }): ReactElement {
  const known = WINDOWS.some(({ value }) => value === draft.window);
  return (
    <>
      <div className={styles.two}>
        <TextField
          label="Target in percent"
          required
          inputMode="decimal"
          value={draft.target}
          onChange={(target) => set({ target })}
        />
        <ChoiceField
          label="Over"
          options={known ? WINDOWS : [...WINDOWS, { value: draft.window, label: `the last ${draft.window}` }]}
          value={draft.window}
          onChange={(window) => set({ window: window ?? '30d' })}
        />
      </div>
      {draft.window === 'calendar' ? (
        <div className={styles.three}>
          <TextField
            label="First day"
            required
            type="date"
            value={draft.start}
            onChange={(start) => set({ start })}
          />
          <TextField label="Time zone" value={draft.zone} onChange={(zone) => set({ zone })} />
          <ChoiceField
            label="Months"
            options={['1', '2', '3', '6', '12'].map((value) => ({ value }))}
            value={draft.months}
            onChange={(months) => set({ months: months ?? '1' })}
          />
        </div>
      ) : null}
    </>
  );
}

/** Makes or changes an objective. Mounted when it opens. */
export function SloForm(props: {
  /** Null for a new one. */
  kept: { name: string; version: number; definition: SloDefinition } | null;
  onDone: () => void;
  onCancel: () => void;
}): ReactElement {
  const { kept, onDone, onCancel } = props;
  const { tenant } = useAddress();
  const [draft, setDraft] = useState<SloDraft>(kept === null ? BLANK : draftOf(kept.name, kept.definition));
  const [reason, setReason] = useState('');
  const deed = useDeed();
  const set: Set = (change) => {
    deed.clear();
    setDraft((before) => ({ ...before, ...change }));
  };
  const whole = isWhole(draft);
  const [settled] = useDebouncedValue(draft, 400);
  const preview = useAsked({
    key: ['slo preview', whole ? JSON.stringify(settled) : ''],
    ask: (asking) => previewSlo({ ...definitionOf(settled), name: settled.name.trim() }, asking),
    enabled: whole && isWhole(settled),
    keep: true,
    retry: false,
  });
  const send = async (): Promise<void> => {
    const wanted = { definition: definitionOf(draft), version: kept?.version ?? 0, reason };
    if (await deed.run(() => putSlo(draft.name.trim(), wanted, { tenant }))) {
      toasts.show({
        level: 'ok',
        text: kept === null ? 'The objective is watched' : 'The objective is changed',
      });
      onDone();
    }
  };
  return (
    <DeedForm
      deed={deed}
      action={kept === null ? 'Watch the objective' : 'Change the objective'}
      ready={whole}
      send={send}
      onCancel={onCancel}
    >
      {kept === null ? (
        <div className={styles.two}>
          <TextField
            label="Name"
            required
            placeholder="requests-availability"
            value={draft.name}
            onChange={(name) => set({ name })}
            data-autofocus
          />
          <TextField
            label="Service"
            required
            placeholder="shop"
            value={draft.service}
            onChange={(service) => set({ service })}
          />
        </div>
      ) : null}
      <ChoiceField
        label="What is measured"
        options={KINDS.map((value) => ({ value, label: KIND_NAMES[value] }))}
        value={draft.kind}
        onChange={(value) => set({ kind: KINDS.find((one) => one === value) ?? 'ratio' })}
      />
      <Measured draft={draft} set={set} />
      <Window draft={draft} set={set} />
      {draft.kind === 'threshold' ? null : (
        <MultiChoiceField
          label="A budget for each"
          hint="Labels of the metrics, such as workflow or journey; none for one budget of all"
          free
          options={[]}
          values={draft.by}
          onChange={(by) => set({ by })}
        />
      )}
      <ChoiceField
        label="Alerts"
        options={[...DESIGNS, { value: 'none', label: 'none' }]}
        value={draft.alerts ? draft.design : 'none'}
        onChange={(value) =>
          set(value === 'none' ? { alerts: false } : { alerts: true, design: value ?? 'gated' })
        }
      />
      <CheckField
        label="Times of maintenance count, too"
        checked={draft.countsMaintenance}
        onChange={(countsMaintenance) => set({ countsMaintenance })}
      />
      <TextField
        label="Description"
        value={draft.description}
        onChange={(description) => set({ description })}
      />
      <TextField label="Reason of the change" value={reason} onChange={deed.edit(setReason)} />
      {whole && preview.error ? <Note level="bad">{preview.error.message}</Note> : null}
      {whole && preview.data && !preview.error ? (
        <details>
          <summary>{preview.data.count} rules are made of it</summary>
          <CodeView text={preview.data.rules} label="rules" />
        </details>
      ) : null}
    </DeedForm>
  );
}
