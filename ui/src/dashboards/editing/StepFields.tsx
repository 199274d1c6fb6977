import type { ReactElement } from 'react';
import { Choice, MultiChoice } from '../../design/Choice';
import { CheckField, ChoiceField, MultiChoiceField, TextField } from '../../design/fields';
import { Glyph } from '../../design/Glyph';
import { Icon } from '../../design/Icon';
import { IconButton } from '../../design/IconButton';
import { Value } from '../../design/Value';
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
} from '../../panels/json';
import { REDUCTIONS } from '../../panels/reduce';
import { JsonField, NumberField, Select, Side } from './parts';
import { moved, putAt, replaced, without } from './put';
import { readOrganize, writeOrganize, type Organized } from './transformations';
import styles from './editing.module.css';

export interface StepProps {
  options: JsonObject;
  /** The fields that it is given. */
  names: readonly string[];
  onChange: (options: JsonObject) => void;
}

const CALCULATIONS = REDUCTIONS.map(({ id, name }) => [id, name] as const);
const CALC_OPTIONS = REDUCTIONS.map(({ id, name }) => ({ value: id, label: name }));
const OPERATORS = ['+', '-', '*', '/', '%', '**'].map((sign) => [sign, sign] as const);
const UNARY = ['abs', 'ceil', 'floor', 'round', 'exp', 'ln'].map((name) => [name, name] as const);
const TESTS = [
  ['greater', 'above'],
  ['greaterOrEqual', 'at least'],
  ['lower', 'below'],
  ['lowerOrEqual', 'at most'],
  ['equal', 'equal to'],
  ['notEqual', 'not equal to'],
  ['regex', 'fits the pattern'],
  ['substring', 'has in it'],
  ['isNull', 'has no value'],
  ['isNotNull', 'has a value'],
] as const;

function FieldChoice(props: {
  label: string;
  names: readonly string[];
  value: string;
  onChange: (name: string) => void;
}): ReactElement {
  const { label, names, value, onChange } = props;
  return (
    <ChoiceField
      label={label}
      free
      options={names.map((name) => ({ value: name }))}
      value={value === '' ? null : value}
      onChange={(next) => onChange(next ?? '')}
    />
  );
}

function Organize({ options, names, onChange }: StepProps): ReactElement {
  const fields = readOrganize(options, names);
  const set = (next: readonly Organized[]): void => onChange(writeOrganize(options, next));
  if (fields.length === 0) return <p className="dim">Fields are listed here once there are data.</p>;
  return (
    <ul className={styles.organize} aria-label="Fields">
      {fields.map((field, i) => (
        <li key={field.name}>
          <input
            type="checkbox"
            aria-label={`Show ${field.name}`}
            checked={field.shown}
            onChange={({ target }) => set(replaced(fields, i, { ...field, shown: target.checked }))}
          />
          <span className="ellipsis" title={field.name}>
            <Value text={field.name} />
          </span>
          <input
            className="field"
            aria-label={`New name of ${field.name}`}
            placeholder="renamed to"
            value={field.rename}
            onChange={({ target }) => set(replaced(fields, i, { ...field, rename: target.value }))}
          />
          <IconButton
            icon={<Glyph name="arrowUp" size={14} />}
            label={`${field.name} earlier`}
            disabled={i === 0}
            onClick={() => set(moved(fields, i, -1))}
          />
          <IconButton
            icon={<Glyph name="arrowDown" size={14} />}
            label={`${field.name} later`}
            disabled={i === fields.length - 1}
            onClick={() => set(moved(fields, i, 1))}
          />
        </li>
      ))}
    </ul>
  );
}

function Reduce({ options, onChange }: StepProps): ReactElement {
  const put = (next: JsonObject): void => onChange({ ...options, ...next });
  const mode = textAt(options, 'mode', 'seriesToRows');
  return (
    <>
      <Side>
        <Select
          label="To"
          value={mode}
          choices={[
            ['seriesToRows', 'a row for each series'],
            ['reduceFields', 'one value of each field'],
          ]}
          onChange={(next) => put({ mode: next })}
        />
        <MultiChoiceField
          label="Calculations"
          options={CALC_OPTIONS}
          values={texts(options.reducers)}
          onChange={(reducers) => put({ reducers: [...reducers] })}
        />
      </Side>
      {mode === 'seriesToRows' ? (
        <CheckField
          label="Labels as fields"
          checked={flagAt(options, 'labelsToFields')}
          onChange={(labelsToFields) => put({ labelsToFields })}
        />
      ) : null}
    </>
  );
}

