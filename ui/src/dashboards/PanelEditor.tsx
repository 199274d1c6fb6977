import { useState, type ReactElement } from 'react';
import type { PanelModel } from '../api/dashboards';
import { Choice, type Option } from '../design/Choice';
import { CheckField, ChoiceField, Field, MultiChoiceField, TextAreaField, TextField } from '../design/fields';
import { Icon } from '../design/Icon';
import {
  at,
  flagAt,
  numberAt,
  object,
  objects,
  textAt,
  texts,
  type Json,
  type JsonObject,
} from '../panels/json';
import { hasData, KIND_NAMES } from '../panels/PanelBody';
import { REDUCTIONS } from '../panels/reduce';
import { UNITS } from '../panels/units/table';
import type { PanelChange } from './draft';
import { putAt } from './editing/put';
import styles from './dashboard.module.css';

const KIND_OPTIONS: readonly Option[] = KIND_NAMES.map(([value, label]) => ({ value, label }));
const UNIT_OPTIONS: readonly Option[] = UNITS.map(({ id, name, group }) => ({
  value: id,
  label: name,
  note: group,
}));
const CALC_OPTIONS: readonly Option[] = REDUCTIONS.map(({ id, name }) => ({ value: id, label: name }));
const COLORS: readonly Option[] = [
  'green',
  'yellow',
  'orange',
  'red',
  'blue',
  'purple',
  'text',
  'transparent',
].map((value) => ({ value }));

interface Editing {
  panel: PanelModel;
  onChange: (change: PanelChange) => void;
}

function Section({ title, children }: { title: string; children: React.ReactNode }): ReactElement {
  return (
    <>
      <h3>{title}</h3>
      {children}
    </>
  );
}

function NumberField(props: {
  label: string;
  value: number | undefined;
  onChange: (value: number | undefined) => void;
  hint?: string;
}): ReactElement {
  const { label, value, onChange, hint } = props;
  const [typed, setTyped] = useState<string | null>(null);
  return (
    <TextField
      label={label}
      hint={hint}
      inputMode="decimal"
      value={typed ?? (value === undefined ? '' : String(value))}
      onChange={(next) => {
        setTyped(next);
        const read = Number(next);
        if (next.trim() === '') onChange(undefined);
        else if (Number.isFinite(read)) onChange(read);
      }}
      onBlur={() => setTyped(null)}
      placeholder="auto"
    />
  );
}

function Thresholds({ panel, onChange }: Editing): ReactElement {
  const steps = objects(at(panel.fieldConfig, 'defaults.thresholds.steps'));
  const set = (next: readonly JsonObject[]): void =>
    onChange({
      fieldConfig: putAt(
        putAt(panel.fieldConfig, 'defaults.thresholds.steps', next),
        'defaults.thresholds.mode',
        textAt(panel.fieldConfig, 'defaults.thresholds.mode', 'absolute'),
      ),
    });
  const shown: readonly JsonObject[] = steps.length > 0 ? steps : [{ color: 'green', value: null }];
  return (
    <>
      {shown.map((step, i) => (
        <div key={i} className={styles.step}>
          {i === 0 ? (
            <input className="field" disabled value="base" aria-label="Base" />
          ) : (
            <input
              className="field"
              inputMode="decimal"
              aria-label={`From value ${i}`}
              value={textAt(step, 'value')}
              onChange={(event) =>
                set(
                  shown.map((one, place) =>
                    place === i
                      ? {
                          ...one,
                          value:
                            event.target.value === '-' ? event.target.value : Number(event.target.value) || 0,
                        }
                      : one,
                  ),
                )
              }
            />
          )}
          <Choice
            label={`Colour ${i}`}
            free
            options={COLORS}
            value={textAt(step, 'color')}
            onChange={(color) =>
              set(shown.map((one, place) => (place === i ? { ...one, color: color ?? 'green' } : one)))
            }
          />
          {i === 0 ? (
            <span />
          ) : (
            <button
              type="button"
              className="icon-button"
              aria-label={`Without step ${i}`}
              onClick={() => set(shown.filter((_, place) => place !== i))}
            >
              <Icon name="close" size={13} />
            </button>
          )}
        </div>
      ))}
      <div>
        <button
          type="button"
          className="button"
          onClick={() =>
            set([...shown, { color: 'red', value: (numberAt(shown.at(-1), 'value') ?? 0) + 10 }])
          }
        >
          <Icon name="plus" size={13} /> Add a step
        </button>
      </div>
    </>
  );
}

