import type { ReactElement } from 'react';
import type { Option } from '../../design/Choice';
import { CheckField, ChoiceField, TextField } from '../../design/fields';
import { asNumber, flagAt, object, textAt, type Json } from '../../panels/json';
import { UNITS } from '../../panels/units/table';
import { ColorField } from './ColorField';
import { Mappings } from './Mappings';
import { NumberField, Select, Side } from './parts';
import type { Property } from './properties';
import { Thresholds } from './Thresholds';
import { UrlLinks } from './UrlLinks';

const UNIT_OPTIONS: readonly Option[] = UNITS.map(({ id, name, group }) => ({
  value: id,
  label: name,
  note: group,
}));

const SCHEMES = [
  ['', 'as the kind has it'],
  ['palette-classic', 'one for each series'],
  ['fixed', 'one for all'],
  ['shades', 'shades of one'],
  ['thresholds', 'by the thresholds'],
  ['continuous-GrYlRd', 'green, yellow, red'],
  ['continuous-RdYlGr', 'red, yellow, green'],
  ['continuous-BlYlRd', 'blue, yellow, red'],
  ['continuous-YlRd', 'yellow to red'],
  ['continuous-BlPu', 'blue to purple'],
  ['continuous-YlBl', 'yellow to blue'],
  ['continuous-blues', 'blues'],
  ['continuous-reds', 'reds'],
  ['continuous-greens', 'greens'],
  ['continuous-purples', 'purples'],
] as const;

const HIDDEN_IN = [
  ['viz', 'the graph'],
  ['legend', 'the legend'],
  ['tooltip', 'the tooltip'],
] as const;

interface Editing {
  value: Json | undefined;
  /** Undefined takes it away. */
  onChange: (value: Json | undefined) => void;
}

function Color({ value, onChange }: Editing): ReactElement {
  const mode = textAt(value, 'mode');
  const known = SCHEMES.some(([id]) => id === mode);
  return (
    <Side>
      <Select
        label="Colour"
        value={mode}
        choices={known ? SCHEMES : [...SCHEMES, [mode, mode]]}
        onChange={(next) => onChange(next === '' ? undefined : { ...object(value), mode: next })}
      />
      {mode === 'fixed' || mode === 'shades' ? (
        <ColorField
          label="Which"
          value={textAt(value, 'fixedColor')}
          onChange={(fixedColor) => onChange({ ...object(value), fixedColor })}
        />
      ) : null}
    </Side>
  );
}

function Hidden({ value, onChange }: Editing): ReactElement {
  return (
    <div className="row wrap" role="group" aria-label="Hidden in">
      {HIDDEN_IN.map(([id, name]) => (
        <CheckField
          key={id}
          label={name}
          checked={flagAt(value, id)}
          onChange={(hidden) =>
            onChange({ viz: false, legend: false, tooltip: false, ...object(value), [id]: hidden })
          }
        />
      ))}
    </div>
  );
}

/** One property of a field, edited as what it is. */
export function PropertyField({ property, value, onChange }: Editing & { property: Property }): ReactElement {
  const { name, control } = property;
  switch (control.kind) {
    case 'text':
      return (
        <TextField
          label={name}
          value={textAt({ value }, 'value')}
          placeholder={control.placeholder}
          onChange={(next) => onChange(next === '' ? undefined : next)}
        />
      );
    case 'number':
      return <NumberField label={name} value={asNumber(value)} onChange={onChange} />;
    case 'check':
      return <CheckField label={name} checked={value === true} onChange={onChange} />;
    case 'unit':
      return (
        <ChoiceField
          label={name}
          free
          clearable
          options={UNIT_OPTIONS}
          value={textAt({ value }, 'value') || null}
          placeholder="none"
          onChange={(unit) => onChange(unit ?? undefined)}
        />
      );
    case 'color':
      return <Color value={value} onChange={onChange} />;
    case 'thresholds':
      return <Thresholds value={value} onChange={onChange} />;
    case 'mappings':
      return <Mappings value={value} onChange={onChange} />;
    case 'links':
      return <UrlLinks value={value} placeholder="https://… ${__field.labels.host}" onChange={onChange} />;
    case 'hidden':
      return <Hidden value={value} onChange={onChange} />;
    case 'choice': {
      const { choices, within, beside } = control;
      return (
        <Select
          label={name}
          value={
            within === undefined
              ? textAt({ value }, 'value', choices[0]?.[0])
              : textAt(value, within, choices[0]?.[0])
          }
          choices={choices}
          onChange={(next) =>
            onChange(
              within === undefined
                ? next === ''
                  ? undefined
                  : next
                : { ...beside, ...object(value), [within]: next },
            )
          }
        />
      );
    }
  }
}
