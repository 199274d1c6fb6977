import type { ReactElement, ReactNode } from 'react';
import type { PanelModel } from '../../api/dashboards';
import type { Option } from '../../design/Choice';
import { CheckField, ChoiceField, MultiChoiceField, TextAreaField, TextField } from '../../design/fields';
import { at, flagAt, textAt, texts, type Json } from '../../panels/json';
import { hasData, KIND_NAMES } from '../../panels/PanelBody';
import { REDUCTIONS } from '../../panels/reduce';
import type { PanelChange } from '../draft';
import { NumberField, Select, Side } from './parts';
import { propertiesOf, type Property } from './properties';
import { PropertyField } from './PropertyField';
import { putAt } from './put';
import { UrlLinks } from './UrlLinks';
import styles from './editing.module.css';

const KIND_OPTIONS: readonly Option[] = KIND_NAMES.map(([value, label]) => ({ value, label }));
const CALC_OPTIONS: readonly Option[] = REDUCTIONS.map(({ id, name }) => ({ value: id, label: name }));
const CALCULATIONS = REDUCTIONS.map(({ id, name }) => [id, name] as const);

const LEGENDS = [
  ['list', 'list'],
  ['table', 'table'],
  ['hidden', 'none'],
] as const;
const PLACES = [
  ['bottom', 'below'],
  ['right', 'at the right'],
] as const;
const TOOLTIPS = [
  ['multi', 'all series'],
  ['single', 'the nearest series'],
  ['none', 'none'],
] as const;

const FIGURES = ['stat', 'gauge', 'bargauge', 'piechart'];
const LEGENDED = ['timeseries', 'piechart', 'barchart', 'state-timeline', 'histogram'];
/** Groups that are open from the first. */
const OPEN = ['Values', 'Lines', 'Cells'];

interface Editing {
  panel: PanelModel;
  onChange: (change: PanelChange) => void;
}

/** A part that can be folded; `count` tells how much is said in it. */
function Part(props: { title: string; open?: boolean; count?: number; children: ReactNode }): ReactElement {
  const { title, open = false, count = 0, children } = props;
  return (
    <details className={styles.part} open={open}>
      <summary>
        {title}
        {count > 0 ? <span className="dim"> {count}</span> : null}
      </summary>
      <div className={styles.fields}>{children}</div>
    </details>
  );
}

function Legend({ panel, onChange }: Editing): ReactElement {
  const { options } = panel;
  const set = (path: string, value: Json): void => onChange({ options: putAt(options, path, value) });
  const shown =
    flagAt(options, 'legend.showLegend', true) && textAt(options, 'legend.displayMode') !== 'hidden';
  return (
    <Part title="Legend and tooltip">
      <Side>
        <Select
          label="Legend"
          value={shown ? textAt(options, 'legend.displayMode', 'list') : 'hidden'}
          choices={LEGENDS}
          onChange={(next) =>
            onChange({
              options: putAt(
                putAt(options, 'legend.showLegend', next !== 'hidden'),
                'legend.displayMode',
                next === 'hidden' ? 'list' : next,
              ),
            })
          }
        />
        <Select
          label="Place"
          value={textAt(options, 'legend.placement', 'bottom')}
          choices={PLACES}
          onChange={(next) => set('legend.placement', next)}
        />
      </Side>
      <MultiChoiceField
        label="Figures"
        options={CALC_OPTIONS}
        values={texts(at(options, 'legend.calcs'))}
        onChange={(next) => set('legend.calcs', [...next])}
      />
      <Select
        label="Tooltip"
        value={textAt(options, 'tooltip.mode', 'multi')}
        choices={TOOLTIPS}
        onChange={(next) => set('tooltip.mode', next)}
      />
    </Part>
  );
}

function Figure({ panel, onChange }: Editing): ReactElement {
  const set = (path: string, value: Json): void => onChange({ options: putAt(panel.options, path, value) });
  return (
    <Part title="Figure" open>
      <Select
        label="Of a series"
        value={texts(at(panel.options, 'reduceOptions.calcs'))[0] ?? 'lastNotNull'}
        choices={CALCULATIONS}
        onChange={(next) => set('reduceOptions.calcs', [next])}
      />
      {panel.type === 'stat' ? (
        <Side>
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
        </Side>
      ) : null}
    </Part>
  );
}

function Group(props: Editing & { title: string; properties: readonly Property[] }): ReactElement {
  const { panel, onChange, title, properties } = props;
  const valueOf = ({ id }: Property): Json | undefined => at(panel.fieldConfig, `defaults.${id}`);
  const fields = properties.map((property) => (
    <PropertyField
      key={property.id}
      property={property}
      value={valueOf(property)}
      onChange={(value) =>
        onChange({ fieldConfig: putAt(panel.fieldConfig, `defaults.${property.id}`, value) })
      }
    />
  ));
  return (
    <Part
      title={title}
      open={OPEN.includes(title)}
      count={properties.filter((one) => valueOf(one) !== undefined).length}
    >
      {properties.length > 1 && title !== 'Thresholds' ? <Side>{fields}</Side> : fields}
    </Part>
  );
}