function Select(props: {
  label: string;
  value: string;
  choices: readonly (readonly [string, string])[];
  onChange: (value: string) => void;
}): ReactElement {
  const { label, value, choices, onChange } = props;
  return (
    <ChoiceField
      label={label}
      options={choices.map(([id, name]) => ({ value: id, label: name }))}
      value={value}
      onChange={(next) => onChange(next ?? choices[0]?.[0] ?? '')}
    />
  );
}

const LEGENDS = [
  ['list', 'list'],
  ['table', 'table'],
  ['hidden', 'none'],
] as const;
const PLACES = [
  ['bottom', 'below'],
  ['right', 'at the right'],
] as const;
const DRAWS = [
  ['line', 'lines'],
  ['bars', 'bars'],
  ['points', 'points'],
] as const;
const CURVES = [
  ['linear', 'straight'],
  ['smooth', 'smooth'],
  ['stepAfter', 'steps, after'],
  ['stepBefore', 'steps, before'],
] as const;
const STACKS = [
  ['none', 'off'],
  ['normal', 'normal'],
  ['percent', 'to 100 %'],
] as const;

function LegendFields({ panel, onChange }: Editing): ReactElement {
  const set = (path: string, value: Json): void => onChange({ options: putAt(panel.options, path, value) });
  const mode = flagAt(panel.options, 'legend.showLegend', true)
    ? textAt(panel.options, 'legend.displayMode', 'list')
    : 'hidden';
  return (
    <Section title="Legend">
      <div className={styles.side}>
        <Select
          label="Shown as"
          value={mode}
          choices={LEGENDS}
          onChange={(next) =>
            onChange({
              options: putAt(
                putAt(panel.options, 'legend.showLegend', next !== 'hidden'),
                'legend.displayMode',
                next === 'hidden' ? 'list' : next,
              ),
            })
          }
        />
        <Select
          label="Place"
          value={textAt(panel.options, 'legend.placement', 'bottom')}
          choices={PLACES}
          onChange={(next) => set('legend.placement', next)}
        />
      </div>
      <MultiChoiceField
        label="Figures"
        options={CALC_OPTIONS}
        values={texts(at(panel.options, 'legend.calcs'))}
        onChange={(next) => set('legend.calcs', [...next])}
      />
    </Section>
  );
}

function LineFields({ panel, onChange }: Editing): ReactElement {
  const custom = object(at(panel.fieldConfig, 'defaults.custom'));
  const set = (path: string, value: Json | undefined): void =>
    onChange({ fieldConfig: putAt(panel.fieldConfig, `defaults.custom.${path}`, value) });
  return (
    <Section title="Lines">
      <div className={styles.side}>
        <Select
          label="Drawn as"
          value={textAt(custom, 'drawStyle', 'line')}
          choices={DRAWS}
          onChange={(next) => set('drawStyle', next)}
        />
        <Select
          label="Between points"
          value={textAt(custom, 'lineInterpolation', 'linear')}
          choices={CURVES}
          onChange={(next) => set('lineInterpolation', next)}
        />
        <NumberField
          label="Line width"
          value={numberAt(custom, 'lineWidth')}
          onChange={(next) => set('lineWidth', next)}
        />
        <NumberField
          label="Fill (%)"
          value={numberAt(custom, 'fillOpacity')}
          onChange={(next) => set('fillOpacity', next)}
        />
        <Select
          label="Stacked"
          value={textAt(custom, 'stacking.mode', 'none')}
          choices={STACKS}
          onChange={(next) => set('stacking', { mode: next, group: 'A' })}
        />
        <Select
          label="Thresholds"
          value={textAt(custom, 'thresholdsStyle.mode', 'off')}
          choices={[
            ['off', 'not drawn'],
            ['line', 'lines'],
            ['dashed', 'dashed lines'],
            ['area', 'areas'],
            ['line+area', 'lines and areas'],
          ]}
          onChange={(next) => set('thresholdsStyle', { mode: next })}
        />
      </div>
      <CheckField
        label="Bridge gaps"
        checked={at(custom, 'spanNulls') === true}
        onChange={(next) => set('spanNulls', next)}
      />
    </Section>
  );
}