/** A side of an operation: newer dashboards have an object for it. */
function sideText(value: Json | undefined): string {
  return typeof value === 'string' ? value : textAt(value, 'matcher.options', textAt(value, 'fixed'));
}

function withSide(value: Json | undefined, name: string, names: readonly string[]): Json {
  if (typeof value !== 'object' || value === null) return name;
  return names.includes(name) ? { matcher: { id: 'byName', options: name } } : { fixed: name };
}

function Calculate({ options, names, onChange }: StepProps): ReactElement {
  const put = (path: string, next: Json): void => onChange(putAt(options, path, next));
  const mode = textAt(options, 'mode', 'reduceRow');
  return (
    <>
      <Side>
        <Select
          label="Of"
          value={mode}
          choices={[
            ['reduceRow', 'all of a row'],
            ['binary', 'two fields'],
            ['unary', 'one field'],
            ['cumulativeFunctions', 'all rows so far'],
            ['index', 'the number of the row'],
          ]}
          onChange={(next) => put('mode', next)}
        />
        <TextField
          label="Called"
          placeholder="by what it is made of"
          value={textAt(options, 'alias')}
          onChange={(alias) => put('alias', alias)}
        />
      </Side>
      {mode === 'reduceRow' ? (
        <Side>
          <Select
            label="Calculation"
            value={textAt(options, 'reduce.reducer', 'sum')}
            choices={CALCULATIONS}
            onChange={(next) => put('reduce.reducer', next)}
          />
          <MultiChoiceField
            label="Fields"
            placeholder="all numbers"
            free
            options={names.map((value) => ({ value }))}
            values={texts(at(options, 'reduce.include'))}
            onChange={(include) => put('reduce.include', [...include])}
          />
        </Side>
      ) : null}
      {mode === 'binary' ? (
        <div className={styles.operation}>
          <FieldChoice
            label="Left"
            names={names}
            value={sideText(at(options, 'binary.left'))}
            onChange={(next) => put('binary.left', withSide(at(options, 'binary.left'), next, names))}
          />
          <Select
            label="Sign"
            value={textAt(options, 'binary.operator', '+')}
            choices={OPERATORS}
            onChange={(next) => put('binary.operator', next)}
          />
          <FieldChoice
            label="Right"
            names={names}
            value={sideText(at(options, 'binary.right'))}
            onChange={(next) => put('binary.right', withSide(at(options, 'binary.right'), next, names))}
          />
        </div>
      ) : null}
      {mode === 'unary' ? (
        <Side>
          <Select
            label="Function"
            value={textAt(options, 'unary.operator', 'abs')}
            choices={UNARY}
            onChange={(next) => put('unary.operator', next)}
          />
          <FieldChoice
            label="Field"
            names={names}
            value={textAt(options, 'unary.fieldName')}
            onChange={(next) => put('unary.fieldName', next)}
          />
        </Side>
      ) : null}
      {mode === 'cumulativeFunctions' ? (
        <Side>
          <Select
            label="Calculation"
            value={textAt(options, 'cumulative.reducer', 'sum')}
            choices={[
              ['sum', 'Total'],
              ['mean', 'Mean'],
            ]}
            onChange={(next) => put('cumulative.reducer', next)}
          />
          <FieldChoice
            label="Field"
            names={names}
            value={textAt(options, 'cumulative.field')}
            onChange={(next) => put('cumulative.field', next)}
          />
        </Side>
      ) : null}
      <CheckField
        label="In the place of all other fields"
        checked={flagAt(options, 'replaceFields')}
        onChange={(next) => put('replaceFields', next)}
      />
    </>
  );
}

const GROUPED = [
  ['', 'left out'],
  ['groupby', 'grouped by'],
  ['aggregate', 'calculated'],
] as const;

