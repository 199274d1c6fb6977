import {
  columnVisibilityFeature,
  createColumnHelper,
  createSortedRowModel,
  rowSortingFeature,
  tableFeatures,
  useTable,
  type Row as TableRow,
  type RowData,
  type SortingState,
} from '@tanstack/react-table';
import { useVirtualizer, type VirtualItem } from '@tanstack/react-virtual';
import clsx from 'clsx';
import {
  useCallback,
  useId,
  useMemo,
  useRef,
  useState,
  type CSSProperties,
  type KeyboardEvent,
  type MouseEvent,
  type PointerEvent,
  type ReactElement,
  type ReactNode,
  type RefObject,
} from 'react';
import type { Figures } from '../figures';
import { formatCount } from '../format';
import { Menu } from '../Menu';
import { NoValue } from '../NoValue';
import { visibleText } from '../value';
import { Value } from '../Value';
import {
  atLeast,
  columnFigures,
  columnWidth,
  compareKeys,
  gridTemplate,
  headOf,
  LEAST_PX,
  rowAfterKey,
  sortKey,
  type SortKey,
  type TableColumn,
} from './columns';
import styles from './table.module.css';

const ROW_PX = 28;
const OVERSCAN = 12;
const GAP_CHARS = 2;
const NONE: ReadonlySet<string> = new Set();
/** How far a key makes a column wider. */
const WIDEN_PX = 16;

const features = tableFeatures({
  rowSortingFeature,
  columnVisibilityFeature,
  sortedRowModel: createSortedRowModel(),
});

type Ordered<Row extends RowData> = TableRow<typeof features, Row>;

export interface DataTableProps<Row extends RowData> {
  /** What the table holds, for readers who cannot see it. */
  label: string;
  columns: readonly TableColumn<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string;
  /** How many rows there were before the caller's filters. */
  total?: number;
  /** Stands at the left above the table: filters, actions. */
  tools?: ReactNode;
  /** How high it may be in pixels, in a place that has a height of its own. */
  height?: number;
  /** No line with tools, count and columns above the table. */
  bare?: boolean;
  /** What stands in the table's place when it has no rows. */
  empty?: ReactNode;
  /** Rows as high as what they hold; on narrow screens cells stand below each other. `narrow`: only there. */
  tall?: boolean | 'narrow';
  sort?: { id: string; desc: boolean };
  /** Which of the rows are shown, in their order: from here, up to there. */
  page?: readonly [from: number, to: number];
  /** How high a row is in pixels. */
  rowPx?: number;
  /** What stands below a row's cells, as wide as all of them; null for nothing. Needs rows of their own height. */
  below?: (row: Row) => ReactNode;
  /** Opens a row: a click, or Enter. */
  onOpen?: (row: Row) => void;
  /** The keys of the chosen rows; with `onSelect` rows can be chosen: Space, Ctrl- and Shift-click, Ctrl-A. */
  selected?: ReadonlySet<string>;
  onSelect?: (keys: ReadonlySet<string>) => void;
}

interface Drawn<Row> {
  column: TableColumn<Row>;
  figures: Figures | undefined;
}

function CellContent<Row>({ row, drawn }: { row: Row; drawn: Drawn<Row> }): ReactElement {
  const { column, figures } = drawn;
  const value = column.value(row);
  if (column.cell) return <>{column.cell(row)}</>;
  if (value === null) return <NoValue />;
  const exact = column.exact?.(row) ?? (typeof value === 'number' ? String(value) : visibleText(value));
  return (
    <span title={exact}>
      {typeof value === 'number' ? (figures?.write(value) ?? String(value)) : <Value text={value} mono />}
    </span>
  );
}

/** The order that a click on a column's head asks for: its natural one, the other, the rows' own. */
function nextSorting(sorting: SortingState, id: string, descFirst: boolean): SortingState {
  const now = sorting[0]?.id === id ? sorting[0] : null;
  if (now === null) return [{ id, desc: descFirst }];
  return now.desc === descFirst ? [{ id, desc: !descFirst }] : [];
}

