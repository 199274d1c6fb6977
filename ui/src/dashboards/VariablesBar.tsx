import { useState, type ReactElement } from 'react';
import { useTenant } from '../address/hooks';
import { adHocChoices, type AdHocFilter, type Variable } from '../api/dashboards';
import { useAsked } from '../api/useAsked';
import { Choice, MultiChoice, type Option } from '../design/Choice';
import { Icon } from '../design/Icon';
import { Value } from '../design/Value';
import { visibleText } from '../design/value';
import type { Search } from '../address/context';
import { ALL, writeCustom, writeFilters, writeValue } from './state';
import styles from './dashboard.module.css';

const OPERATORS: readonly Option[] = ['=', '!=', '=~', '!~', '<', '>'].map((value) => ({ value }));

export interface AskedFor {
  uid: string;
  from: string | number;
  to: string | number;
}

interface ControlProps {
  variable: Variable;
  asked: AskedFor;
  onChange: (search: Search) => void;
  /** What the address says now. */
  search: Search;
}

/** The parameters of values that were chosen, or typed. */
function chosen({ variable, search }: ControlProps, values: readonly string[]): Search {
  const typed = values.some((value) => !variable.options.some((option) => option.value === value));
  return { ...writeValue(variable.name, values), ...writeCustom(search, variable.name, typed) };
}

function options({ options: all }: Variable): Option[] {
  return all.map(({ value, text }) => ({ value, label: text }));
}

function Several(props: ControlProps): ReactElement {
  const { variable, onChange } = props;
  const { name, value } = variable;
  const change = (next: readonly string[]): void => {
    const added = next.find((one) => !value.includes(one));
    // All of them is instead of some, and some instead of all.
    const rest = added === ALL ? [ALL] : next.filter((one) => one !== ALL);
    onChange(chosen(props, rest.length === 0 && variable.include_all ? [ALL] : rest));
  };
  return (
    <span className={styles.controlWide}>
      <MultiChoice
        label={variable.label || name}
        options={options(variable)}
        values={value}
        free={variable.allow_custom}
        onChange={change}
        placeholder="none"
      />
    </span>
  );
}

function One(props: ControlProps): ReactElement {
  const { variable, onChange } = props;
  const { name } = variable;
  return (
    <span className={styles.control}>
      <Choice
        label={variable.label || name}
        options={options(variable)}
        value={variable.value[0] ?? null}
        free={variable.allow_custom}
        onChange={(next) => onChange(chosen(props, next === null ? [] : [next]))}
      />
    </span>
  );
}

function TextBox({ variable, onChange }: ControlProps): ReactElement {
  const [typed, setTyped] = useState<string | null>(null);
  const now = variable.value[0] ?? '';
  const take = (): void => {
    if (typed !== null && typed !== now) onChange(writeValue(variable.name, [typed]));
    setTyped(null);
  };
  return (
    <input
      className={`field ${styles.control ?? ''}`}
      aria-label={visibleText(variable.label || variable.name)}
      value={typed ?? now}
      onChange={(event) => setTyped(event.target.value)}
      onBlur={take}
      onKeyDown={(event) => {
        if (event.key === 'Enter') take();
      }}
    />
  );
}

function Switch({ variable, onChange }: ControlProps): ReactElement {
  const [on, off] = [variable.enabled_value ?? 'true', variable.disabled_value ?? 'false'];
  return (
    <input
      type="checkbox"
      aria-label={visibleText(variable.label || variable.name)}
      checked={variable.value[0] === on}
      onChange={(event) => onChange(writeValue(variable.name, [event.target.checked ? on : off]))}
    />
  );
}

