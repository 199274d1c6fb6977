import { useVirtualizer } from '@tanstack/react-virtual';
import clsx from 'clsx';
import { useMemo, useRef, useState, type KeyboardEvent, type MouseEvent, type ReactElement } from 'react';
import type { Figures } from '../design/figures';
import { formatInstant, type Unit } from '../design/format';
import { usePageClock } from '../design/hooks';
import { rowAfterKey } from '../design/table/columns';
import { Expression } from '../design/Value';
import type { Summary } from './columns';
import { ended, FIGURES, FIRST_SORT, legendFigures, legendOrder, type FigureName } from './legend';
import styles from './legend.module.css';

const ROW_PX = 23;
const PAGE_ROWS = 10;
const ENDED = '†';

export interface LegendProps {
  names: readonly string[];
  titles: readonly string[];
  colors: readonly string[];
  summaries: readonly Summary[];
  /** The instants, in seconds, that a summary's `lastAt` counts in. */
  times: readonly number[];
  unit: Unit;
  /** What a name tells, such as the one label that differs. */
  nameHead?: string;
  hidden: ReadonlySet<number>;
  focused: number | null;
  onFocus: (index: number | null) => void;
  /** Show only this series, or all again when it is the only one. */
  onIsolate: (index: number) => void;
  onToggle: (index: number) => void;
}

/**
 * A row per series with its figures, the highest first. Only rows in view exist, so thousands cost nothing. One tab
 * stop: arrows, Page Up and Down, Home and End go from series to series; Enter shows one alone, Space hides it or
 * shows it.
 */
export function Legend(props: LegendProps): ReactElement {
  const { names, summaries, unit } = props;
  const scroll = useRef<HTMLDivElement>(null);
  const [sort, setSort] = useState(FIRST_SORT);
  const [stop, setStop] = useState(0);
  const order = useMemo(() => legendOrder(names, summaries, sort), [names, summaries, sort]);
  const figures = useMemo(() => legendFigures(summaries, unit), [summaries, unit]);
  // The virtualizer hands out functions that must not be memoized, which the compiler's rule cannot know.
  // eslint-disable-next-line react-hooks/incompatible-library
  const rows = useVirtualizer({
    count: order.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => ROW_PX,
    overscan: 8,
  });
  const tabStop = Math.min(stop, order.length - 1);
  const items = rows.getVirtualItems();
  // Scrolled out of the page, the tab stop would be lost: then the first row in it is one.
  const reachable = items.some((item) => item.index === tabStop) ? tabStop : (items[0]?.index ?? 0);
  const onKey = (event: KeyboardEvent): void => {
    const next = rowAfterKey(event.key, tabStop, order.length, PAGE_ROWS);
    const index = order[tabStop];
    if (event.key === ' ' && index !== undefined) {
      event.preventDefault();
      props.onToggle(index);
    }
    if (next === null) return;
    event.preventDefault();
    setStop(next);
    rows.scrollToIndex(next);
    props.onFocus(order[next] ?? null);
    requestAnimationFrame(() =>
      scroll.current?.querySelector<HTMLElement>(`[data-place='${next}'] button`)?.focus(),
    );
  };
  const heads = ['name', ...FIGURES] as const;
  return (
    <div className={styles.legend} role="table" aria-label="Series" aria-rowcount={names.length}>
      <div className={styles.head} role="row">
        {heads.map((key) => {
          const now = sort.key === key;
          const down = sort.reverse === (key === 'name');
          return (
            <div
              key={key}
              role="columnheader"
              aria-sort={now ? (down ? 'descending' : 'ascending') : 'none'}
              className={key === 'name' ? undefined : styles.number}
            >
              <button
                type="button"
                className="plain"
                onClick={() => setSort({ key, reverse: now && !sort.reverse })}
              >
                {key === 'name' ? (props.nameHead ?? 'series') : key}
                {key === 'last' && figures.head !== '' ? ` ${figures.head}` : ''}
                {now ? (down ? ' ↓' : ' ↑') : ''}
              </button>
            </div>
          );
        })}
      </div>
      <div
        className={styles.scroll}
        ref={scroll}
        onMouseLeave={() => props.onFocus(null)}
        onBlur={() => props.onFocus(null)}
        onKeyDown={onKey}
      >
        <div className={styles.body} style={{ height: rows.getTotalSize() }}>
          {items.map((item) => (
            <LegendRow
              key={item.key}
              {...props}
              index={order[item.index] ?? 0}
              place={item.index}
              top={item.start}
              figures={figures}
              reachable={item.index === reachable}
              onReach={() => setStop(item.index)}
            />
          ))}
        </div>
      </div>
      {summaries.some((summary) => ended(summary, props.times)) ? (
        <div className={clsx('dim', styles.foot)}>{ENDED} no value at the end of the range</div>
      ) : null}
    </div>
  );
}

function Figure(props: {
  summary: Summary | undefined;
  name: FigureName;
  figures: Figures;
  times: readonly number[];
}): ReactElement {
  const { summary, name, figures, times } = props;
  const { utc } = usePageClock();
  const value = summary?.[name] ?? null;
  if (!summary || value === null)
    return (
      <div role="cell" className={styles.number}>
        –
      </div>
    );
  const old = name === 'last' && ended(summary, times);
  const since = old
    ? `, at ${formatInstant((times[summary.lastAt ?? 0] ?? 0) * 1000, utc)} and none since`
    : '';
  return (
    <div role="cell" className={clsx(styles.number, old && 'dim')} title={`${value}${since}`}>
      {figures.write(value)}
      {old ? ENDED : ''}
    </div>
  );
}

interface LegendRowProps extends LegendProps {
  index: number;
  /** Its place in the order shown. */
  place: number;
  top: number;
  figures: Figures;
  /** It is the legend's tab stop. */
  reachable: boolean;
  onReach: () => void;
}

function LegendRow(props: LegendRowProps): ReactElement {
  const { index, top, summaries, figures } = props;
  const off = props.hidden.has(index);
  const click = (event: MouseEvent): void => {
    if (event.ctrlKey || event.metaKey) props.onToggle(index);
    else props.onIsolate(index);
  };
  return (
    <div
      role="row"
      data-place={props.place}
      className={clsx(styles.row, off && styles.off, props.focused === index && styles.focused)}
      style={{ transform: `translateY(${top}px)` }}
      onMouseEnter={() => props.onFocus(off ? null : index)}
      title={props.titles[index]}
    >
      <div role="cell" className={styles.name}>
        <button
          type="button"
          className="plain"
          onClick={click}
          aria-pressed={!off}
          tabIndex={props.reachable ? 0 : -1}
          onFocus={props.onReach}
        >
          <i className={styles.swatch} style={{ background: props.colors[index] }} />
          <span>
            <Expression text={props.names[index] ?? ''} />
          </span>
        </button>
      </div>
      {FIGURES.map((key) => (
        <Figure key={key} summary={summaries[index]} name={key} figures={figures} times={props.times} />
      ))}
    </div>
  );
}
