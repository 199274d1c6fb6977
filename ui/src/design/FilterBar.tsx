import { useState, type KeyboardEvent, type ReactElement } from 'react';
import { Choice, type Option } from './Choice';
import { OPERATORS, parseFilter, writeFilter, type Filter, type Operator } from './filter';
import { Glyph } from './Glyph';
import { Value } from './Value';
import styles from './filter.module.css';

const SAID: Readonly<Record<Operator, string>> = {
  '=': 'is',
  '!=': 'is not',
  '=~': 'matches',
  '!~': 'does not match',
};

function Chip(props: {
  filter: Filter;
  onChange: (filter: Filter) => void;
  onRemove: () => void;
}): ReactElement {
  const { filter, onChange, onRemove } = props;
  const other: Operator = { '=': '!=', '!=': '=', '=~': '!~', '!~': '=~' }[filter.operator] as Operator;
  return (
    <li className={styles.chip}>
      <button
        type="button"
        className={styles.text}
        title={`${filter.name} ${SAID[filter.operator]} this; press to turn it round`}
        onClick={() => onChange({ ...filter, operator: other })}
      >
        <Value text={filter.name} />
        <span className={filter.operator.startsWith('!') ? styles.not : 'dim'}> {filter.operator} </span>
        <Value text={filter.value} />
      </button>
      <button
        type="button"
        className={styles.remove}
        aria-label={`Remove ${writeFilter(filter)}`}
        onClick={onRemove}
      >
        <Glyph name="close" size={11} />
      </button>
    </li>
  );
}

/**
 * Conditions that rows must meet, as chips: `name=value`, `!=`, `=~`, `!~`. What is typed and is no condition is words to look for.
 */
export function FilterBar(props: {
  label: string;
  filters?: readonly Filter[];
  /** Without it there are only words. */
  onFilters?: (filters: readonly Filter[]) => void;
  /** What is looked for besides. */
  words: string;
  onWords: (words: string) => void;
  /** Names that conditions can be about. */
  names?: readonly string[];
  placeholder?: string;
}): ReactElement {
  const { label, filters = [], onFilters, words, onWords, names = [] } = props;
  const [adding, setAdding] = useState<string | null>(null);
  const replace = (at: number, next: Filter | null): void =>
    onFilters?.(filters.flatMap((one, i) => (i !== at ? [one] : next === null ? [] : [next])));
  const onKey = (event: KeyboardEvent): void => {
    const found = event.key === 'Enter' ? parseFilter(words) : null;
    if (found !== null && onFilters) {
      event.preventDefault();
      onFilters([...filters, found]);
      onWords('');
    } else if (event.key === 'Backspace' && words === '' && filters.length > 0)
      onFilters?.(filters.slice(0, -1));
  };
  const options: Option[] = names.map((name) => ({ value: name }));
  return (
    <div className={styles.bar} role="search" aria-label={label}>
      <Glyph name="filter" size={14} />
      {filters.length === 0 ? null : (
        <ul className={styles.chips} aria-label="Filters">
          {filters.map((filter, i) => (
            <Chip
              key={`${i} ${writeFilter(filter)}`}
              filter={filter}
              onChange={(next) => replace(i, next)}
              onRemove={() => replace(i, null)}
            />
          ))}
        </ul>
      )}
      <input
        className={styles.words}
        data-search=""
        type="search"
        aria-label={label}
        placeholder={filters.length === 0 ? (props.placeholder ?? 'Words, or name=value') : ''}
        value={words}
        onChange={(event) => onWords(event.target.value)}
        onKeyDown={onKey}
      />
      {names.length === 0 ? null : adding === null ? (
        <button
          type="button"
          className="icon-button"
          title="Add a filter"
          aria-label="Add a filter"
          onClick={() => setAdding('')}
        >
          <Glyph name="plus" size={15} />
        </button>
      ) : (
        <span className={styles.adding}>
          <Choice
            label="Label to filter by"
            options={options}
            value={null}
            placeholder="label"
            onChange={(name) => {
              setAdding(null);
              if (name !== null) onWords(`${name}${OPERATORS[0]}`);
            }}
          />
        </span>
      )}
      {filters.length > 0 || words !== '' ? (
        <button
          type="button"
          className="button quiet"
          onClick={() => {
            onFilters?.([]);
            onWords('');
          }}
        >
          Clear
        </button>
      ) : null}
    </div>
  );
}
