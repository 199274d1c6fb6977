import clsx from 'clsx';
import { useState, type ReactElement, type ReactNode } from 'react';
import { EmptyState } from '../../design/EmptyState';
import { IconButton } from '../../design/IconButton';
import { Glyph } from '../../design/Glyph';
import { Menu } from '../../design/Menu';
import { Icon } from '../../design/Icon';
import { Value } from '../../design/Value';
import type { JsonObject } from '../../panels/json';
import { moved, replaced, without } from './put';
import styles from './editing.module.css';

export interface Kind {
  label: string;
  make: () => JsonObject;
}

/** Things in an order, one of which is edited beside them. */
export function ListEditor(props: {
  /** What one of them is: `variable`. */
  one: string;
  items: readonly JsonObject[];
  nameOf: (item: JsonObject) => string;
  noteOf: (item: JsonObject) => string;
  kinds: readonly Kind[];
  onChange: (items: readonly JsonObject[]) => void;
  children: (item: JsonObject, change: (next: JsonObject) => void) => ReactNode;
  /** Whether one of them cannot be taken away. */
  stays?: (item: JsonObject) => boolean;
  /** What they are for, where there are none. */
  about: string;
}): ReactElement {
  const { one, items, nameOf, noteOf, kinds, onChange, children, about, stays } = props;
  const [chosen, setChosen] = useState(0);
  const place = Math.min(chosen, items.length - 1);
  const item = items[place];
  const add = ({ make }: Kind): void => {
    onChange([...items, make()]);
    setChosen(items.length);
  };
  const [first] = kinds;
  const label = `Add ${/^[aeiou]/u.test(one) ? 'an' : 'a'} ${one}`;
  const adding =
    kinds.length > 1 ? (
      <Menu
        label={label}
        icon="plus"
        entries={kinds.map((kind) => ({ kind: 'action', label: kind.label, run: () => add(kind) }))}
      />
    ) : (
      <button type="button" className="button" onClick={() => first && add(first)}>
        <Icon name="plus" size={13} /> {label}
      </button>
    );
  if (!item)
    return (
      <EmptyState reason="none-yet" title={`No ${one}s yet`} actions={adding}>
        {about}
      </EmptyState>
    );
  const step = (by: number): void => {
    onChange(moved(items, place, by));
    setChosen(place + by);
  };
  return (
    <div className={styles.split}>
      <div className={styles.names}>
        <ul aria-label={`${one}s`}>
          {items.map((each, i) => (
            <li key={i}>
              <button
                type="button"
                className={clsx('plain', styles.name)}
                aria-current={i === place}
                onClick={() => setChosen(i)}
              >
                <span className="ellipsis">
                  <Value text={nameOf(each) || '(no name)'} />
                </span>
                <span className="dim">{noteOf(each)}</span>
              </button>
            </li>
          ))}
        </ul>
        {adding}
      </div>
      <div className={styles.form} role="group" aria-label={nameOf(item) || `The ${one}`}>
        <div className="row">
          <h3 className="grow ellipsis">
            <Value text={nameOf(item) || '(no name)'} />
          </h3>
          <IconButton
            icon={<Glyph name="arrowUp" size={15} />}
            label="Earlier"
            disabled={place === 0}
            onClick={() => step(-1)}
          />
          <IconButton
            icon={<Glyph name="arrowDown" size={15} />}
            label="Later"
            disabled={place === items.length - 1}
            onClick={() => step(1)}
          />
          <IconButton
            icon={<Glyph name="trash" size={15} />}
            label={`Remove ${nameOf(item)}`}
            disabled={stays?.(item) ?? false}
            onClick={() => {
              onChange(without(items, place));
              setChosen(Math.max(0, place - 1));
            }}
          />
        </div>
        <div key={place} className={styles.fields}>
          {children(item, (next) => onChange(replaced(items, place, next)))}
        </div>
      </div>
    </div>
  );
}
