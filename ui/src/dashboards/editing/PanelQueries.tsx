import { useState, type ReactElement } from 'react';
import { useTenant } from '../../address/hooks';
import type { PanelModel, Variable } from '../../api/dashboards';
import { CheckField, Field, TextField } from '../../design/fields';
import { Icon } from '../../design/Icon';
import { IconButton } from '../../design/IconButton';
import { flagAt, textAt, type JsonObject } from '../../panels/json';
import { hasData } from '../../panels/PanelBody';
import { QueryEditor } from '../../promql/QueryEditor';
import type { PanelChange } from '../draft';
import { METRICS } from '../newPanel';
import { Select, Side, SourceField } from './parts';
import { replaced, without } from './put';
import styles from '../dashboard.module.css';

const REFS = 'A B C D E F G H I J K L M N O P Q R S T U V W X Y Z'.split(' ');

/** A variable, as far as a query needs to know it. */
type Named = Pick<Variable, 'name' | 'type'>;

/** Whether a target is answered from metrics; one of no known source is told by what it asks. */
function isMetrics(target: JsonObject): boolean {
  const type = textAt(target, 'datasource.type');
  return type === 'prometheus' || (type === '' && target.query === undefined);
}

function nextRef(targets: readonly JsonObject[]): string {
  const used = new Set(targets.map((target) => textAt(target, 'refId')));
  return REFS.find((letter) => !used.has(letter)) ?? 'Z';
}

const FORMATS = [
  ['time_series', 'lines'],
  ['table', 'a table'],
  ['heatmap', 'buckets of a histogram'],
] as const;

interface QueryProps {
  target: JsonObject;
  /** It waits to be written. */
  isNew: boolean;
  /** Variables that it may refer to. */
  variables: readonly Named[];
  onChange: (target: JsonObject) => void;
  onRemove: () => void;
}

/** What is asked, in the language of its source; it is taken by Enter and when the reader goes on. */
function Expression(props: Omit<QueryProps, 'onRemove'>): ReactElement {
  const { target, isNew, variables, onChange } = props;
  const tenant = useTenant();
  const ref = textAt(target, 'refId');
  const key = target.query !== undefined && target.expr === undefined ? 'query' : 'expr';
  const [typed, setTyped] = useState<string | null>(null);
  const take = (): void => {
    if (typed !== null && typed !== textAt(target, key)) onChange({ ...target, [key]: typed });
    setTyped(null);
  };
  const text = typed ?? textAt(target, key);
  if (isMetrics(target))
    return (
      <div className={styles.expression} onBlur={take}>
        <QueryEditor
          text={text}
          label={`Expression ${ref}`}
          tenant={tenant}
          variables={variables.map(({ name }) => name)}
          onChange={setTyped}
          onRun={take}
          autoFocus={isNew}
        />
      </div>
    );
  return (
    <Field label={`Expression ${ref}`} hint="Ctrl-Enter runs it">
      {({ id, describedBy }) => (
        <textarea
          id={id}
          aria-describedby={describedBy}
          className={`field ${styles.codeArea ?? ''}`}
          spellCheck={false}
          value={text}
          onChange={(event) => setTyped(event.target.value)}
          onBlur={take}
          onKeyDown={(event) => {
            if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) take();
          }}
        />
      )}
    </Field>
  );
}

function Query(props: QueryProps): ReactElement {
  const { target, isNew, variables, onChange, onRemove } = props;
  const ref = textAt(target, 'refId');
  return (
    <div className={`panel ${styles.query ?? ''}`} role="group" aria-label={`Query ${ref}`}>
      <div className={styles.queryHead}>
        <b>{ref}</b>
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
        <IconButton icon="close" label={`Remove query ${ref}`} onClick={onRemove} />
      </div>
      <Expression target={target} isNew={isNew} variables={variables} onChange={onChange} />
      <Side>
        <SourceField
          value={target.datasource}
          variables={variables.filter(({ type }) => type === 'datasource').map(({ name }) => name)}
          onChange={(datasource) => onChange({ ...target, datasource })}
        />
        {isMetrics(target) ? (
          <>
            <TextField
              label="Legend"
              placeholder="{{instance}}"
              mono
              value={textAt(target, 'legendFormat')}
              onChange={(legendFormat) => onChange({ ...target, legendFormat })}
            />
            <Select
              label="Answered as"
              value={textAt(target, 'format', 'time_series')}
              choices={FORMATS}
              onChange={(format) => onChange({ ...target, format })}
            />
          </>
        ) : null}
      </Side>
    </div>
  );
}

/** The questions that a panel asks. */
export function PanelQueries({
  panel,
  isNew,
  variables,
  onChange,
}: {
  panel: PanelModel;
  isNew: boolean;
  /** Those of the dashboard. */
  variables: readonly Named[];
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
          isNew={isNew && i === 0}
          variables={variables}
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
