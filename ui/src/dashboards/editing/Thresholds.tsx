import type { ReactElement } from 'react';
import { Icon } from '../../design/Icon';
import { IconButton } from '../../design/IconButton';
import { at, numberAt, object, objects, textAt, type Json, type JsonObject } from '../../panels/json';
import { ColorField } from './ColorField';
import { Select } from './parts';
import { replaced, without } from './put';
import styles from './editing.module.css';

const MODES = [
  ['absolute', 'values'],
  ['percentage', 'percent between least and most'],
] as const;

/** From which value on which colour stands for it. */
export function Thresholds(props: {
  value: Json | undefined;
  onChange: (value: Json) => void;
}): ReactElement {
  const { value, onChange } = props;
  const found = objects(at(value, 'steps'));
  const steps: readonly JsonObject[] = found.length > 0 ? found : [{ color: 'green', value: null }];
  const mode = textAt(value, 'mode', 'absolute');
  const set = (next: JsonObject): void => onChange({ mode, steps, ...object(value), ...next });
  return (
    <>
      {steps.map((step, i) => (
        <div key={i} className={styles.step}>
          {i === 0 ? (
            <input className="field" disabled value="base" aria-label="Base" />
          ) : (
            <input
              className="field"
              inputMode="decimal"
              aria-label={`From value ${i}`}
              value={textAt(step, 'value')}
              onChange={({ target: { value: typed } }) =>
                set({
                  steps: replaced(steps, i, { ...step, value: typed === '-' ? typed : Number(typed) || 0 }),
                })
              }
            />
          )}
          <ColorField
            label={`Colour ${i}`}
            bare
            value={textAt(step, 'color')}
            onChange={(color) => set({ steps: replaced(steps, i, { ...step, color: color || 'green' }) })}
          />
          {i === 0 ? (
            <span />
          ) : (
            <IconButton
              icon="close"
              label={`Without step ${i}`}
              onClick={() => set({ steps: without(steps, i) })}
            />
          )}
        </div>
      ))}
      <div>
        <button
          type="button"
          className="button"
          onClick={() =>
            set({ steps: [...steps, { color: 'red', value: (numberAt(steps.at(-1), 'value') ?? 0) + 10 }] })
          }
        >
          <Icon name="plus" size={13} /> Add a step
        </button>
      </div>
      <Select label="Steps are" value={mode} choices={MODES} onChange={(next) => set({ mode: next })} />
    </>
  );
}
