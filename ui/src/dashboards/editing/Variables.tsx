import type { ReactElement } from 'react';
import type { Variable } from '../../api/dashboards';
import { CheckField, TextAreaField, TextField } from '../../design/fields';
import { formatThings } from '../../design/format';
import { Note } from '../../design/parts';
import { Value } from '../../design/Value';
import { flagAt, numberAt, textAt, type Json, type JsonObject } from '../../panels/json';
import { nameFault, newVariable, ofType, queryText, withCurrent, withQuery } from './definitions';
import { ALL } from '../state';
import { ListEditor } from './ListEditor';
import { CheckedField, JsonField, NumberField, Select, Side, SourceField } from './parts';
import styles from './editing.module.css';

const TYPES = [
  ['query', 'Query'],
  ['custom', 'Custom'],
  ['constant', 'Constant'],
  ['textbox', 'Text box'],
  ['interval', 'Interval'],
  ['datasource', 'Data source'],
  ['adhoc', 'Ad hoc filters'],
] as const;
const HIDES = [
  ['0', 'with its name'],
  ['1', 'without its name'],
  ['2', 'not at all'],
] as const;
const REFRESHES = [
  ['1', 'when the dashboard opens'],
  ['2', 'when the time changes'],
  ['0', 'never'],
] as const;
const SORTS = [
  ['0', 'as they come'],
  ['1', 'A to Z'],
  ['2', 'Z to A'],
  ['3', 'by number, rising'],
  ['4', 'by number, falling'],
  ['5', 'A to Z, whatever the case'],
  ['6', 'Z to A, whatever the case'],
  ['7', 'naturally, rising'],
  ['8', 'naturally, falling'],
] as const;
const PLUGINS = [
  ['prometheus', 'Metrics (Prometheus)'],
  ['loki', 'Logs (Loki)'],
  ['tempo', 'Traces (Tempo)'],
] as const;
const PREVIEWED = 40;

const QUERY_LABELS: Readonly<Record<string, readonly [label: string, hint: string | undefined]>> = {
  query: ['Query', 'label_values(metric, label), label_names(), metrics(pattern), query_result(expression)'],
  custom: ['Values', 'Parted by commas; “name : value” gives both'],
  constant: ['Value', undefined],
  textbox: ['Text at first', undefined],
  interval: ['Intervals', 'Parted by commas'],
};

type Put = (change: JsonObject) => void;

interface Form {
  variable: JsonObject;
  put: Put;
}

/** The options of what is chosen among. */
function Choosing({ variable, put }: Form): ReactElement {
  return (
    <>
      <div className="row wrap">
        <CheckField
          label="Several at once"
          checked={flagAt(variable, 'multi')}
          onChange={(multi) => put({ multi })}
        />
        <CheckField
          label="With “All”"
          checked={flagAt(variable, 'includeAll')}
          onChange={(includeAll) => put({ includeAll })}
        />
        <CheckField
          label="Others may be typed"
          checked={flagAt(variable, 'allowCustomValue', true)}
          onChange={(allowCustomValue) => put({ allowCustomValue })}
        />
      </div>
      {flagAt(variable, 'includeAll') ? (
        <TextField
          label="“All” stands for"
          placeholder="all of them, one by one"
          mono
          value={textAt(variable, 'allValue')}
          onChange={(allValue) => put({ allValue: allValue === '' ? null : allValue })}
        />
      ) : null}
    </>
  );
}

function Query({ variable, onChange }: { variable: JsonObject; onChange: Put }): ReactElement {
  const [label, hint] = QUERY_LABELS[textAt(variable, 'type')] ?? ['Query', undefined];
  const text = queryText(variable);
  if (text === null)
    return (
      <JsonField
        label={label}
        value={variable.query}
        onChange={(query: Json) => onChange({ ...variable, query })}
      />
    );
  return (
    <TextAreaField
      label={label}
      hint={hint}
      rows={2}
      value={text}
      onChange={(next) => onChange(withQuery(variable, next))}
    />
  );
}