function Group({ options, names, onChange }: StepProps): ReactElement {
  const fields = object(options.fields);
  // A dot in a name is no path.
  const set = (name: string, next: JsonObject): void =>
    onChange({ ...options, fields: { ...fields, [name]: next } });
  const all = [...names, ...Object.keys(fields).filter((name) => !names.includes(name))];
  return (
    <ul className={styles.grouped} aria-label="Fields">
      {all.map((name) => {
        const how = object(fields[name]);
        const operation = textAt(how, 'operation');
        return (
          <li key={name}>
            <span className="ellipsis" title={name}>
              <Value text={name} />
            </span>
            <Choice
              label={`How ${name} is taken`}
              options={GROUPED.map(([value, label]) => ({ value, label }))}
              value={operation}
              onChange={(next) => set(name, { aggregations: [], ...how, operation: next || null })}
            />
            {operation === 'aggregate' ? (
              <MultiChoice
                label={`Calculations of ${name}`}
                options={CALC_OPTIONS}
                values={texts(how.aggregations)}
                onChange={(aggregations) => set(name, { ...how, aggregations: [...aggregations] })}
              />
            ) : null}
          </li>
        );
      })}
    </ul>
  );
}

function FilterByValue({ options, names, onChange }: StepProps): ReactElement {
  const filters = objects(options.filters);
  const set = (next: readonly JsonObject[]): void => onChange({ ...options, filters: next });
  return (
    <>
      <Side>
        <Select
          label="Rows are"
          value={textAt(options, 'type', 'include')}
          choices={[
            ['include', 'kept'],
            ['exclude', 'left out'],
          ]}
          onChange={(type) => onChange({ ...options, type })}
        />
        <Select
          label="Where"
          value={textAt(options, 'match', 'any')}
          choices={[
            ['any', 'one of these holds'],
            ['all', 'all of these hold'],
          ]}
          onChange={(match) => onChange({ ...options, match })}
        />
      </Side>
      {filters.map((filter, i) => (
        <div key={i} className={styles.test}>
          <FieldChoice
            label="Field"
            names={names}
            value={textAt(filter, 'fieldName')}
            onChange={(fieldName) => set(replaced(filters, i, { ...filter, fieldName }))}
          />
          <Select
            label="Is"
            value={textAt(filter, 'config.id', 'greater')}
            choices={TESTS}
            onChange={(id) => set(replaced(filters, i, putAt(filter, 'config.id', id)))}
          />
          <TextField
            label="Value"
            value={textAt(filter, 'config.options.value')}
            onChange={(text) => {
              const number = text.trim() === '' ? NaN : Number(text);
              set(
                replaced(
                  filters,
                  i,
                  putAt(filter, 'config.options.value', Number.isNaN(number) ? text : number),
                ),
              );
            }}
          />
          <IconButton
            icon={<Icon name="close" size={13} />}
            label={`Remove condition ${i + 1}`}
            onClick={() => set(without(filters, i))}
          />
        </div>
      ))}
      <div>
        <button
          type="button"
          className="button"
          onClick={() =>
            set([...filters, { fieldName: names[0] ?? '', config: { id: 'greater', options: { value: 0 } } }])
          }
        >
          <Icon name="plus" size={13} /> Add a condition
        </button>
      </div>
    </>
  );
}

function Histogram({ options, onChange }: StepProps): ReactElement {
  const set = (name: string, next: number | undefined): void => onChange(putAt(options, name, next));
  return (
    <>
      <Side>
        <NumberField
          label="Width of a bucket"
          placeholder="by the values"
          value={numberAt(options, 'bucketSize')}
          onChange={(next) => set('bucketSize', next)}
        />
        <NumberField
          label="Buckets"
          placeholder="30"
          value={numberAt(options, 'bucketCount')}
          onChange={(next) => set('bucketCount', next)}
        />
        <NumberField
          label="Beginning at"
          placeholder="0"
          value={numberAt(options, 'bucketOffset')}
          onChange={(next) => set('bucketOffset', next)}
        />
      </Side>
      <CheckField
        label="All series in one"
        checked={flagAt(options, 'combine')}
        onChange={(combine) => onChange({ ...options, combine })}
      />
    </>
  );
}

