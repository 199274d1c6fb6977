import { useVirtualizer } from '@tanstack/react-virtual';
import clsx from 'clsx';
import { memo, useEffect, useId, useMemo, useRef, type KeyboardEvent, type ReactElement } from 'react';
import type { TraceFold, TraceRow, TraceView } from '../api/traces';
import { formatCount, formatSeconds } from '../design/format';
import { rowAfterKey } from '../design/table/columns';
import { Glyph } from '../design/Glyph';
import { visibleText } from '../design/value';
import { Value } from '../design/Value';
import {
  criticalOf,
  itemsOf,
  placeOf,
  revealing,
  toggled,
  type Item,
  type Opened,
  type Sight,
} from './layout';
import type { LogMark } from './marks';
import styles from './traces.module.css';

const ROW_PX = 26;
const OVERSCAN = 10;
/** Deeper spans are drawn no further to the right: their names would have no room. */
const DEEPEST = 14;

/** More log lines of one span are not drawn one by one. */
const MOST_MARKS = 200;

type Stretches = readonly (readonly [number, number])[];
const NONE: Stretches = [];
const NO_MARKS: readonly LogMark[] = [];

export function share(value: number): string {
  return `${(value * 100).toFixed(4)}%`;
}

function seconds(ns: number): string {
  return formatSeconds(ns / 1e9);
}

interface Look {
  readonly color: string;
  readonly selected: boolean;
  readonly matched: boolean;
  readonly sight: Sight;
}

function Bar(props: {
  from: number;
  length: number;
  sight: Sight;
  color: string;
  path: Stretches;
  marks?: readonly LogMark[];
}): ReactElement {
  const { from, length, sight, color, path, marks = NO_MARKS } = props;
  const place = placeOf(sight, from, length);
  return (
    <span className={styles.track}>
      {place === null ? null : (
        <i
          className={styles.bar}
          style={{ left: share(place.left), width: share(place.width), background: color }}
        />
      )}
      {path.map(([begin, end]) => {
        const part = placeOf(sight, begin, end - begin);
        return part === null ? null : (
          <i
            key={begin}
            className={styles.critical}
            style={{ left: share(part.left), width: share(part.width) }}
          />
        );
      })}
      {marks.slice(0, MOST_MARKS).map((mark, i) => {
        const spot = placeOf(sight, mark.offset_ns, 0);
        return spot === null ? null : (
          <i
            key={i}
            className={styles.mark}
            data-level={mark.level}
            title={visibleText(`${mark.level} ${mark.body}`.slice(0, 300))}
            style={{ left: share(spot.left) }}
          />
        );
      })}
    </span>
  );
}

function Indent({ depth, open }: { depth: number; open: boolean | null }): ReactElement {
  return (
    <span
      className={styles.indent}
      style={{ paddingLeft: `calc(var(--step) * ${Math.min(depth, DEEPEST)})` }}
      data-toggle=""
    >
      {open === null ? null : <Glyph name={open ? 'chevronDown' : 'chevronRight'} size={13} />}
    </span>
  );
}

const SpanRow = memo(function SpanRow(
  props: Look & { row: TraceRow; open: boolean | null; path: Stretches; marks: readonly LogMark[] },
): ReactElement {
  const { row, open, color, path, sight, marks } = props;
  const failed = row.status === 'error';
  return (
    <>
      <span className={styles.what}>
        <Indent depth={row.depth} open={open} />
        <i className={styles.swatch} style={{ background: color }} />
        {failed ? (
          <span className={styles.failed} title="It failed">
            <Glyph name="error" size={13} />
            <span className="visually-hidden">failed</span>
          </span>
        ) : null}
        {row.warnings.length > 0 ? (
          <span className={styles.odd} title={row.warnings.join('; ')}>
            <Glyph name="warning" size={13} />
          </span>
        ) : null}
        <span className="ellipsis" title={visibleText(`${row.service}: ${row.name}`)}>
          <b className={styles.service}>
            <Value text={row.service} />
          </b>{' '}
          <Value text={row.name} />
        </span>
        {open === false ? <span className={styles.hiddenCount}>+{formatCount(row.descendants)}</span> : null}
      </span>
      <Bar
        from={row.offset_ns}
        length={row.duration_ns}
        sight={sight}
        color={color}
        path={path}
        marks={marks}
      />
      <span className={styles.figure}>{seconds(row.duration_ns)}</span>
      <span className={clsx(styles.figure, styles.own)} title="Own time: none of its children ran">
        {seconds(row.own_ns)}
      </span>
    </>
  );
});