function FigureFields({ panel, onChange }: Editing): ReactElement {
  const set = (path: string, value: Json): void => onChange({ options: putAt(panel.options, path, value) });
  return (
    <Section title="Value">
      <Select
        label="Of a series"
        value={texts(at(panel.options, 'reduceOptions.calcs'))[0] ?? 'lastNotNull'}
        choices={REDUCTIONS.map(({ id, name }) => [id, name] as const)}
        onChange={(next) => set('reduceOptions.calcs', [next])}
      />
      {panel.type === 'stat' ? (
        <div className={styles.side}>
          <Select
            label="Colour of"
            value={textAt(panel.options, 'colorMode', 'value')}
            choices={[
              ['value', 'the value'],
              ['background', 'the background'],
              ['none', 'nothing'],
            ]}
            onChange={(next) => set('colorMode', next)}
          />
          <Select
            label="Behind it"
            value={textAt(panel.options, 'graphMode', 'area')}
            choices={[
              ['area', 'how it went'],
              ['none', 'nothing'],
            ]}
            onChange={(next) => set('graphMode', next)}
          />
        </div>
      ) : null}
    </Section>
  );
}

/** What a panel shows and how: its kind, names, unit, limits, legend. */
export function PanelFields({ panel, onChange }: Editing): ReactElement {
  const defaults = object(panel.fieldConfig.defaults);
  const set = (path: string, value: Json | undefined): void =>
    onChange({ fieldConfig: putAt(panel.fieldConfig, `defaults.${path}`, value) });
  const figures = ['stat', 'gauge', 'bargauge', 'piechart'].includes(panel.type);
  return (
    <div className={`panel ${styles.fields ?? ''}`} role="group" aria-label="Settings of the panel">
      <ChoiceField
        label="Kind"
        options={KIND_OPTIONS}
        value={panel.type}
        onChange={(type) => onChange({ type: type ?? 'timeseries' })}
      />
      <TextField label="Title" value={panel.title} onChange={(title) => onChange({ title })} />
      <TextField
        label="Description"
        value={panel.description}
        onChange={(description) => onChange({ description })}
      />
      {panel.type === 'text' ? (
        <TextAreaField
          label="Text (Markdown)"
          rows={10}
          value={textAt(panel.options, 'content')}
          onChange={(content) => onChange({ options: putAt(panel.options, 'content', content) })}
        />
      ) : null}
      {hasData(panel.type) ? (
        <>
          <Section title="Values">
            <ChoiceField
              label="Unit"
              free
              clearable
              options={UNIT_OPTIONS}
              value={textAt(defaults, 'unit') || null}
              placeholder="none"
              onChange={(unit) => set('unit', unit ?? undefined)}
            />
            <div className={styles.side}>
              <NumberField
                label="Decimals"
                value={numberAt(defaults, 'decimals')}
                onChange={(next) => set('decimals', next)}
              />
              <span />
              <NumberField
                label="Least"
                value={numberAt(defaults, 'min')}
                onChange={(next) => set('min', next)}
              />
              <NumberField
                label="Most"
                value={numberAt(defaults, 'max')}
                onChange={(next) => set('max', next)}
              />
            </div>
          </Section>
          {figures ? <FigureFields panel={panel} onChange={onChange} /> : null}
          {panel.type === 'timeseries' ? <LineFields panel={panel} onChange={onChange} /> : null}
          <Section title="Thresholds">
            <Thresholds panel={panel} onChange={onChange} />
          </Section>
          {['timeseries', 'piechart', 'barchart', 'state-timeline', 'histogram'].includes(panel.type) ? (
            <LegendFields panel={panel} onChange={onChange} />
          ) : null}
        </>
      ) : null}
    </div>
  );
}

