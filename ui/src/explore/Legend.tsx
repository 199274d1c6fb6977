import { useVirtualizer } from '@tanstack/react-virtual';
import { useMemo, useRef, useState, type MouseEvent, type ReactElement } from 'react';
import type { Summary } from '../chart/columns';
import { formatValue, type Unit } from '../design/format';

type SortKey = 'name' | keyof Summary;

const FIGURES = ['last', 'min', 'max', 'avg'] as const;
const ROW = 23;

function compare(a: number | null, b: number | null): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  return b - a;
}

export interface LegendProps {
  names: readonly string[];
  titles: readonly string[];
  colors: readonly string[];
  summaries: readonly Summary[];
  unit: Unit;
  hidden: ReadonlySet<number>;
  focused: number | null;
  onFocus: (index: number | null) => void;
  /** Show only this series, or all again when it is the only one. */
  onIsolate: (index: number) => void;
  onToggle: (index: number) => void;
}

/** A row per series with its figures. Only rows in view exist, so thousands cost nothing. */
export function Legend(props: LegendProps): ReactElement {
  const { names, summaries } = props;
  const scroll = useRef<HTMLDivElement>(null);
  const [sort, setSort] = useState<{ key: SortKey; reverse: boolean } | null>(null);
  const order = useMemo(() => {
    const indexes = names.map((_, i) => i);
    if (sort === null) return indexes;
    const { key } = sort;
    indexes.sort((a, b) =>
      key === 'name'
        ? (names[a] ?? '').localeCompare(names[b] ?? '')
        : compare(summaries[a]?.[key] ?? null, summaries[b]?.[key] ?? null),
    );
    return sort.reverse ? indexes.reverse() : indexes;
  }, [names, summaries, sort]);
  // The virtualizer hands out functions that must not be memoized, which the compiler's rule cannot know.
  // eslint-disable-next-line react-hooks/incompatible-library
  const rows = useVirtualizer({
    count: order.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => ROW,
    overscan: 8,
  });
  const sortBy = (key: SortKey): void =>
    setSort((now) =>
      now?.key !== key ? { key, reverse: false } : now.reverse ? null : { key, reverse: true },
    );
  const ariaSort = (key: SortKey): 'ascending' | 'descending' | 'none' =>
    sort?.key !== key ? 'none' : sort.reverse === (key === 'name') ? 'descending' : 'ascending';
  return (
    <div className="legend" role="table" aria-label="Series" aria-rowcount={names.length}>
      <div className="legend-row legend-head" role="row">
        {(['name', ...FIGURES] as const).map((key) => (
          <div
            key={key}
            role="columnheader"
            aria-sort={ariaSort(key)}
            className={key === 'name' ? '' : 'num'}
          >
            <button type="button" className="plain" onClick={() => sortBy(key)}>
              {key === 'name' ? 'series' : key}
              {sort?.key === key ? (sort.reverse ? ' ↑' : ' ↓') : ''}
            </button>
          </div>
        ))}
      </div>
      <div className="legend-scroll" ref={scroll} onMouseLeave={() => props.onFocus(null)}>
        <div className="legend-all" style={{ height: rows.getTotalSize() }}>
          {rows.getVirtualItems().map((item) => (
            <LegendRow key={item.key} {...props} index={order[item.index] ?? 0} top={item.start} />
          ))}
        </div>
      </div>
    </div>
  );
}

function LegendRow(props: LegendProps & { index: number; top: number }): ReactElement {
  const { index, top, summaries, unit } = props;
  const summary = summaries[index];
  const off = props.hidden.has(index);
  const click = (event: MouseEvent): void => {
    if (event.ctrlKey || event.metaKey) props.onToggle(index);
    else props.onIsolate(index);
  };
  return (
    <div
      role="row"
      className={`legend-row${off ? ' off' : ''}${props.focused === index ? ' focused' : ''}`}
      style={{ transform: `translateY(${top}px)` }}
      onMouseEnter={() => props.onFocus(off ? null : index)}
      title={props.titles[index]}
    >
      <div role="cell" className="legend-name">
        <button type="button" className="plain row" onClick={click} aria-pressed={!off}>
          <i style={{ background: props.colors[index] }} />
          <span className="ellipsis">{props.names[index]}</span>
        </button>
      </div>
      {FIGURES.map((key) => (
        <div role="cell" className="num" key={key}>
          {summary?.[key] == null ? '–' : formatValue(summary[key], unit, 4)}
        </div>
      ))}
    </div>
  );
}