const DIRECTIONS = [
  ['h', 'beside each other'],
  ['v', 'below each other'],
] as const;

/** When and how often a panel asks, and for which values of a variable it stands. */
function Asking({ panel, variables, onChange }: Editing & { variables: readonly string[] }): ReactElement {
  const { repeat } = panel;
  return (
    <>
      <Part
        title="Time and points"
        count={[panel.timeFrom, panel.timeShift, panel.interval].filter(Boolean).length}
      >
        <Side>
          <TextField
            label="Its own time"
            placeholder="that of the dashboard"
            value={panel.timeFrom ?? ''}
            onChange={(next) => onChange({ timeFrom: next === '' ? null : next })}
          />
          <TextField
            label="Moved back by"
            placeholder="1d"
            value={panel.timeShift ?? ''}
            onChange={(next) => onChange({ timeShift: next === '' ? null : next })}
          />
          <TextField
            label="Least step"
            placeholder="15s"
            value={panel.interval ?? ''}
            onChange={(next) => onChange({ interval: next === '' ? null : next })}
          />
          <NumberField
            label="Points at most"
            placeholder="as many as fit"
            value={panel.maxDataPoints ?? undefined}
            onChange={(next) => onChange({ maxDataPoints: next ?? null })}
          />
        </Side>
      </Part>
      <Part title="Repeat" count={repeat ? 1 : 0}>
        <ChoiceField
          label="For each value of"
          clearable
          placeholder="not repeated"
          options={variables.map((value) => ({ value }))}
          value={repeat || null}
          onChange={(next) => onChange({ repeat: next ?? '' })}
        />
        {repeat ? (
          <Side>
            <Select
              label="Placed"
              value={panel.repeatDirection}
              choices={DIRECTIONS}
              onChange={(next) => onChange({ repeatDirection: next })}
            />
            <NumberField
              label="In a row at most"
              placeholder="4"
              value={panel.maxPerRow}
              onChange={(next) => onChange({ maxPerRow: next ?? 4 })}
            />
          </Side>
        ) : null}
      </Part>
    </>
  );
}

/** How the kinds that draw no lines want their queries answered. */
const FORMATS: Readonly<Record<string, string>> = { heatmap: 'heatmap', table: 'table' };

/** A panel as one of another kind; its queries are answered as that draws them, unless somebody chose otherwise. */
function ofKind({ type: before, targets }: PanelModel, type: string): PanelChange {
  const usual = FORMATS[before] ?? 'time_series';
  const format = FORMATS[type] ?? 'time_series';
  if (usual === format) return { type };
  return {
    type,
    targets: targets.map((target) =>
      textAt(target, 'format', 'time_series') === usual && target.expr !== undefined
        ? { ...target, format, ...(format === 'table' ? { instant: true, range: false } : {}) }
        : target,
    ),
  };
}

/** What a panel shows and how: its kind, names, links, unit, limits, colours, legend. */
export function PanelFields(
  props: Editing & {
    /** What it can be repeated by. */
    variables: readonly string[];
  },
): ReactElement {
  const { panel, variables, onChange } = props;
  const data = hasData(panel.type);
  return (
    <div className={styles.fields} role="group" aria-label="Settings of the panel">
      <ChoiceField
        label="Kind"
        options={KIND_OPTIONS}
        value={panel.type}
        onChange={(type) => onChange(ofKind(panel, type ?? 'timeseries'))}
      />
      <TextField label="Title" value={panel.title} onChange={(title) => onChange({ title })} />
      <TextField
        label="Description"
        value={panel.description}
        onChange={(description) => onChange({ description })}
      />
      <CheckField
        label="Without a background"
        checked={panel.transparent}
        onChange={(transparent) => onChange({ transparent })}
      />
      {panel.type === 'text' ? (
        <TextAreaField
          label="Text (Markdown)"
          rows={10}
          value={textAt(panel.options, 'content')}
          onChange={(content) => onChange({ options: putAt(panel.options, 'content', content) })}
        />
      ) : null}
      {data && FIGURES.includes(panel.type) ? <Figure panel={panel} onChange={onChange} /> : null}
      {data
        ? propertiesOf(panel.type).map(([title, properties]) => (
            <Group key={title} title={title} properties={properties} panel={panel} onChange={onChange} />
          ))
        : null}
      {data && LEGENDED.includes(panel.type) ? <Legend panel={panel} onChange={onChange} /> : null}
      <Part title="Links of the panel" count={panel.links.length}>
        <UrlLinks
          value={panel.links}
          placeholder="https://… or /d/uid?var-host=$host"
          onChange={(links) => onChange({ links })}
        />
      </Part>
      {data ? <Asking panel={panel} variables={variables} onChange={onChange} /> : null}
    </div>
  );
}
