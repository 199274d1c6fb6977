import clsx from 'clsx';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useMemo, useRef, useState, type MouseEvent, type ReactElement } from 'react';
import type { Summary } from '../chart/columns';
import { digitsFor, formatInstant, formatValue, type Unit } from '../design/format';
import { usePageClock } from '../design/hooks';
import styles from './explore.module.css';

const FIGURES = ['last', 'min', 'max', 'avg'] as const;

type SortKey = 'name' | (typeof FIGURES)[number];

const ROW = 23;

function compare(a: number | null, b: number | null): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  const odd = Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return odd !== 0 ? odd : b - a || 0;
}

export interface LegendProps {
  names: readonly string[];
  titles: readonly string[];
  colors: readonly string[];
  summaries: readonly Summary[];
  /** The instants, in seconds, that a summary's `lastAt` counts in. */
  times: readonly number[];
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
    <div className={styles.legend} role="table" aria-label="Series" aria-rowcount={names.length}>
      <div className={clsx(styles.legendRow, styles.legendHead)} role="row">
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
      <div className={styles.legendScroll} ref={scroll} onMouseLeave={() => props.onFocus(null)}>
        <div className={styles.legendAll} style={{ height: rows.getTotalSize() }}>
          {rows.getVirtualItems().map((item) => (
            <LegendRow key={item.key} {...props} index={order[item.index] ?? 0} top={item.start} />
          ))}
        </div>
      </div>
      {summaries.some((summary) => ended(summary, props.times)) ? (
        <div className={clsx('dim', styles.legendFoot)}>{ENDED} no value at the end of the range</div>
      ) : null}
    </div>
  );
}

const ENDED = '†';

/** Whether the newest value is older than the range's end, so that it says nothing about the present. */
function ended(summary: Summary, times: readonly number[]): boolean {
  return summary.lastAt !== null && summary.lastAt < times.length - 1;
}

function Figure(props: {
  summary: Summary | undefined;
  name: (typeof FIGURES)[number];
  unit: Unit;
  times: readonly number[];
}): ReactElement {
  const { summary, name, unit, times } = props;
  const { utc } = usePageClock();
  const value = summary?.[name] ?? null;
  if (!summary || value === null)
    return (
      <div role="cell" className="num">
        –
      </div>
    );
  // A value that moves little needs the digits that move.
  const [min, max] = [summary.min ?? 0, summary.max ?? 0];
  const digits = digitsFor((max - min) / 10, Math.max(Math.abs(min), Math.abs(max)));
  const old = name === 'last' && ended(summary, times);
  const since = old
    ? `, at ${formatInstant((times[summary.lastAt ?? 0] ?? 0) * 1000, utc)} and none since`
    : '';
  return (
    <div role="cell" className={old ? 'num dim' : 'num'} title={`${value}${since}`}>
      {formatValue(value, unit, digits)}
      {old ? ENDED : ''}
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
      className={clsx(styles.legendRow, off && styles.off, props.focused === index && styles.focused)}
      style={{ transform: `translateY(${top}px)` }}
      onMouseEnter={() => props.onFocus(off ? null : index)}
      title={props.titles[index]}
    >
      <div role="cell" className={styles.legendName}>
        <button type="button" className="plain row" onClick={click} aria-pressed={!off}>
          <i style={{ background: props.colors[index] }} />
          <span className="ellipsis">{props.names[index]}</span>
        </button>
      </div>
      {FIGURES.map((key) => (
        <Figure key={key} summary={summary} name={key} unit={unit} times={props.times} />
      ))}
    </div>
  );
}