function NewFilter(props: {
  name: string;
  asked: AskedFor;
  onAdd: (filter: AdHocFilter) => void;
  onCancel: () => void;
}): ReactElement {
  const { name, asked, onAdd, onCancel } = props;
  const [key, setKey] = useState<string | null>(null);
  const [operator, setOperator] = useState('=');
  const keys = useAsked({
    key: ['adhoc', asked.uid, name],
    ask: (asking) => adHocChoices({ ...asked, adhoc: name }, asking),
    staleTime: 30_000,
  });
  const values = useAsked({
    key: ['adhoc', asked.uid, name, key],
    ask: (asking) => adHocChoices({ ...asked, adhoc: name, ...(key === null ? {} : { key }) }, asking),
    enabled: key !== null,
    staleTime: 30_000,
  });
  return (
    <span className={styles.filters}>
      <span className={styles.control}>
        <Choice
          label="Label"
          placeholder="label"
          free
          options={(keys.data ?? []).map((value) => ({ value }))}
          value={key}
          onChange={setKey}
        />
      </span>
      <span className={styles.operator}>
        <Choice
          label="Operator"
          options={OPERATORS}
          value={operator}
          onChange={(next) => setOperator(next ?? '=')}
        />
      </span>
      <span className={styles.control}>
        <Choice
          label="Value"
          placeholder="value"
          free
          options={(values.data ?? []).map((value) => ({ value }))}
          value={null}
          onChange={(value) => {
            if (key !== null && value !== null) onAdd({ key, operator, value });
          }}
        />
      </span>
      <button type="button" className="icon-button" aria-label="Without this filter" onClick={onCancel}>
        <Icon name="close" size={13} />
      </button>
    </span>
  );
}

function Filters({ variable, asked, onChange }: ControlProps): ReactElement {
  const [adding, setAdding] = useState(false);
  const filters = variable.filters ?? [];
  const set = (next: readonly AdHocFilter[]): void => onChange(writeFilters(variable.name, next));
  return (
    <span className={styles.filters}>
      {filters.map((filter, i) => (
        <span key={i} className={styles.chip}>
          <Value mono text={`${filter.key} ${filter.operator} ${filter.value}`} />
          <button
            type="button"
            className="plain"
            aria-label={`Remove ${visibleText(filter.key)}`}
            onClick={() => set(filters.filter((_, at) => at !== i))}
          >
            <Icon name="close" size={11} />
          </button>
        </span>
      ))}
      {adding ? (
        <NewFilter
          name={variable.name}
          asked={asked}
          onAdd={(filter) => {
            setAdding(false);
            set([...filters, filter]);
          }}
          onCancel={() => setAdding(false)}
        />
      ) : (
        <button
          type="button"
          className="icon-button"
          aria-label="Add a filter"
          title="Add a filter"
          onClick={() => setAdding(true)}
        >
          <Icon name="plus" size={14} />
        </button>
      )}
    </span>
  );
}

function Control(props: ControlProps): ReactElement {
  const { variable } = props;
  switch (variable.type) {
    case 'textbox':
      return <TextBox {...props} />;
    case 'switch':
      return <Switch {...props} />;
    case 'adhoc':
      return <Filters {...props} />;
    default:
      return variable.multi ? <Several {...props} /> : <One {...props} />;
  }
}

/** Whether a variable has a control. */
export function isSeen({ hide, type }: Pick<Variable, 'hide' | 'type'>): boolean {
  return hide !== 'all' && type !== 'constant' && type !== 'system';
}

/** The variables of a dashboard, each as what it is chosen by. */
export function VariablesBar(props: {
  variables: readonly Variable[];
  /** What will be there, while it is awaited. */
  expected: readonly { name: string; label: string; hide: Variable['hide']; type: Variable['type'] }[];
  asked: AskedFor;
  search: Search;
  onChange: (search: Search) => void;
}): ReactElement | null {
  const { variables, expected, asked, search, onChange } = props;
  const tenant = useTenant();
  const shown = variables.filter(isSeen);
  const awaited = variables.length === 0 ? expected.filter(isSeen) : [];
  if (shown.length + awaited.length === 0) return null;
  return (
    <div className={styles.variables} role="toolbar" aria-label="Variables">
      {awaited.map(({ name, label, hide }) => (
        <span key={name} className={styles.variable}>
          {hide === 'label' ? null : <span>{visibleText(label || name)}</span>}
          <span className={styles.control}>
            <input className="field" disabled aria-label={visibleText(label || name)} />
          </span>
        </span>
      ))}
      {shown.map((variable) => (
        <span key={`${tenant ?? ''} ${variable.name}`} className={styles.variable}>
          {variable.hide === 'label' ? null : (
            <span title={visibleText(variable.description)}>
              <Value text={variable.label || variable.name} />
            </span>
          )}
          <Control variable={variable} asked={asked} search={search} onChange={onChange} />
          {variable.error === null ? null : (
            <span className={styles.wrong} title={visibleText(variable.error.message)} role="alert">
              <Icon name="error" size={14} />
              <span className="visually-hidden">{visibleText(variable.error.message)}</span>
            </span>
          )}
        </span>
      ))}
    </div>
  );
}