const REFS = 'A B C D E F G H I J K L M N O P Q R S T U V W X Y Z'.split(' ');

function nextRef(targets: readonly JsonObject[]): string {
  const used = new Set(targets.map((target) => textAt(target, 'refId')));
  return REFS.find((letter) => !used.has(letter)) ?? 'Z';
}

function Query(props: {
  target: JsonObject;
  onChange: (target: JsonObject) => void;
  onRemove: () => void;
}): ReactElement {
  const { target, onChange, onRemove } = props;
  const ref = textAt(target, 'refId');
  const key = target.query !== undefined && target.expr === undefined ? 'query' : 'expr';
  const [typed, setTyped] = useState<string | null>(null);
  const take = (): void => {
    if (typed !== null && typed !== textAt(target, key)) onChange({ ...target, [key]: typed });
    setTyped(null);
  };
  return (
    <div className={`panel ${styles.query ?? ''}`} role="group" aria-label={`Query ${ref}`}>
      <div className={styles.queryHead}>
        <b>{ref}</b>
        <span className="dim">{textAt(target, 'datasource.type') || textAt(target, 'datasource')}</span>
        <span className="grow" />
        <CheckField
          label="At one time"
          checked={flagAt(target, 'instant')}
          onChange={(instant) => onChange({ ...target, instant, range: !instant })}
        />
        <CheckField
          label="Off"
          checked={flagAt(target, 'hide')}
          onChange={(hide) => onChange({ ...target, hide })}
        />
        <button
          type="button"
          className="icon-button"
          aria-label={`Remove query ${ref}`}
          title="Remove"
          onClick={onRemove}
        >
          <Icon name="close" size={14} />
        </button>
      </div>
      <Field label="Expression" hint="Ctrl-Enter runs it">
        {({ id, describedBy }) => (
          <textarea
            id={id}
            aria-describedby={describedBy}
            className={`field ${styles.codeArea ?? ''}`}
            spellCheck={false}
            value={typed ?? textAt(target, key)}
            onChange={(event) => setTyped(event.target.value)}
            onBlur={take}
            onKeyDown={(event) => {
              if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) take();
            }}
          />
        )}
      </Field>
      <TextField
        label="Legend"
        placeholder="{{instance}}"
        mono
        value={textAt(target, 'legendFormat')}
        onChange={(legendFormat) => onChange({ ...target, legendFormat })}
      />
    </div>
  );
}

/** The questions that a panel asks. */
export function PanelQueries({ panel, onChange }: Editing): ReactElement | null {
  if (!hasData(panel.type)) return null;
  const { targets } = panel;
  const set = (next: readonly JsonObject[]): void => onChange({ targets: next });
  const datasource = targets[0]?.datasource;
  return (
    <>
      {targets.map((target, i) => (
        <Query
          key={textAt(target, 'refId') || i}
          target={target}
          onChange={(next) => set(targets.map((one, place) => (place === i ? next : one)))}
          onRemove={() => set(targets.filter((_, place) => place !== i))}
        />
      ))}
      <div>
        <button
          type="button"
          className="button"
          onClick={() =>
            set([
              ...targets,
              {
                refId: nextRef(targets),
                expr: '',
                ...(datasource === undefined
                  ? { datasource: { type: 'prometheus', uid: 'prometheus' } }
                  : { datasource }),
              },
            ])
          }
        >
          <Icon name="plus" size={13} /> Add a query
        </button>
      </div>
    </>
  );
}
