import type { ReactElement } from 'react';
import { Choice } from '../../design/Choice';
import { ChoiceField } from '../../design/fields';
import { EmptyState } from '../../design/EmptyState';
import { Glyph } from '../../design/Glyph';
import { Icon } from '../../design/Icon';
import { IconButton } from '../../design/IconButton';
import { Menu } from '../../design/Menu';
import { objects, textAt, type Json, type JsonObject } from '../../panels/json';
import { CheckedField, JsonField, Select } from './parts';
import { propertiesOf, PROPERTIES } from './properties';
import { PropertyField } from './PropertyField';
import { moved, putAt, replaced, without } from './put';
import { readPattern } from '../../panels/config';
import styles from './editing.module.css';

const MATCHERS = [
  ['byName', 'Fields with a name'],
  ['byRegexp', 'Fields whose names fit a pattern'],
  ['byType', 'Fields of a type'],
  ['byFrameRefID', 'Fields of a query'],
] as const;
const TYPES = [
  ['number', 'numbers'],
  ['string', 'texts'],
  ['time', 'times'],
  ['boolean', 'yes or no'],
] as const;

/** Controls whose parts have names and they themselves have none. */
const UNNAMED: readonly string[] = ['thresholds', 'mappings', 'links', 'hidden'];

/** What a matcher begins with. */
function beginning(id: string, names: readonly string[], refs: readonly string[]): string {
  switch (id) {
    case 'byName':
      return names.find((name) => name !== 'Time') ?? names[0] ?? '';
    case 'byRegexp':
      return '/.*/';
    case 'byType':
      return 'number';
    default:
      return refs[0] ?? 'A';
  }
}

interface Known {
  /** The names of the fields that the panel shows, and of its queries. */
  names: readonly string[];
  refs: readonly string[];
}

function Matcher(
  props: Known & { matcher: JsonObject; onChange: (matcher: JsonObject) => void },
): ReactElement {
  const { matcher, names, refs, onChange } = props;
  const id = textAt(matcher, 'id');
  const options = textAt(matcher, 'options');
  const set = (next: Json): void => onChange({ ...matcher, options: next });
  switch (id) {
    case 'byName':
      return (
        <ChoiceField
          label="Name"
          free
          options={names.map((value) => ({ value }))}
          value={options === '' ? null : options}
          onChange={(next) => set(next ?? '')}
        />
      );
    case 'byRegexp':
    case 'byRegex':
      return (
        <CheckedField
          label="Pattern"
          value={options}
          faultOf={(text) => (readPattern(text) === null ? 'This is not a pattern' : null)}
          onChange={set}
        />
      );
    case 'byType':
      return <Select label="Type" value={options} choices={TYPES} onChange={set} />;
    case 'byFrameRefID':
      return (
        <Select
          label="Query"
          value={options}
          choices={refs.map((ref) => [ref, ref] as const)}
          onChange={set}
        />
      );
    default:
      return <JsonField label={`Matcher ${id}`} value={matcher.options} onChange={set} />;
  }
}

function Properties(props: {
  kind: string;
  properties: readonly JsonObject[];
  onChange: (properties: readonly JsonObject[]) => void;
}): ReactElement {
  const { kind, properties, onChange } = props;
  const used = properties.map((one) => textAt(one, 'id'));
  const offered = propertiesOf(kind)
    .flatMap(([, all]) => all)
    .filter(({ id }) => !used.includes(id));
  return (
    <>
      {properties.map((one, i) => {
        const id = textAt(one, 'id');
        const property = PROPERTIES.find((known) => known.id === id);
        const set = (value: Json | undefined): void =>
          onChange(replaced(properties, i, putAt(one, 'value', value)));
        return (
          <div key={id} className={styles.property}>
            <div className={styles.fields} role="group" aria-label={property?.name ?? id}>
              {property && UNNAMED.includes(property.control.kind) ? (
                <span className={styles.label}>{property.name}</span>
              ) : null}
              {property ? (
                <PropertyField property={property} value={one.value} onChange={set} />
              ) : (
                <JsonField label={id} value={one.value} onChange={set} />
              )}
            </div>
            <IconButton
              icon={<Icon name="close" size={13} />}
              label={`Without ${property?.name ?? id}`}
              onClick={() => onChange(without(properties, i))}
            />
          </div>
        );
      })}
      <Choice
        label="Add a property"
        placeholder="Add a property …"
        options={offered.map(({ id, name, group }) => ({ value: id, label: name, note: group }))}
        value={null}
        onChange={(id) => {
          if (id !== null) onChange([...properties, { id }]);
        }}
      />
    </>
  );
}

/** What is different for some of the fields of a panel. */
export function Overrides(
  props: Known & {
    kind: string;
    overrides: readonly JsonObject[];
    onChange: (overrides: readonly JsonObject[]) => void;
  },
): ReactElement {
  const { kind, overrides, names, refs, onChange } = props;
  const add = (
    <Menu
      label="Add an override"
      icon="plus"
      entries={MATCHERS.map(([id, label]) => ({
        kind: 'action',
        label,
        run: () =>
          onChange([...overrides, { matcher: { id, options: beginning(id, names, refs) }, properties: [] }]),
      }))}
    />
  );
  if (overrides.length === 0)
    return (
      <EmptyState reason="none-yet" title="No overrides" actions={add}>
        An override gives some series or columns a unit, a colour, a name or an axis of their own.
      </EmptyState>
    );
  return (
    <>
      {overrides.map((override, i) => {
        const matcher = (override.matcher ?? {}) as JsonObject;
        const id = textAt(matcher, 'id');
        const change = (next: JsonObject): void => onChange(replaced(overrides, i, { ...override, ...next }));
        return (
          <div key={i} className={styles.block} role="group" aria-label={`Override ${i + 1}`}>
            <div className="row">
              <b className="grow">{MATCHERS.find(([known]) => known === id)?.[1] ?? id}</b>
              <IconButton
                icon={<Glyph name="arrowUp" size={14} />}
                label="Earlier"
                disabled={i === 0}
                onClick={() => onChange(moved(overrides, i, -1))}
              />
              <IconButton
                icon={<Glyph name="trash" size={14} />}
                label={`Remove override ${i + 1}`}
                onClick={() => onChange(without(overrides, i))}
              />
            </div>
            <Matcher
              matcher={matcher}
              names={names}
              refs={refs}
              onChange={(next) => change({ matcher: next })}
            />
            <Properties
              kind={kind}
              properties={objects(override.properties)}
              onChange={(properties) => change({ properties })}
            />
          </div>
        );
      })}
      <div>{add}</div>
    </>
  );
}