function FoldRow(props: {
  view: TraceView;
  fold: TraceFold;
  open: boolean;
  sight: Sight;
  color: string;
  path: Stretches;
}): ReactElement {
  const { view, fold, open, sight, color, path } = props;
  const first = view.rows[fold.rows[0] ?? 0];
  const ends = fold.rows.map((at) => (view.rows[at]?.offset_ns ?? 0) + (view.rows[at]?.duration_ns ?? 0));
  const begin = first?.offset_ns ?? 0;
  return (
    <>
      <span className={styles.what}>
        <Indent depth={first?.depth ?? 0} open={open} />
        <i className={styles.swatch} style={{ background: color }} />
        <span className={styles.times}>{formatCount(fold.rows.length)} ×</span>
        {fold.errors > 0 ? (
          <span className={styles.failed} title={`${fold.errors} of them failed`}>
            <Glyph name="error" size={13} />
            {formatCount(fold.errors)}
          </span>
        ) : null}
        <span className="ellipsis" title={visibleText(`${fold.service}: ${fold.name}`)}>
          <b className={styles.service}>
            <Value text={fold.service} />
          </b>{' '}
          <Value text={fold.name} />
        </span>
      </span>
      <Bar
        from={begin}
        length={ends.reduce((a, b) => Math.max(a, b), begin) - begin}
        sight={sight}
        color={`color-mix(in srgb, ${color} 45%, transparent)`}
        path={open ? NONE : path}
      />
      <span className={styles.figure} title="All of them together">
        Σ {seconds(fold.total_ns)}
      </span>
      <span className={clsx(styles.figure, styles.own)} title="The longest of them">
        ≤ {seconds(fold.longest_ns)}
      </span>
    </>
  );
}

function Axis({ sight }: { sight: Sight }): ReactElement {
  return (
    <div className={clsx(styles.line, styles.axis)} aria-hidden="true">
      <span>service and span</span>
      <span className={styles.ticks}>
        {[0, 0.25, 0.5, 0.75].map((at) => (
          <span key={at} style={{ left: share(at) }}>
            {seconds(sight.from + (sight.to - sight.from) * at)}
          </span>
        ))}
      </span>
      <span className={styles.figure}>duration</span>
      <span className={clsx(styles.figure, styles.own)}>own time</span>
    </div>
  );
}

function depthOf(view: TraceView, item: Item): number {
  const row = item.kind === 'span' ? item.row : (view.folds[item.fold]?.rows[0] ?? 0);
  return view.rows[row]?.depth ?? 0;
}

