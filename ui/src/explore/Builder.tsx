import { useEffect, useState, type ReactElement } from 'react';
import { labelNames, labelValues, metricNames, parseQuery } from '../api/calls';
import { useAsked } from '../api/useAsked';
import { Choice, MultiChoice } from '../design/Choice';
import { Glyph } from '../design/Glyph';
import { IconButton } from '../design/IconButton';
import { Menu, type MenuEntry } from '../design/Menu';
import { Note } from '../design/parts';
import {
  AGGREGATIONS,
  CALLS,
  COUNTED,
  FILTER_OPS,
  fromTree,
  NOTHING,
  OPERATORS,
  RANGE_FUNCS,
  rangeText,
  suggested,
  toExpr,
  type Built,
  type FilterOp,
  type LabelFilter,
  type Read,
  type Step,
} from './build';
import styles from './builder.module.css';

const NO_NAMES: readonly string[] = [];

function selectorOf({ metric, filters }: Pick<Built, 'metric' | 'filters'>): string {
  return toExpr({ ...NOTHING, metric, filters });
}

/** A select of a few words. */
function Word(props: {
  label: string;
  value: string;
  words: readonly string[];
  onChange: (word: string) => void;
}): ReactElement {
  const { label, value, words, onChange } = props;
  return (
    <select
      className="select"
      aria-label={label}
      value={value}
      onChange={(event) => onChange(event.target.value)}
    >
      {words.map((word) => (
        <option key={word}>{word}</option>
      ))}
    </select>
  );
}

/** A text that is read when the reader is done with it; what `read` refuses is marked. */
function Said<T>(props: {
  label: string;
  value: string;
  read: (text: string) => T | null;
  onChange: (value: T) => void;
}): ReactElement {
  const { label, value, read, onChange } = props;
  const [text, setText] = useState(value);
  const [of, setOf] = useState(value);
  if (of !== value) {
    setOf(value);
    setText(value);
  }
  const commit = (): void => {
    const next = read(text);
    if (next !== null && text !== value) onChange(next);
  };
  return (
    <input
      className={`field ${styles.said ?? ''}`}
      aria-label={label}
      value={text}
      aria-invalid={read(text) === null}
      onChange={(event) => setText(event.target.value)}
      onBlur={commit}
      onKeyDown={(event) => {
        if (event.key === 'Enter') commit();
      }}
    />
  );
}

function Filter(props: {
  built: Built;
  index: number;
  filter: LabelFilter;
  onChange: (filter: LabelFilter) => void;
  onRemove: () => void;
}): ReactElement {
  const { built, index, filter, onChange, onRemove } = props;
  // What the other filters leave is what this one may choose from.
  const others = selectorOf({ ...built, filters: built.filters.filter((_, i) => i !== index) });
  const names = useAsked({
    key: ['labels', others],
    ask: async (asking) => (await labelNames(others === '{}' ? null : others, asking)).data,
    staleTime: 60_000,
  });
  const values = useAsked({
    key: ['label-values', filter.label, others],
    ask: async (asking) => (await labelValues(filter.label, others === '{}' ? null : others, asking)).data,
    enabled: filter.label !== '',
    staleTime: 60_000,
  });
  return (
    <li className={styles.filter}>
      <Choice
        label={`Label ${index + 1}`}
        placeholder="label"
        options={(names.data ?? NO_NAMES).filter((name) => name !== '__name__').map((value) => ({ value }))}
        value={filter.label || null}
        onChange={(label) => onChange({ ...filter, label: label ?? '' })}
        free
      />
      <Word
        label={`How label ${index + 1} is compared`}
        value={filter.op}
        words={FILTER_OPS}
        onChange={(op) => onChange({ ...filter, op: op as FilterOp })}
      />
      <Choice
        label={`Value ${index + 1}`}
        placeholder="value"
        options={(values.data ?? NO_NAMES).map((value) => ({ value }))}
        value={filter.value || null}
        onChange={(value) => onChange({ ...filter, value: value ?? '' })}
        free
      />
      <IconButton icon="close" label={`Remove filter ${index + 1}`} onClick={onRemove} />
    </li>
  );
}

function numberRead(text: string): number | null {
  const value = Number(text);
  return text.trim() === '' || Number.isNaN(value) ? null : value;
}