function TypeFields({ variable, put, sources }: Form & { sources: readonly string[] }): ReactElement | null {
  const change: Put = (next) => put(next);
  switch (textAt(variable, 'type')) {
    case 'query':
      return (
        <>
          <SourceField
            value={variable.datasource}
            variables={sources}
            onChange={(datasource) => put({ datasource })}
          />
          <Query variable={variable} onChange={change} />
          <TextField
            label="Regular expression"
            hint="What of each is taken: a group, or groups named text and value"
            mono
            placeholder="/.*-(?<text>.*)-.*/"
            value={textAt(variable, 'regex')}
            onChange={(regex) => put({ regex })}
          />
          <Side>
            <Select
              label="Sorted"
              value={textAt(variable, 'sort', '0')}
              choices={SORTS}
              onChange={(sort) => put({ sort: Number(sort) })}
            />
            <Select
              label="Asked anew"
              value={textAt(variable, 'refresh', '1')}
              choices={REFRESHES}
              onChange={(refresh) => put({ refresh: Number(refresh) })}
            />
          </Side>
          <Choosing variable={variable} put={put} />
        </>
      );
    case 'custom':
      return (
        <>
          <Query variable={variable} onChange={change} />
          <Choosing variable={variable} put={put} />
        </>
      );
    case 'constant':
    case 'textbox':
      return <Query variable={variable} onChange={change} />;
    case 'interval':
      return (
        <>
          <Query variable={variable} onChange={change} />
          <CheckField
            label="With “auto”: the length of the time shown by a number of steps"
            checked={flagAt(variable, 'auto')}
            onChange={(auto) => put({ auto })}
          />
          {flagAt(variable, 'auto') ? (
            <Side>
              <NumberField
                label="Steps"
                value={numberAt(variable, 'auto_count')}
                placeholder="30"
                onChange={(count) => put({ auto_count: count ?? 30 })}
              />
              <TextField
                label="At least"
                value={textAt(variable, 'auto_min')}
                placeholder="10s"
                onChange={(least) => put({ auto_min: least })}
              />
            </Side>
          ) : null}
        </>
      );
    case 'datasource':
      return (
        <>
          <Select
            label="Of the kind"
            value={queryText(variable) ?? ''}
            choices={PLUGINS}
            onChange={(query) => put({ query })}
          />
          <Choosing variable={variable} put={put} />
        </>
      );
    case 'adhoc':
      return (
        <SourceField
          value={variable.datasource}
          variables={sources}
          kinds={['prometheus', 'loki']}
          onChange={(datasource) => put({ datasource })}
        />
      );
    default:
      return (
        <p className="dim">
          Variables of the type {textAt(variable, 'type')} are shown and kept; what they are made of is
          changed in the JSON.
        </p>
      );
  }
}

/** What can be chosen now. */
function Preview({ variable }: { variable: Variable | undefined }): ReactElement | null {
  if (!variable) return <p className="dim">Its values are asked for …</p>;
  const { error, truncated, type } = variable;
  const options = variable.options.filter(({ value }) => value !== ALL);
  if (error) return <Note level="bad">{error.message}</Note>;
  if (type === 'adhoc' || type === 'textbox' || type === 'constant') return null;
  return (
    <div role="group" aria-label="Values now">
      <p className="dim">
        {options.length === 0 ? 'No values now' : `${formatThings(options.length, 'value')} now`}
      </p>
      <div className={styles.chips}>
        {options.slice(0, PREVIEWED).map(({ value, text }) => (
          <span key={value} className={styles.chip}>
            <Value text={text} />
          </span>
        ))}
        {options.length > PREVIEWED || truncated ? <span className="dim">and more</span> : null}
      </div>
    </div>
  );
}

/** The variables of a dashboard: added, changed, put in order, taken away. */
export function Variables(props: {
  list: readonly JsonObject[];
  /** As they are set now. */
  now: readonly Variable[];
  onChange: (list: readonly JsonObject[]) => void;
}): ReactElement {
  const { list, now, onChange } = props;
  const names = list.map((one) => textAt(one, 'name'));
  const sources = list
    .filter((one) => textAt(one, 'type') === 'datasource')
    .map((one) => textAt(one, 'name'));
  return (
    <>
      <ListEditor
        one="variable"
        about="A variable is chosen above the panels, and stands in their queries as $name."
        items={list}
        nameOf={(one) => textAt(one, 'name')}
        noteOf={(one) => TYPES.find(([id]) => id === one.type)?.[1] ?? textAt(one, 'type')}
        kinds={TYPES.map(([id, label]) => ({ label, make: () => newVariable(id, names) }))}
        onChange={onChange}
      >
        {(variable, change) => {
          const name = textAt(variable, 'name');
          const type = textAt(variable, 'type', 'query');
          const put: Put = (next) => change({ ...variable, ...next });
          return (
            <>
              <Side>
                <CheckedField
                  label="Name"
                  value={name}
                  faultOf={(text) =>
                    text === name
                      ? null
                      : nameFault(
                          text,
                          names.filter((one) => one !== name),
                        )
                  }
                  onChange={(next) => put({ name: next })}
                />
                <Select
                  label="Type"
                  value={type}
                  choices={TYPES.some(([id]) => id === type) ? TYPES : [...TYPES, [type, type]]}
                  onChange={(next) => {
                    if (next !== type) change(ofType(variable, next));
                  }}
                />
                <TextField
                  label="Label"
                  placeholder={name}
                  value={textAt(variable, 'label')}
                  onChange={(label) => put({ label })}
                />
                <Select
                  label="Shown"
                  value={textAt(variable, 'hide', '0')}
                  choices={HIDES}
                  onChange={(hide) => put({ hide: Number(hide) })}
                />
              </Side>
              <TextField
                label="Description"
                value={textAt(variable, 'description')}
                onChange={(description) => put({ description })}
              />
              <TypeFields variable={variable} put={put} sources={sources} />
              <Preview variable={now.find((one) => one.name === name && one.type === type)} />
            </>
          );
        }}
      </ListEditor>
      {list.length > 0 ? (
        <div className={styles.below}>
          <button type="button" className="button" onClick={() => onChange(withCurrent(list, now))}>
            Let it open with the values chosen now
          </button>
        </div>
      ) : null}
    </>
  );
}
