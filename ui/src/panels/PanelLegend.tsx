import clsx from 'clsx';
import { memo, useMemo, useState, type KeyboardEvent, type MouseEvent, type ReactElement } from 'react';
import { Glyph } from '../design/Glyph';
import { rowAfterKey } from '../design/table/columns';
import { visibleText } from '../design/value';
import { Value } from '../design/Value';
import { numeric, type Cell } from './frame';
import type { ShownField } from './overrides';
import { keepsUnit, reduce, reductionName } from './reduce';
import { textIn } from './units/format';
import styles from './serieslegend.module.css';

export interface LegendItem {
  title: string;
  color: string;
  /** Its place among all series. */
  index: number;
  field: ShownField;
  values: readonly Cell[];
  /** Figures that stand beside the name whatever is reckoned, such as its share. */
  notes?: readonly { head: string; text: string; value: number | null }[];
}

/** More than a reader looks through; the rest are told by number. */
const MOST = 200;
const PAGE_ROWS = 10;

function figures(
  { field, values }: LegendItem,
  calcs: readonly string[],
): { value: number | null; text: string }[] {
  return calcs.map((id) => {
    const cell = reduce({ values }, id);
    const value = numeric(cell);
    if (value === null) return { value, text: '–' };
    return {
      value,
      text: keepsUnit(id) ? textIn(value, field.config.unit, field.config.decimals) : textIn(value, 'none'),
    };
  });
}

/**
 * The names of a panel's series, as a list or with figures as a table. One tab stop: arrows go from one to the next,
 * Enter shows one alone, Space hides or shows it, `f` offers its labels.
 */