function StepFields(props: {
  step: Step;
  labels: readonly string[];
  onChange: (step: Step) => void;
}): ReactElement {
  const { step, labels, onChange } = props;
  switch (step.kind) {
    case 'range':
      return (
        <>
          <Word
            label="Function"
            value={step.func}
            words={RANGE_FUNCS}
            onChange={(func) => onChange({ ...step, func })}
          />
          <span className="dim">over</span>
          <Said
            label="Range"
            value={step.range}
            read={rangeText}
            onChange={(range) => onChange({ ...step, range })}
          />
        </>
      );
    case 'call':
      return (
        <Word
          label="Function"
          value={step.func}
          words={CALLS}
          onChange={(func) => onChange({ ...step, func })}
        />
      );
    case 'quantile':
      return (
        <>
          <span>quantile</span>
          <Said
            label="Quantile"
            value={String(step.share)}
            read={numberRead}
            onChange={(share) => onChange({ ...step, share })}
          />
          <span className="dim">of a histogram</span>
        </>
      );
    case 'aggregate':
      return (
        <>
          <Word
            label="Aggregation"
            value={step.op}
            words={step.count === null ? AGGREGATIONS : COUNTED}
            onChange={(op) => onChange({ ...step, op })}
          />
          {step.count === null ? null : (
            <Said
              label="Number"
              value={String(step.count)}
              read={numberRead}
              onChange={(count) => onChange({ ...step, count })}
            />
          )}
          <Word
            label="Grouped"
            value={step.without ? 'without' : 'by'}
            words={['by', 'without']}
            onChange={(word) => onChange({ ...step, without: word === 'without' })}
          />
          <span className={styles.labels}>
            <MultiChoice
              label="Labels of the groups"
              placeholder="no label"
              options={labels.map((value) => ({ value }))}
              values={step.labels}
              onChange={(chosen) => onChange({ ...step, labels: chosen })}
              free
            />
          </span>
        </>
      );
    case 'number':
      return (
        <>
          <Word
            label="Operator"
            value={step.op}
            words={OPERATORS}
            onChange={(op) => onChange({ ...step, op })}
          />
          <Said
            label="Number"
            value={String(step.value)}
            read={numberRead}
            onChange={(value) => onChange({ ...step, value })}
          />
        </>
      );
  }
}

const NEW_STEPS: readonly (readonly [string, Step])[] = [
  ['Rate a second', { kind: 'range', func: 'rate', range: '5m' }],
  ['Increase', { kind: 'range', func: 'increase', range: '1h' }],
  ['Average over time', { kind: 'range', func: 'avg_over_time', range: '5m' }],
  ['Highest over time', { kind: 'range', func: 'max_over_time', range: '5m' }],
  ['Sum', { kind: 'aggregate', op: 'sum', labels: [], without: false, count: null }],
  ['Average', { kind: 'aggregate', op: 'avg', labels: [], without: false, count: null }],
  ['Highest', { kind: 'aggregate', op: 'max', labels: [], without: false, count: null }],
  ['Count', { kind: 'aggregate', op: 'count', labels: [], without: false, count: null }],
  ['The highest few', { kind: 'aggregate', op: 'topk', labels: [], without: false, count: 10 }],
  ['Quantile of a histogram', { kind: 'quantile', share: 0.95 }],
  ['A function', { kind: 'call', func: 'abs' }],
  ['A number', { kind: 'number', op: '*', value: 100 }],
];

function Steps({ built, onChange }: { built: Built; onChange: (built: Built) => void }): ReactElement {
  const { steps } = built;
  const selector = selectorOf(built);
  const names = useAsked({
    key: ['labels', selector],
    ask: async (asking) => (await labelNames(selector === '{}' ? null : selector, asking)).data,
    staleTime: 60_000,
  });
  const labels = (names.data ?? NO_NAMES).filter((name) => name !== '__name__');
  const put = (next: readonly Step[]): void => onChange({ ...built, steps: next });
  const hasRange = steps.some(({ kind }) => kind === 'range');
  const entries: MenuEntry[] = NEW_STEPS.map(([label, step]) => ({
    kind: 'action',
    label,
    whyNot: step.kind === 'range' && hasRange ? 'The samples go into a function already' : null,
    // A function of samples stands before all others.
    run: () => put(step.kind === 'range' ? [step, ...steps] : [...steps, step]),
  }));
  return (
    <div className={styles.line}>
      <span className={styles.head}>then</span>
      <ol className={styles.steps}>
        {steps.map((step, i) => (
          <li key={`${step.kind} ${i}`} className={styles.step}>
            <StepFields
              step={step}
              labels={labels}
              onChange={(next) => put(steps.map((one, at) => (at === i ? next : one)))}
            />
            {i > 0 && steps[i - 1]?.kind !== 'range' ? (
              <IconButton
                icon="chevronLeft"
                label={`Do step ${i + 1} earlier`}
                onClick={() =>
                  put(steps.map((one, at) => (at === i - 1 ? step : at === i ? (steps[i - 1] ?? one) : one)))
                }
              />
            ) : null}
            <IconButton
              icon="close"
              label={`Remove step ${i + 1}`}
              onClick={() => put(steps.filter((_, at) => at !== i))}
            />
          </li>
        ))}
        <li>
          <Menu label="Add a step" icon="plus" entries={entries} />
        </li>
      </ol>
    </div>
  );
}

