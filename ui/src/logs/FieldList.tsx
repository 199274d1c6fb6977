import clsx from 'clsx';
import { useState, type ReactElement } from 'react';
import { logFields, logValues, type LogsAsked } from '../api/logs';
import { useAsked } from '../api/useAsked';
import { Glyph } from '../design/Glyph';
import { formatCount } from '../design/format';
import { IconButton } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import { Value } from '../design/Value';
import type { FieldActions } from './LineDetails';
import styles from './logs.module.css';

const MOST_SHOWN = 200;

function Values(props: FieldActions & { asked: LogsAsked; name: string }): ReactElement {
  const { asked, name, onCondition } = props;
  const { data, error } = useAsked({
    key: ['logs', 'values', asked, name],
    ask: (asking) => logValues(asked, name, asking),
    refetchOnWindowFocus: false,
    keep: false,
  });
  if (error) return <p className={styles.wrong}>{error.message}</p>;
  if (!data) return <Skeleton kind="text" label={`Values of ${name}`} rows={3} />;
  if (data.length === 0) return <p className="dim">No line found has it.</p>;
  const most = data[0]?.lines ?? 1;
  return (
    <ul className={styles.values}>
      {data.map(({ value, lines }) => (
        <li key={value}>
          <i style={{ width: `${(lines / most) * 100}%` }} />
          <span className="ellipsis grow">
            <Value text={value} />
          </span>
          <span className="dim num">{formatCount(lines)}</span>
          <IconButton
            icon="plus"
            label={`Only ${name} ${value}`}
            onClick={() => onCondition(name, value, true)}
          />
          <IconButton
            icon={<Glyph name="dash" />}
            label={`Without ${name} ${value}`}
            onClick={() => onCondition(name, value, false)}
          />
        </li>
      ))}
    </ul>
  );
}

/** The fields that lines have; one that is opened tells its most frequent values. */
export function FieldList(
  props: FieldActions & { asked: LogsAsked; by: string; onBy: (name: string) => void },
): ReactElement {
  const { asked, by, onBy, ...actions } = props;
  const [filter, setFilter] = useState('');
  const [open, setOpen] = useState<string | null>(null);
  const { data, error } = useAsked({
    key: ['logs', 'fields', asked.fromMs, asked.toMs],
    ask: (asking) => logFields(asked, asking),
    refetchOnWindowFocus: false,
    keep: true,
  });
  const names = [...new Set((data ?? []).map((one) => one.name))];
  const wanted = filter.trim().toLowerCase();
  const found = names.filter((name) => name.toLowerCase().includes(wanted));
  return (
    <aside className={clsx('panel', styles.aside)} aria-label="Fields">
      <input
        className="field"
        type="search"
        aria-label="Find a field"
        placeholder="Find a field"
        value={filter}
        onChange={(event) => setFilter(event.target.value)}
      />
      {error ? <p className={styles.wrong}>{error.message}</p> : null}
      {!data && !error ? <Skeleton kind="text" label="Fields" rows={8} /> : null}
      <ul className={styles.names}>
        {found.slice(0, MOST_SHOWN).map((name) => (
          <li key={name}>
            <div className="row">
              <button
                type="button"
                className={clsx('plain', styles.name)}
                aria-expanded={open === name}
                onClick={() => setOpen(open === name ? null : name)}
              >
                <Glyph name={open === name ? 'chevronDown' : 'chevronRight'} size={12} />
                <span className="ellipsis">
                  <Value text={name} />
                </span>
              </button>
              <IconButton
                icon="cardinality"
                label={`Stack the histogram by ${name}`}
                active={by === name}
                onClick={() => onBy(name)}
              />
              <IconButton
                icon={<Glyph name="columns" />}
                label={`Column ${name}`}
                active={actions.columns.includes(name)}
                onClick={() => actions.onColumn(name)}
              />
            </div>
            {open === name ? <Values asked={asked} name={name} {...actions} /> : null}
          </li>
        ))}
      </ul>
      {found.length > MOST_SHOWN ? (
        <p className="dim">{found.length - MOST_SHOWN} more: narrow them above.</p>
      ) : null}
    </aside>
  );
}
