import type { ReactElement } from 'react';
import { Choice } from '../../design/Choice';
import { IconButton } from '../../design/IconButton';
import { Menu } from '../../design/Menu';
import { textAt, type Json } from '../../panels/json';
import { ColorField } from './ColorField';
import { readMappings, withResult, writeMappings, type MappingRow, type MappingType } from './mappings';
import { JsonField } from './parts';
import { replaced, without } from './put';
import styles from './editing.module.css';

const NAMES: Readonly<Record<MappingType, string>> = {
  value: 'A value',
  range: 'A range',
  regex: 'A pattern',
  special: 'No value and the like',
};
const SPECIALS = [
  ['null', 'no value'],
  ['nan', 'NaN'],
  ['null+nan', 'no value or NaN'],
  ['true', 'true'],
  ['false', 'false'],
  ['empty', 'empty text'],
] as const;

function beginning(type: MappingType): MappingRow {
  return {
    type,
    match: type === 'special' ? 'null' : '',
    from: type === 'range' ? 0 : null,
    to: type === 'range' ? 100 : null,
    result: { text: '' },
    kept: {},
  };
}

function Match({ row, onChange }: { row: MappingRow; onChange: (row: MappingRow) => void }): ReactElement {
  if (row.type === 'special')
    return (
      <Choice
        label="Which"
        options={SPECIALS.map(([value, label]) => ({ value, label }))}
        value={row.match}
        onChange={(match) => onChange({ ...row, match: match ?? 'null' })}
      />
    );
  if (row.type === 'range')
    return (
      <span className={styles.pair}>
        {(['from', 'to'] as const).map((end) => (
          <input
            key={end}
            className="field"
            type="number"
            step="any"
            aria-label={end === 'from' ? 'From' : 'To'}
            placeholder={end === 'from' ? '−∞' : '∞'}
            value={row[end] ?? ''}
            onChange={({ target: { value } }) =>
              onChange({ ...row, [end]: value === '' ? null : Number(value) })
            }
          />
        ))}
      </span>
    );
  return (
    <input
      className="field mono"
      aria-label={row.type === 'regex' ? 'Pattern' : 'Value'}
      placeholder={row.type === 'regex' ? '/^5../' : '1'}
      value={row.match}
      onChange={({ target: { value } }) => onChange({ ...row, match: value })}
    />
  );
}

/** What stands in the place of which values, in which colour. */
export function Mappings(props: { value: Json | undefined; onChange: (value: Json) => void }): ReactElement {
  const { value, onChange } = props;
  const rows = readMappings(value);
  if (rows === null) return <JsonField label="Value mappings" value={value} onChange={onChange} />;
  const set = (next: readonly MappingRow[]): void => onChange(writeMappings(next));
  return (
    <>
      {rows.map((row, i) => {
        const change = (next: MappingRow): void => set(replaced(rows, i, next));
        return (
          <div key={i} className={styles.mapping} role="group" aria-label={`Mapping ${i + 1}`}>
            <Match row={row} onChange={change} />
            <input
              className="field"
              aria-label="Shown as"
              placeholder="as it is"
              value={textAt(row.result, 'text')}
              onChange={({ target }) => change(withResult(row, 'text', target.value))}
            />
            <ColorField
              label="Colour"
              bare
              value={textAt(row.result, 'color')}
              onChange={(color) => change(withResult(row, 'color', color))}
            />
            <IconButton
              icon="close"
              label={`Remove mapping ${i + 1}`}
              onClick={() => set(without(rows, i))}
            />
          </div>
        );
      })}
      <Menu
        label="Add a mapping"
        icon="plus"
        entries={Object.entries(NAMES).map(([type, label]) => ({
          kind: 'action',
          label,
          whyNot:
            type === 'value' && rows.some((row) => row.type === 'value' && row.match === '')
              ? 'One of a value is still empty'
              : null,
          run: () => set([...rows, beginning(type as MappingType)]),
        }))}
      />
    </>
  );
}