function Fields({ built, onChange }: { built: Built; onChange: (built: Built) => void }): ReactElement {
  const metrics = useAsked({
    key: ['metric-names'],
    ask: async (asking) => (await metricNames(asking)).data,
    staleTime: 60_000,
  });
  const { filters } = built;
  // A filter without a label or a value is none yet: it is kept here until it is whole.
  const [begun, setBegun] = useState<readonly LabelFilter[]>([]);
  const all = [...filters, ...begun];
  const put = (next: readonly LabelFilter[]): void => {
    const isWhole = ({ label, value }: LabelFilter): boolean => label !== '' && value !== '';
    setBegun(next.filter((one) => !isWhole(one)));
    const whole = next.filter(isWhole);
    if (JSON.stringify(whole) !== JSON.stringify(filters)) onChange({ ...built, filters: whole });
  };
  return (
    <div className={styles.builder}>
      <div className={styles.line}>
        <span className={styles.head}>metric</span>
        <span className={styles.metric}>
          <Choice
            label="Metric"
            placeholder="Which metric"
            options={(metrics.data ?? NO_NAMES).map((value) => ({ value }))}
            value={built.metric || null}
            onChange={(metric) => {
              if (metric === null) return;
              // Of another metric other steps make sense; a chain that somebody made stays.
              const next = built.steps.length === 0 ? suggested(metric, '') : { ...built, metric };
              onChange({ ...next, filters });
            }}
            free
          />
        </span>
      </div>
      <div className={styles.line}>
        <span className={styles.head}>where</span>
        <ul className={styles.filters}>
          {all.map((filter, i) => (
            <Filter
              key={i}
              built={built}
              index={i}
              filter={filter}
              onChange={(next) => put(all.map((one, at) => (at === i ? next : one)))}
              onRemove={() => put(all.filter((_, at) => at !== i))}
            />
          ))}
          <li>
            <button
              type="button"
              className="button"
              onClick={() => setBegun([...begun, { label: '', op: '=', value: '' }])}
            >
              <Glyph name="plus" size={14} /> Add a filter
            </button>
          </li>
        </ul>
      </div>
      <Steps built={built} onChange={onChange} />
      {built.offset === '' ? null : (
        <div className={styles.line}>
          <span className={styles.head}>offset</span>
          <Said
            label="Offset"
            value={built.offset}
            read={(text) => (text.trim() === '' ? '' : rangeText(text))}
            onChange={(offset) => onChange({ ...built, offset })}
          />
        </div>
      )}
    </div>
  );
}

/** So long after the last key the text is read. */
const PAUSE_MS = 250;

/** `text` as it was a moment ago, so that not every key asks. */
function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}

/**
 * The query by choosing: what is chosen is written into the editor and run; what is written there is shown here, as far
 * as it is a chain of steps.
 */
export function Builder({ text, onBuilt }: { text: string; onBuilt: (expr: string) => void }): ReactElement {
  const settled = useSettled(text);
  const [own, setOwn] = useState<{ expr: string; built: Built } | null>(null);
  const isOwn = own?.expr === text;
  const parsed = useAsked({
    key: ['parse', settled],
    ask: async (asking): Promise<Read> =>
      settled.trim() === '' ? { built: NOTHING } : fromTree((await parseQuery(settled, asking)).data),
    enabled: !isOwn,
    staleTime: Infinity,
    retry: false,
    keep: true,
  });
  const read: Read | undefined = isOwn ? { built: own.built } : parsed.data;
  if (parsed.error && !isOwn)
    return (
      <Note level="info">The builder shows the query again once it is valid: {parsed.error.message}</Note>
    );
  if (read === undefined) return <div className={styles.builder} aria-busy="true" />;
  if ('cannot' in read)
    return (
      <Note level="info">
        The builder cannot show {read.cannot}. The query runs all the same; edit it above.
      </Note>
    );
  return (
    <Fields
      built={read.built}
      onChange={(built) => {
        const expr = toExpr(built);
        setOwn({ expr, built });
        onBuilt(expr);
      }}
    />
  );
}