function Head<Row>(props: {
  shown: readonly Drawn<Row>[];
  sorting: SortingState;
  onSort: (sorting: SortingState) => void;
  onSize: (id: string, px: number) => void;
}): ReactElement {
  const { shown, sorting, onSort, onSize } = props;
  const widthOf = (element: Element): number =>
    element.closest('[role=columnheader]')?.getBoundingClientRect().width ?? 0;
  const drag = (event: PointerEvent<HTMLSpanElement>, id: string): void => {
    event.preventDefault();
    const handle = event.currentTarget;
    const from = event.clientX;
    const wide = widthOf(handle);
    handle.setPointerCapture(event.pointerId);
    handle.onpointermove = (moved) => onSize(id, Math.max(LEAST_PX, wide + moved.clientX - from));
    handle.onlostpointercapture = () => {
      handle.onpointermove = null;
    };
  };
  const onKey = (event: KeyboardEvent, id: string): void => {
    if (!event.shiftKey || (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight')) return;
    event.preventDefault();
    onSize(id, widthOf(event.currentTarget) + (event.key === 'ArrowLeft' ? -WIDEN_PX : WIDEN_PX));
  };
  return (
    <div role="rowgroup" className={styles.head}>
      <div role="row" className={styles.row} aria-rowindex={1}>
        {shown.map(({ column, figures }) => {
          const { id, kind } = column;
          const order = sorting[0]?.id === id ? (sorting[0].desc ? 'descending' : 'ascending') : 'none';
          const [title, unit] = headOf(column, new Map(figures ? [[id, figures]] : []));
          // What stands below are buttons: there is nothing to sort by, and eyes need no word for it.
          if (title.trim() === '')
            return (
              <div key={id} role="columnheader" className={styles.headCell}>
                <span className="visually-hidden">actions</span>
              </div>
            );
          return (
            <div
              key={id}
              role="columnheader"
              aria-sort={order}
              className={clsx(styles.headCell, kind === 'number' && styles.number)}
              style={alignment(column)}
            >
              <button
                type="button"
                className="plain"
                title="Click to sort; Shift with arrows makes the column narrower or wider"
                onClick={() => onSort(nextSorting(sorting, id, kind === 'number'))}
                onKeyDown={(event) => onKey(event, id)}
              >
                <bdi>{visibleText(title)}</bdi>
                {unit === '' ? null : <span className={styles.unit}> {unit}</span>}
                {order === 'none' ? '' : order === 'ascending' ? ' ↑' : ' ↓'}
              </button>
              <span className={styles.handle} aria-hidden="true" onPointerDown={(event) => drag(event, id)} />
            </div>
          );
        })}
      </div>
    </div>
  );
}

/** Which rows are chosen after row `key` was clicked or Space was pressed on it. */
function chosenAfter(
  keys: readonly string[],
  selected: ReadonlySet<string>,
  change: { key: string; anchor: string | null; extend: boolean },
): Set<string> {
  const next = new Set(selected);
  const [from, to] = [keys.indexOf(change.anchor ?? change.key), keys.indexOf(change.key)];
  if (change.extend && from >= 0) {
    for (const key of keys.slice(Math.min(from, to), Math.max(from, to) + 1)) next.add(key);
    return next;
  }
  if (!next.delete(change.key)) next.add(change.key);
  return next;
}

function alignment({ align }: { align?: 'left' | 'center' | 'right' }): CSSProperties | undefined {
  return align === undefined ? undefined : { textAlign: align };
}

function rowId(base: string, index: number): string {
  return `${base}-row-${index}`;
}

/** What the reader has made of the columns, and the rows in the order that follows. */
function useArrangement<Row extends RowData>(props: DataTableProps<Row>) {
  const { columns, rows, rowPx = ROW_PX } = props;
  const [sorting, setSorting] = useState<SortingState>(props.sort ? [props.sort] : []);
  const [shownIds, setShownIds] = useState<Readonly<Record<string, boolean>>>({});
  const [sized, setSized] = useState<ReadonlyMap<string, number>>(new Map());
  const figures = useMemo(() => columnFigures(columns, rows), [columns, rows]);
  const defs = useMemo(() => {
    const helper = createColumnHelper<typeof features, Row>();
    return columns.map((column) =>
      helper.accessor((row): unknown => sortKey(column.value(row)), {
        id: column.id,
        sortUndefined: 'last',
        sortFn: (a, b, id) => compareKeys(a.getValue<SortKey>(id), b.getValue<SortKey>(id)),
      }),
    );
  }, [columns]);
  const visibility = useMemo(
    () => Object.fromEntries(columns.map(({ id, optional }) => [id, shownIds[id] ?? !optional])),
    [columns, shownIds],
  );
  const table = useTable({
    features,
    columns: defs,
    data: rows,
    state: { sorting, columnVisibility: visibility },
    onSortingChange: setSorting,
  });
  const shown = useMemo(
    () =>
      columns
        .filter(({ id }) => visibility[id])
        .map((column) => ({ column, figures: figures.get(column.id) })),
    [columns, visibility, figures],
  );
  const look = useMemo(() => {
    const widths = shown.map(({ column }) => ({
      id: column.id,
      kind: column.kind ?? 'text',
      width: columnWidth(column, rows, figures),
      ...(column.px === undefined ? {} : { px: column.px }),
      ...(column.leastPx === undefined ? {} : { leastPx: column.leastPx }),
    }));
    const each = widths.map(({ width, px, leastPx }) =>
      px === undefined ? atLeast(width.least, leastPx) : `${px}px`,
    );
    const least = `calc(${[`${GAP_CHARS * (widths.length + 1)}ch`, ...each].join(' + ')})`;
    return {
      '--columns': gridTemplate(widths, sized),
      '--least': least,
      '--row': `${rowPx}px`,
    } as CSSProperties;
  }, [shown, rows, figures, sized, rowPx]);
  const all = table.getRowModel().rows as readonly Ordered<Row>[];
  const [from, to] = props.page ?? [];
  const ordered = useMemo(() => (from === undefined ? all : all.slice(from, to)), [all, from, to]);
  return {
    sorting,
    setSorting,
    visibility,
    setShown: (id: string, visible: boolean) => setShownIds({ ...shownIds, [id]: visible }),
    setSize: (id: string, px: number) => setSized(new Map(sized).set(id, px)),
    shown,
    look,
    ordered,
  };
}

/** Moving among rows, opening and choosing them, by keys and by the mouse. */
function useChoosing<Row extends RowData>(
  props: DataTableProps<Row>,
  ordered: readonly Ordered<Row>[],
  scroll: RefObject<HTMLDivElement | null>,
  scrollTo: (index: number) => void,
) {
  const { rowKey, onOpen, onSelect, selected = NONE } = props;
  const [current, setCurrent] = useState(-1);
  const anchor = useRef<string | null>(null);
  const keys = (): string[] => ordered.map((row) => rowKey(row.original));
  const choose = (index: number, extend: boolean): void => {
    const row = ordered[index];
    if (!row || !onSelect) return;
    const key = rowKey(row.original);
    onSelect(chosenAfter(extend ? keys() : [], selected, { key, anchor: anchor.current, extend }));
    if (!extend) anchor.current = key;
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.target !== event.currentTarget) return;
    const page = Math.max(1, Math.floor((scroll.current?.clientHeight ?? ROW_PX) / ROW_PX) - 2);
    const next = rowAfterKey(event.key, current, ordered.length, page);
    const row = ordered[current];
    if (next !== null) {
      setCurrent(next);
      scrollTo(next);
      if (event.shiftKey) choose(next, true);
    } else if (event.key === 'Enter' && row && onOpen) onOpen(row.original);
    else if (event.key === 'Enter' && row)
      // What a click on its name leads to.
      scroll.current?.querySelector<HTMLAnchorElement>(`[data-index="${current}"] a`)?.click();
    else if (event.key === ' ' && onSelect) choose(current, event.shiftKey);
    else if (event.key === 'a' && (event.ctrlKey || event.metaKey) && onSelect) onSelect(new Set(keys()));
    else if (event.key === 'Escape' && selected.size > 0 && onSelect) onSelect(NONE);
    else return;
    event.preventDefault();
  };
  const onClick = (event: MouseEvent, index: number): void => {
    // What can be pressed in a cell does its own.
    if ((event.target as Element).closest('a, button, input')) return;
    setCurrent(index);
    const row = ordered[index];
    if (onSelect && (event.ctrlKey || event.metaKey || event.shiftKey || !onOpen))
      choose(index, event.shiftKey);
    else if (row) onOpen?.(row.original);
  };
  return { current, onKeyDown, onClick };
}

function Tools<Row extends RowData>(props: {
  table: DataTableProps<Row>;
  visibility: Readonly<Record<string, boolean>>;
  onShow: (id: string, visible: boolean) => void;
}): ReactElement {
  const { table, visibility, onShow } = props;
  const { rows, columns, total = rows.length, selected = NONE } = table;
  const visible = columns.filter(({ id }) => visibility[id]).length;
  return (
    <div className={styles.tools}>
      {table.tools}
      <span className="grow" />
      {selected.size > 0 ? <span>{formatCount(selected.size)} chosen</span> : null}
      <span className="dim" role="status">
        {rows.length === total
          ? `${formatCount(total)} ${total === 1 ? 'row' : 'rows'}`
          : `${formatCount(rows.length)} of ${formatCount(total)} rows`}
      </span>
      <Menu
        label="Columns"
        icon="columns"
        compact
        entries={columns.map(({ id, title }) => ({
          kind: 'check',
          label: visibleText(title),
          checked: visibility[id] ?? true,
          whyNot: visibility[id] === true && visible === 1 ? 'One column stays' : null,
          change: (checked) => onShow(id, checked),
        }))}
      />
    </div>
  );
}

/**
 * Rows of anything: sorted by a click on a head, columns shown, hidden and sized by the reader, only the rows in view
 * in the page. A table whose rows can be opened or chosen is a grid: one tab stop, and the arrows move in it.
 */
export function DataTable<Row extends RowData>(props: DataTableProps<Row>): ReactElement {
  const { label, rows, rowKey, tall = false, onSelect, selected = NONE } = props;
  const scroll = useRef<HTMLDivElement>(null);
  const base = useId();
  const active = props.onOpen !== undefined || onSelect !== undefined;
  const { shown, ordered, look, ...arranged } = useArrangement(props);
  // A row that others push down keeps the height that was measured of it.
  const keyAt = useCallback(
    (index: number) => {
      const row = ordered[index];
      return row ? rowKey(row.original) : index;
    },
    [ordered, rowKey],
  );
  // The virtualizer hands out functions that must not be memoized, which the compiler's rule cannot know.
  // eslint-disable-next-line react-hooks/incompatible-library
  const virtual = useVirtualizer({
    count: ordered.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => props.rowPx ?? ROW_PX,
    overscan: OVERSCAN,
    // Without it a height is of a place, whichever row stands in it; where all are as high, nothing is measured.
    ...(tall === false ? {} : { getItemKey: keyAt }),
  });
  const choosing = useChoosing(props, ordered, scroll, (index) => virtual.scrollToIndex(index));

  const drawRow = (row: Ordered<Row>, item: VirtualItem): ReactElement => {
    const key = rowKey(row.original);
    const chosen = selected.has(key);
    const below = props.below?.(row.original) ?? null;
    return (
      <div
        key={key}
        id={rowId(base, item.index)}
        role="row"
        data-index={item.index}
        aria-rowindex={item.index + 2 + (props.page?.[0] ?? 0)}
        {...(onSelect ? { 'aria-selected': chosen } : {})}
        {...(tall === false ? {} : { ref: virtual.measureElement })}
        className={clsx(
          styles.row,
          active && styles.active,
          active && item.index === choosing.current && styles.current,
          chosen && styles.selected,
          below !== null && styles.opened,
        )}
        style={{ transform: `translateY(${item.start}px)` }}
        {...(active ? { onClick: (event: MouseEvent) => choosing.onClick(event, item.index) } : {})}
      >
        {shown.map((drawn) => (
          <div
            key={drawn.column.id}
            role={active ? 'gridcell' : 'cell'}
            className={clsx(
              styles.cell,
              drawn.column.kind === 'number' && styles.number,
              (drawn.column.titled ?? drawn.column.kind === 'number') && styles.titled,
            )}
            style={alignment(drawn.column)}
            data-title={drawn.column.title}
            data-unit={drawn.figures?.head || undefined}
          >
            <CellContent row={row.original} drawn={drawn} />
          </div>
        ))}
        {below === null ? null : (
          <div role="cell" aria-colspan={shown.length} className={styles.below}>
            {below}
          </div>
        )}
      </div>
    );
  };

  return (
    <div className={clsx(styles.table, tall === true && styles.tall, tall !== false && styles.cards)}>
      {props.bare ? null : (
        <Tools table={props} visibility={arranged.visibility} onShow={arranged.setShown} />
      )}
      {rows.length === 0 && props.empty !== undefined ? (
        props.empty
      ) : (
        <div
          ref={scroll}
          className={styles.scroll}
          role={active ? 'grid' : 'table'}
          aria-label={label}
          aria-rowcount={rows.length + 1}
          {...(onSelect ? { 'aria-multiselectable': true } : {})}
          {...(active && choosing.current >= 0
            ? { 'aria-activedescendant': rowId(base, choosing.current) }
            : {})}
          // A region that scrolls must be reachable, a grid all the more.
          tabIndex={0}
          {...(active ? { onKeyDown: choosing.onKeyDown } : {})}
          style={props.height === undefined ? look : { ...look, maxHeight: props.height }}
        >
          <Head
            shown={shown}
            sorting={arranged.sorting}
            onSort={arranged.setSorting}
            onSize={arranged.setSize}
          />
          <div role="rowgroup" className={styles.body} style={{ height: virtual.getTotalSize() }}>
            {virtual.getVirtualItems().map((item) => {
              const row = ordered[item.index];
              return row ? drawRow(row, item) : null;
            })}
          </div>
        </div>
      )}
    </div>
  );
}