/** What one transformation is told; of those without fields here, the JSON. */
export function StepFields({ id, ...props }: StepProps & { id: string }): ReactElement | null {
  const { options, names, onChange } = props;
  const put = (next: JsonObject): void => onChange({ ...options, ...next });
  switch (id) {
    case 'organize':
      return <Organize {...props} />;
    case 'reduce':
      return <Reduce {...props} />;
    case 'calculateField':
      return <Calculate {...props} />;
    case 'groupBy':
      return <Group {...props} />;
    case 'filterByValue':
      return <FilterByValue {...props} />;
    case 'histogram':
      return <Histogram {...props} />;
    case 'groupToNestedTable':
      // Newer dashboards say by matchers what is done with which fields.
      return options.rules === undefined ? (
        <>
          <Group {...props} />
          <CheckField
            label="Heads over the rows of a group"
            checked={flagAt(options, 'showSubframeHeaders', true)}
            onChange={(showSubframeHeaders) => put({ showSubframeHeaders })}
          />
        </>
      ) : (
        <JsonField label="Options" value={options} onChange={(next) => onChange(object(next))} />
      );
    case 'smoothing':
      return (
        <NumberField
          label="Points at most"
          placeholder="100"
          value={numberAt(options, 'resolution')}
          onChange={(resolution) => put({ resolution: resolution ?? 100 })}
        />
      );
    case 'configFromData':
      return (
        <>
          <TextField
            label="The query that says it"
            mono
            value={textAt(options, 'configRefId')}
            onChange={(configRefId) => put({ configRefId })}
          />
          <JsonField
            label="Which field says what"
            value={options.mappings ?? []}
            onChange={(mappings) => put({ mappings })}
          />
        </>
      );
    case 'merge':
    case 'seriesToRows':
    case 'transpose':
    case 'concatenate':
      return <p className="dim">There is nothing to choose.</p>;
    case 'renameByRegex':
      return (
        <Side>
          <TextField
            label="Pattern"
            mono
            value={textAt(options, 'regex')}
            onChange={(regex) => put({ regex })}
          />
          <TextField
            label="Becomes"
            mono
            placeholder="$1"
            value={textAt(options, 'renamePattern')}
            onChange={(renamePattern) => put({ renamePattern })}
          />
        </Side>
      );
    case 'filterFieldsByName':
      return (
        <Side>
          <MultiChoiceField
            label="Fields that are kept"
            free
            options={names.map((value) => ({ value }))}
            values={texts(at(options, 'include.names'))}
            onChange={(next) => onChange(putAt(options, 'include.names', [...next]))}
          />
          <TextField
            label="Or that fit"
            mono
            placeholder="/pattern/"
            value={textAt(options, 'include.pattern')}
            onChange={(next) => onChange(putAt(options, 'include.pattern', next === '' ? undefined : next))}
          />
        </Side>
      );
    case 'filterByRefId':
      return (
        <TextField
          label="Queries that are kept"
          placeholder="A|B"
          mono
          value={textAt(options, 'include')}
          onChange={(include) => put({ include })}
        />
      );
    case 'joinByField':
    case 'seriesToColumns':
      return (
        <Side>
          <FieldChoice
            label="Field"
            names={names}
            value={textAt(options, 'byField')}
            onChange={(byField) => put({ byField })}
          />
          <Select
            label="Rows"
            value={textAt(options, 'mode', 'outer')}
            choices={[
              ['outer', 'of any'],
              ['inner', 'of all'],
              ['outerTabular', 'of any, each beside each'],
            ]}
            onChange={(mode) => put({ mode })}
          />
        </Side>
      );
    case 'sortBy': {
      const [by = {}, ...rest] = objects(options.sort);
      return (
        <Side>
          <FieldChoice
            label="By"
            names={names}
            value={textAt(by, 'field')}
            onChange={(field) => put({ sort: [{ ...by, field }, ...rest] })}
          />
          <Select
            label="Order"
            value={flagAt(by, 'desc') ? 'desc' : 'asc'}
            choices={[
              ['asc', 'rising'],
              ['desc', 'falling'],
            ]}
            onChange={(next) => put({ sort: [{ ...by, desc: next === 'desc' }, ...rest] })}
          />
        </Side>
      );
    }
    case 'limit':
      return (
        <NumberField
          label="Rows at most"
          placeholder="10"
          value={numberAt(options, 'limitField')}
          onChange={(limitField) => put({ limitField: limitField ?? 10 })}
        />
      );
    case 'labelsToFields':
      return (
        <Side>
          <Select
            label="As"
            value={textAt(options, 'mode', 'columns')}
            choices={[
              ['columns', 'columns'],
              ['rows', 'rows'],
            ]}
            onChange={(mode) => put({ mode })}
          />
          <TextField
            label="The label that names the value"
            value={textAt(options, 'valueLabel')}
            onChange={(valueLabel) => put({ valueLabel })}
          />
        </Side>
      );
    default:
      return <JsonField label="Options" value={options} onChange={(next) => onChange(object(next))} />;
  }
}