export const PanelLegend = memo(function PanelLegend(props: {
  items: readonly LegendItem[];
  table: boolean;
  calcs: readonly string[];
  sort: { by: string; desc: boolean } | null;
  hidden: ReadonlySet<number>;
  focused: number | null;
  onFocus: (index: number | null) => void;
  onIsolate: (index: number) => void;
  onToggle: (index: number) => void;
  /** Offers what the labels of a series lead to, at a place of the window. */
  onLabels?: ((item: LegendItem, x: number, y: number) => void) | undefined;
}): ReactElement {
  const { items, table, calcs, hidden, focused, onFocus, onIsolate, onToggle, onLabels } = props;
  const [sort, setSort] = useState(props.sort);
  const [stop, setStop] = useState(0);
  const noted = useMemo(() => items[0]?.notes?.map(({ head }) => head) ?? [], [items]);
  const rows = useMemo(() => {
    const made = items.map((item) => ({ item, told: [...(item.notes ?? []), ...figures(item, calcs)] }));
    if (sort === null) return made;
    const place = [...noted, ...calcs].findIndex((id) => reductionName(id) === sort.by || id === sort.by);
    const sign = sort.desc ? -1 : 1;
    return made.sort((a, b) => {
      if (place < 0) return sign * a.item.title.localeCompare(b.item.title, 'en', { numeric: true });
      const [one, other] = [a.told[place]?.value ?? null, b.told[place]?.value ?? null];
      if (one === null || other === null) return Number(one === null) - Number(other === null);
      return sign * (one - other);
    });
  }, [items, calcs, noted, sort]);
  const shown = rows.slice(0, MOST);
  const tabStop = Math.min(stop, shown.length - 1);
  const onKey = (event: KeyboardEvent<HTMLElement>): void => {
    const key = event.key === 'ArrowRight' ? 'ArrowDown' : event.key === 'ArrowLeft' ? 'ArrowUp' : event.key;
    const row = shown[tabStop];
    if (key === 'f' && row && onLabels) {
      const { left, bottom } = (event.target as HTMLElement).getBoundingClientRect();
      onLabels(row.item, left, bottom);
    }
    if (key === ' ' && row) {
      event.preventDefault();
      onToggle(row.item.index);
    }
    const next = rowAfterKey(key, tabStop, shown.length, PAGE_ROWS);
    if (next === null) return;
    event.preventDefault();
    setStop(next);
    event.currentTarget.querySelectorAll<HTMLElement>('[data-name]')[next]?.focus();
  };
  const click = (event: MouseEvent, index: number): void => {
    if (event.ctrlKey || event.metaKey) onToggle(index);
    else onIsolate(index);
  };
  const name = ({ title, color, index }: LegendItem, place: number): ReactElement => (
    <button
      type="button"
      data-name=""
      className={clsx('plain', styles.name)}
      title={visibleText(title)}
      aria-pressed={!hidden.has(index)}
      tabIndex={place === tabStop ? 0 : -1}
      onClick={(event) => click(event, index)}
      onFocus={() => {
        setStop(place);
        onFocus(index);
      }}
      onBlur={() => onFocus(null)}
    >
      <i className={styles.swatch} style={{ background: color }} />
      <span className="ellipsis">
        <Value text={title} />
      </span>
    </button>
  );
  const labels = (item: LegendItem): ReactElement | null =>
    onLabels && item.field.labels && Object.keys(item.field.labels).length > 0 ? (
      <button
        type="button"
        className={clsx('plain', styles.labels)}
        aria-label={`Labels of ${visibleText(item.title)}`}
        title="Narrow to a label"
        tabIndex={-1}
        onClick={({ currentTarget }) => {
          const { left, bottom } = currentTarget.getBoundingClientRect();
          onLabels(item, left, bottom);
        }}
      >
        <Glyph name="filter" size={12} />
      </button>
    ) : null;
  const state = (index: number): string =>
    clsx(hidden.has(index) && styles.off, focused === index && styles.focused);
  const more = rows.length > MOST ? <li className="dim">and {rows.length - MOST} more</li> : null;
  if (!table)
    return (
      <ul className={styles.list} aria-label="Series" onKeyDown={onKey} onMouseLeave={() => onFocus(null)}>
        {shown.map(({ item, told }, place) => (
          <li key={item.index} className={state(item.index)} onMouseEnter={() => onFocus(item.index)}>
            {name(item, place)}
            {labels(item)}
            {item.notes?.map(({ head, text }) => (
              <span key={head} className={styles.figure}>
                {text}
              </span>
            ))}
            {calcs.map((id, i) => (
              <span key={id} className={styles.figure}>
                <span className="dim">{reductionName(id)}:</span> {told[noted.length + i]?.text}
              </span>
            ))}
          </li>
        ))}
        {more}
      </ul>
    );
  const heads = ['', ...noted, ...calcs.map(reductionName)];
  return (
    <table className={styles.table} aria-label="Series" onKeyDown={onKey} onMouseLeave={() => onFocus(null)}>
      <thead>
        <tr>
          {heads.map((head) => {
            const now = sort?.by === (head || 'Name') ? sort : null;
            return (
              <th key={head} scope="col" aria-sort={now ? (now.desc ? 'descending' : 'ascending') : 'none'}>
                <button
                  type="button"
                  className="plain"
                  onClick={() => setSort({ by: head || 'Name', desc: now ? !now.desc : head !== '' })}
                >
                  {head || 'Name'}
                  {now ? (now.desc ? ' ↓' : ' ↑') : ''}
                </button>
              </th>
            );
          })}
        </tr>
      </thead>
      <tbody>
        {shown.map(({ item, told }, place) => (
          <tr key={item.index} className={state(item.index)} onMouseEnter={() => onFocus(item.index)}>
            <td>
              {name(item, place)}
              {labels(item)}
            </td>
            {told.map(({ text }, i) => (
              <td key={heads[i + 1]} className="num">
                {text}
              </td>
            ))}
          </tr>
        ))}
        {rows.length > MOST ? (
          <tr>
            <td colSpan={heads.length} className="dim">
              and {rows.length - MOST} more
            </td>
          </tr>
        ) : null}
      </tbody>
    </table>
  );
});
