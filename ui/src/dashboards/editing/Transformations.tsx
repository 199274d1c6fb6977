import type { ReactElement } from 'react';
import { CheckField } from '../../design/fields';
import { EmptyState } from '../../design/EmptyState';
import { Glyph } from '../../design/Glyph';
import { IconButton } from '../../design/IconButton';
import { Menu } from '../../design/Menu';
import type { Frame } from '../../panels/frame';
import { object, textAt, type JsonObject } from '../../panels/json';
import { moved, replaced, without } from './put';
import { StepFields } from './StepFields';
import { fieldsBefore, isApplied, stepName, STEPS } from './transformations';
import styles from './editing.module.css';

/** What is made of the answers of a panel's queries before it is drawn, step by step. */
export function Transformations(props: {
  list: readonly JsonObject[];
  frames: readonly Frame[];
  onChange: (list: readonly JsonObject[]) => void;
}): ReactElement {
  const { list, frames, onChange } = props;
  const add = (
    <Menu
      label="Add a transformation"
      icon="plus"
      entries={Object.entries(STEPS).map(([id, [label, options]]) => ({
        kind: 'action',
        label,
        run: () => onChange([...list, { id, options }]),
      }))}
    />
  );
  if (list.length === 0)
    return (
      <EmptyState reason="none-yet" title="No transformations" actions={add}>
        A transformation renames, joins, filters, groups or calculates what the queries answer.
      </EmptyState>
    );
  return (
    <>
      {list.map((step, i) => {
        const id = textAt(step, 'id');
        const name = stepName(id);
        const change = (next: JsonObject): void => onChange(replaced(list, i, next));
        return (
          <div key={i} className={styles.block} role="group" aria-label={`Transformation ${i + 1}: ${name}`}>
            <div className="row">
              <b className="grow">
                {i + 1}. {name}
              </b>
              <CheckField
                label="On"
                checked={isApplied(step)}
                onChange={(on) => change({ ...step, disabled: !on })}
              />
              <IconButton
                icon={<Glyph name="arrowUp" size={14} />}
                label="Earlier"
                disabled={i === 0}
                onClick={() => onChange(moved(list, i, -1))}
              />
              <IconButton
                icon={<Glyph name="arrowDown" size={14} />}
                label="Later"
                disabled={i === list.length - 1}
                onClick={() => onChange(moved(list, i, 1))}
              />
              <IconButton
                icon={<Glyph name="trash" size={14} />}
                label={`Remove transformation ${i + 1}`}
                onClick={() => onChange(without(list, i))}
              />
            </div>
            <StepFields
              id={id}
              options={object(step.options)}
              names={fieldsBefore(frames, list, i)}
              onChange={(options) => change({ ...step, options })}
            />
          </div>
        );
      })}
      <div>{add}</div>
    </>
  );
}