/** All spans of a trace, of which only those in view are in the page. Arrows move, open and close. */
export function Waterfall(props: {
  view: TraceView;
  colors: ReadonlyMap<string, string>;
  opened: Opened;
  onOpened: (opened: Opened) => void;
  /** The row that is looked at; -1 for none. */
  selected: number;
  onSelect: (row: number) => void;
  matches: ReadonlySet<number>;
  sight: Sight;
  /** Log lines by the row of their span. */
  marks: ReadonlyMap<number, readonly LogMark[]>;
}): ReactElement {
  const { view, colors, opened, onOpened, selected, onSelect, matches, sight, marks } = props;
  const id = useId();
  const box = useRef<HTMLDivElement>(null);
  const items = useMemo(() => itemsOf(view, opened), [view, opened]);
  const critical = useMemo(() => criticalOf(view), [view]);
  const folded = useMemo(
    () => view.folds.map((fold) => fold.rows.flatMap((row) => critical.get(row) ?? NONE)),
    [view, critical],
  );
  const now = items.findIndex((item) => item.kind === 'span' && item.row === selected);
  // eslint-disable-next-line react-hooks/incompatible-library -- what it returns is used here alone
  const rows = useVirtualizer({
    count: items.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW_PX,
    overscan: OVERSCAN,
  });
  const seen = rows.getVirtualItems();
  useEffect(() => {
    if (now >= 0) rows.scrollToIndex(now, { align: 'auto' });
    // Only when another row is looked at: the reader may scroll away from it.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [selected]);

  const toggle = (item: Item): void =>
    onOpened(
      item.kind === 'span'
        ? { ...opened, collapsed: toggled(opened.collapsed, item.row) }
        : { ...opened, unfolded: toggled(opened.unfolded, item.fold) },
    );
  const go = (index: number): void => {
    const item = items[index];
    if (item === undefined) return;
    if (item.kind === 'span') {
      onSelect(item.row);
      return;
    }
    // A run is looked at by its first.
    const first = view.folds[item.fold]?.rows[0];
    if (first !== undefined && !item.open) {
      onOpened(revealing(view, opened, first));
      onSelect(first);
    }
  };
  const aside = (key: string): boolean => {
    const row = view.rows[selected];
    if (row === undefined || now < 0) return false;
    const open = row.children > 0 && !opened.collapsed.has(selected);
    if (key === 'ArrowRight') {
      if (row.children === 0) return false;
      if (open) go(now + 1);
      else toggle({ kind: 'span', row: selected });
      return true;
    }
    if (open) toggle({ kind: 'span', row: selected });
    else if (row.parent >= 0) onSelect(row.parent);
    return true;
  };
  const onKey = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'ArrowLeft' || event.key === 'ArrowRight') {
      if (aside(event.key)) event.preventDefault();
      return;
    }
    const page = Math.floor((box.current?.clientHeight ?? 400) / ROW_PX) - 2;
    const next = rowAfterKey(event.key, now, items.length, page);
    if (next === null) return;
    event.preventDefault();
    // The head of a run that is open is passed by.
    const up = next < now;
    const head = items[next];
    go(head?.kind === 'fold' && head.open ? next + (up && next > 0 ? -1 : 1) : next);
  };

  return (
    <div
      ref={box}
      className={styles.scroll}
      role="tree"
      aria-label="Spans"
      tabIndex={0}
      aria-activedescendant={seen.some(({ index }) => index === now) ? `${id}-${now}` : undefined}
      onKeyDown={onKey}
    >
      <Axis sight={sight} />
      <div className={styles.rows} role="none" style={{ height: rows.getTotalSize() }}>
        {seen.map(({ index, start }) => {
          const item = items[index];
          if (item === undefined) return null;
          const fold = item.kind === 'fold' ? view.folds[item.fold] : undefined;
          const row = item.kind === 'span' ? view.rows[item.row] : undefined;
          const service = row?.service ?? fold?.service ?? '';
          const color = colors.get(service) ?? 'var(--dim)';
          const hasOpen = item.kind === 'fold' ? item.open : !opened.collapsed.has(item.row);
          const open = item.kind === 'fold' || (row?.children ?? 0) > 0 ? hasOpen : null;
          const look = {
            color,
            sight,
            selected: index === now,
            matched: item.kind === 'span' && matches.has(item.row),
          };
          return (
            <div
              key={item.kind === 'span' ? item.row : `fold ${item.fold}`}
              id={`${id}-${index}`}
              role="treeitem"
              aria-level={depthOf(view, item) + 1}
              aria-selected={look.selected}
              aria-expanded={open ?? undefined}
              className={clsx(
                styles.line,
                styles.item,
                look.selected && styles.selected,
                look.matched && styles.matched,
              )}
              style={{ transform: `translateY(${start}px)` }}
              onClick={(event) => {
                const target = event.target;
                const onToggle = target instanceof Element && target.closest('[data-toggle]') !== null;
                if (fold !== undefined || (onToggle && open !== null)) toggle(item);
                else if (item.kind === 'span') onSelect(item.row);
              }}
            >
              {row !== undefined && item.kind === 'span' ? (
                <SpanRow
                  {...look}
                  row={row}
                  open={open}
                  path={critical.get(item.row) ?? NONE}
                  marks={marks.get(item.row) ?? NO_MARKS}
                />
              ) : null}
              {fold !== undefined && item.kind === 'fold' ? (
                <FoldRow
                  view={view}
                  fold={fold}
                  open={item.open}
                  sight={sight}
                  color={color}
                  path={folded[item.fold] ?? NONE}
                />
              ) : null}
            </div>
          );
        })}
      </div>
    </div>
  );
}
