import { useState, type ReactElement } from 'react';
import type { PanelModel } from '../../api/dashboards';
import { CheckField, Field, TextField } from '../../design/fields';
import { Icon } from '../../design/Icon';
import { flagAt, textAt, type JsonObject } from '../../panels/json';
import { hasData } from '../../panels/PanelBody';
import type { PanelChange } from '../draft';
import { METRICS } from './definitions';
import { replaced, without } from './put';
import styles from '../dashboard.module.css';

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
export function PanelQueries({
  panel,
  onChange,
}: {
  panel: PanelModel;
  onChange: (change: PanelChange) => void;
}): ReactElement | null {
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
          onChange={(next) => set(replaced(targets, i, next))}
          onRemove={() => set(without(targets, i))}
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
                datasource: datasource ?? METRICS,
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
