import clsx from 'clsx';
import { useMemo, useState, type ReactElement } from 'react';
import { Choice } from '../../design/Choice';
import { mix } from '../../design/colors';
import { formatCount } from '../../design/format';
import { Glyph } from '../../design/Glyph';
import { IconButton } from '../../design/IconButton';
import { Sparkline } from '../../design/Sparkline';
import type { TableColumn } from '../../design/table/columns';
import { DataTable } from '../../design/table/DataTable';
import { Value } from '../../design/Value';
import { usePanelPage, type KindProps, type PanelPage } from '../context';
import { cellText, isTrend, lengthOf, numeric, type Cell } from '../frame';
import { at, flagAt, numberAt, objects, oneAt, textAt, texts } from '../json';
import { linksOf, safeAddress } from '../links';
import type { ShownField, ShownFrame } from '../overrides';
import { inkOn, legible, shareOf, TRANSPARENT } from '../palette';
import { PanelLink } from '../PanelLink';
import { reduce, reductionName } from '../reduce';
import { endsOf, show, type Looks, type Shown } from '../shown';
import { isDate } from '../units/table';
import { NoData } from './NoData';
import styles from './cells.module.css';

type CellType =
  'auto' | 'color-text' | 'color-background' | 'gauge' | 'sparkline' | 'json' | 'image' | 'links';

const OLD_MODES: Readonly<Record<string, CellType>> = {
  'color-background-solid': 'color-background',
  'lcd-gauge': 'gauge',
  'gradient-gauge': 'gauge',
  basic: 'gauge',
  'json-view': 'json',
  'data-links': 'links',
  image: 'image',
  pill: 'color-text',
};

function cellType({ config }: ShownField): CellType {
  const said = textAt(config.custom, 'cellOptions.type') || textAt(config.custom, 'displayMode', 'auto');
  const known = OLD_MODES[said];
  if (known) return known;
  return said === 'color-text' || said === 'color-background' || said === 'gauge' || said === 'sparkline'
    ? said
    : 'auto';
}

/** Columns that are labels of series, and not what queries and transformations call theirs. */
const LABEL = /^[a-z_][a-z0-9_]*$/u;

const CHAR_PX = 7.4;

interface RowAt {
  row: number;
}

interface Painter {
  field: ShownField;
  ends: { min: number; max: number };
}

interface Column extends Painter {
  type: CellType;
  /** The column whose colour all cells of a row have; null where each has its own. */
  painter: Painter | null;
}

function colorIn({ field, ends }: Painter, row: number, looks: Looks): string {
  const cell = field.values[row] ?? null;
  return show(field.config, isTrend(cell) ? cell.value : cell, looks, { ends }).color;
}

/** A cell on a ground of `color`, in the manner of the column that it is the colour of. */
function Filled(props: { of: Painter; color: string; within: ReactElement }): ReactElement {
  const { of, color, within } = props;
  const solid = textAt(of.field.config.custom, 'cellOptions.mode') !== 'gradient';
  const ink = inkOn(color);
  const end = mix(color, ink === '#ffffff' ? '#000000' : '#ffffff', 0.14);
  return (
    <span
      className={styles.filled}
      style={{ background: solid ? color : `linear-gradient(120deg, ${color}, ${end})`, color: ink }}
    >
      {within}
    </span>
  );
}

function Content(props: {
  column: Column;
  frame: ShownFrame;
  row: number;
  looks: Looks;
  page: PanelPage;
}): ReactElement {
  const { column, frame, row, looks, page } = props;
  const { field, type, ends, painter } = column;
  const cell: Cell = field.values[row] ?? null;
  const shown: Shown = show(field.config, isTrend(cell) ? cell.value : cell, looks, { ends });
  const about = { row, page, row_fields: frame.fields };
  const links = field.config.links.length > 0 ? linksOf(field, cell, about) : [];
  const plain = shown.color === TRANSPARENT ? null : shown.color;
  const text = shown.text === '' ? <span className="dim">–</span> : <Value text={shown.text} />;
  const [first] = links;
  const label = links.length === 0 && LABEL.test(field.name) && typeof cell === 'string' ? cell : '';
  const narrowing = label === '' ? null : (page.labelLink?.(field.name, label) ?? null);
  const linked =
    first && type !== 'links' ? (
      <PanelLink link={first}>{text}</PanelLink>
    ) : narrowing ? (
      <PanelLink link={narrowing} className={styles.label}>
        {text}
      </PanelLink>
    ) : (
      text
    );
  if (isTrend(cell)) {
    const drawn = (
      <Sparkline
        label={field.title}
        values={cell.points}
        width={110}
        height={20}
        fluid
        {...(plain ? { color: legible(plain, looks.scheme, 3) } : {})}
      />
    );
    return (
      <span className={styles.trend}>
        {drawn}
        {flagAt(field.config.custom, 'cellOptions.hideValue') ? null : linked}
      </span>
    );
  }
  if (type === 'color-background' && plain) return <Filled of={column} color={plain} within={linked} />;
  const rowColor = painter && type === 'auto' ? colorIn(painter, row, looks) : TRANSPARENT;
  if (painter && rowColor !== TRANSPARENT) return <Filled of={painter} color={rowColor} within={linked} />;
  if (type === 'color-text' && plain)
    return <span style={{ color: legible(plain, looks.scheme) }}>{linked}</span>;
  if (type === 'gauge' && shown.value !== null)
    return (
      <span className={styles.gauge}>
        <span className={styles.track}>
          <i
            style={{
              width: `${(shareOf(shown.value, ends) * 100).toFixed(1)}%`,
              background: plain ?? 'currentColor',
            }}
          />
        </span>
        <span className={styles.gaugeText}>{linked}</span>
      </span>
    );
  if (type === 'links')
    return (
      <span className={styles.links}>
        {links.map((link, i) => (
          <PanelLink key={i} link={link}>
            <Value text={link.title} />
          </PanelLink>
        ))}
      </span>
    );
  // A picture from elsewhere would tell that somewhere who looks: its address can be followed.
  const address = type === 'image' ? safeAddress(cellText(cell)) : null;
  if (address) return <PanelLink link={{ ...address, title: address.href, newTab: true }}>{text}</PanelLink>;
  return linked;
}

/** Texts and times by themselves, values by what they are shown as. */
function sortValue(field: ShownField, row: number): string | number | null {
  const cell = field.values[row] ?? null;
  if (field.type === 'number' || field.type === 'time' || typeof cell === 'boolean' || isTrend(cell))
    return numeric(cell);
  return cell;
}

function columnsOf(frame: ShownFrame, looks: Looks, page: PanelPage): TableColumn<RowAt>[] {
  const shown = frame.fields.filter(
    ({ config }) => !flagAt(config.custom, 'hidden') && !flagAt(config.custom, 'hideFrom.viz'),
  );
  const paints = frame.fields.find(
    (field) =>
      cellType(field) === 'color-background' && flagAt(field.config.custom, 'cellOptions.applyToRow'),
  );
  const painter = paints ? { field: paints, ends: endsOf(paints, [paints]) } : null;
  const allSized = shown.every(({ config }) => (numberAt(config.custom, 'width') ?? 0) > 0);
  return shown.map((field, place): TableColumn<RowAt> => {
    const type = cellType(field);
    const column: Column = {
      field,
      type,
      ends: endsOf(
        field,
        type === 'gauge'
          ? shown.filter((one) => one.type === 'number' && cellType(one) === 'gauge')
          : [field],
      ),
      painter,
    };
    const said = numberAt(field.config.custom, 'width') ?? 0;
    const trends = field.values.some(isTrend);
    const align = oneAt(field.config.custom, 'align', ['auto', 'left', 'center', 'right']);
    const numbers =
      align === 'right' || (align === 'auto' && field.type === 'number' && type !== 'gauge' && !trends);
    const longest = sizeOf(field, looks, column.ends);
    const chars = type === 'gauge' || trends ? Math.max(24, longest + 16) : longest;
    const leastPx = numberAt(field.config.custom, 'minWidth') ?? 0;
    return {
      id: String(place),
      title: field.title || ' ',
      ...(numbers ? { kind: 'number' as const } : {}),
      ...(align === 'auto' || numbers ? {} : { align }),
      // What all columns are given is no longer what one of them is: they share the room by it.
      ...(said > 0 && !allSized ? { px: said } : {}),
      ...(leastPx > 0 ? { leastPx } : {}),
      value: ({ row }) => sortValue(field, row),
      cell: ({ row }) => <Content column={column} frame={frame} row={row} looks={looks} page={page} />,
      chars: said > 0 ? Math.max(4, Math.round(said / CHAR_PX) - 2) : chars,
      titled: true,
      ...(numbers ? {} : { least: Math.min(chars, trends ? longest + LINE_CHARS : leastOf(field, said)) }),
    };
  });
}

/** What opens the rows of which a row is a group. */
function opener(opened: ReadonlySet<number>, onToggle: (row: number) => void): TableColumn<RowAt> {
  return {
    id: 'open',
    title: ' ',
    px: 28,
    value: () => null,
    cell: ({ row }) => (
      <button
        type="button"
        className={clsx('icon-button', styles.opener)}
        aria-label={`Rows of group ${row + 1}`}
        aria-expanded={opened.has(row)}
        onClick={() => onToggle(row)}
      >
        <Glyph name="chevronDown" size={13} />
      </button>
    ),
  };
}

const NESTED_PX = 280;

/** The rows of a group, under it. */
function Nested(props: { frame: ShownFrame; heads: boolean; label: string; looks: Looks }): ReactElement {
  const { frame, heads, label, looks } = props;
  const page = usePanelPage();
  const columns = useMemo(() => columnsOf(frame, looks, page), [frame, looks, page]);
  const rows = useMemo(() => rowsOf(frame), [frame]);
  if (columns.length === 0) return <span className="dim">All columns are in the group itself.</span>;
  return (
    <div className={clsx(!heads && styles.headless)}>
      <DataTable
        bare
        tall="narrow"
        label={label}
        columns={columns}
        rows={rows}
        rowKey={({ row }) => String(row)}
        height={NESTED_PX}
      />
    </div>
  );
}

function rowsOf(frame: ShownFrame | undefined): RowAt[] {
  return Array.from({ length: frame ? lengthOf(frame) : 0 }, (_, row): RowAt => ({ row }));
}

/** Room for how something went beside its newest value. */
const LINE_CHARS = 8;
const LEAST_CHARS = 14;

/** How many characters a column gives way to: half of an instant is a wrong one. */
function leastOf({ type, config }: ShownField, said: number): number {
  if (said > 0) return Math.max(4, Math.round(said / CHAR_PX) - 2);
  return type === 'time' || isDate(config.unit) ? MOST_CHARS : LEAST_CHARS;
}

const SIZED_ROWS = 100;
const MOST_CHARS = 60;

/** How many characters the widest of the first cells has. */
function sizeOf(field: ShownField, looks: Looks, ends: Column['ends']): number {
  let longest = Math.max(5, field.title.length);
  for (const cell of field.values.slice(0, SIZED_ROWS))
    longest = Math.max(
      longest,
      show(field.config, isTrend(cell) ? cell.value : cell, looks, { ends }).text.length,
    );
  return Math.min(MOST_CHARS, longest);
}

/** What the panel reckons of its columns, or the columns themselves ask for, as one line. */
function footerOf(frame: ShownFrame, { options, looks }: KindProps): string {
  const wanted = texts(at(options, 'footer.fields'));
  const all = flagAt(options, 'footer.show') ? texts(at(options, 'footer.reducer')) : [];
  const told = new Map<string, string[]>();
  for (const field of frame.fields) {
    if (field.type !== 'number') continue;
    const meant = wanted.length === 0 || wanted.includes(field.title) || wanted.includes(field.name);
    for (const id of [...(meant ? all : []), ...texts(at(field.config.custom, 'footer.reducers'))]) {
      const figure = `${field.title} ${show(field.config, reduce(field, id), looks).text}`;
      told.set(id, [...(told.get(id) ?? []), figure]);
    }
  }
  return [...told].map(([id, figures]) => `${reductionName(id)}: ${figures.join(', ')}`).join(' · ');
}

function nameOf(frame: ShownFrame, place: number): string {
  const named = frame.fields.find(({ type }) => type === 'number');
  return frame.name ?? named?.title ?? frame.refId ?? `Table ${place + 1}`;
}

const HEAD_PX = 28;
const PAGER_PX = 32;
const ROW_PX: Readonly<Record<string, number>> = { sm: 28, md: 36, lg: 44 };

/** The way through pages of rows: which there are, and to those beside them. */
function Pager(props: {
  from: number;
  to: number;
  count: number;
  onTurn: (by: -1 | 1) => void;
}): ReactElement {
  const { from, to, count, onTurn } = props;
  return (
    <div className={styles.pager}>
      <span className="dim" role="status">
        {formatCount(from + 1)} to {formatCount(to)} of {formatCount(count)}
      </span>
      <IconButton icon="chevronLeft" label="Rows before" disabled={from === 0} onClick={() => onTurn(-1)} />
      <IconButton icon="chevronRight" label="Rows after" disabled={to >= count} onClick={() => onTurn(1)} />
    </div>
  );
}

/** Rows, with their cells as the fields' configuration has them. */
export default function TablePanel(props: KindProps): ReactElement {
  const { frames, options, looks, height, title } = props;
  const page = usePanelPage();
  const full = useMemo(() => frames.filter(({ fields }) => fields.length > 0), [frames]);
  const [chosen, setChosen] = useState<number | null>(null);
  const [turned, setTurned] = useState(0);
  const index = Math.min(full.length - 1, chosen ?? numberAt(options, 'frameIndex') ?? 0);
  const frame = full[Math.max(0, index)];
  const [opened, setOpened] = useState<ReadonlySet<number>>(new Set());
  const own = useMemo(() => (frame ? columnsOf(frame, looks, page) : []), [frame, looks, page]);
  const rows = useMemo(() => rowsOf(frame), [frame]);
  const nested = frame?.nested;
  const columns = useMemo(() => {
    const toggle = (row: number): void => {
      const next = new Set(opened);
      if (!next.delete(row)) next.add(row);
      setOpened(next);
    };
    return nested ? [opener(opened, toggle), ...own] : own;
  }, [own, nested, opened]);
  if (!frame || rows.length === 0) return <NoData frames={frames} height={height} />;
  const [by] = objects(at(options, 'sortBy'));
  const sorted =
    by === undefined ? undefined : own.find((column) => column.title === textAt(by, 'displayName'));
  const below = (row: number): ReactElement | null => {
    const inner = opened.has(row) ? nested?.[row] : undefined;
    if (!inner) return null;
    const label = `Rows of group ${row + 1}`;
    return <Nested frame={inner} heads={frame.nestedHead !== false} label={label} looks={looks} />;
  };
  const foot = footerOf(frame, props);
  // Grafana 12 moved it out of the footer.
  const paged = flagAt(options, 'enablePagination', flagAt(options, 'footer.enablePagination'));
  const under = (full.length > 1 ? 36 : 0) + (foot === '' ? 0 : 24) + (paged ? PAGER_PX : 0);
  const rowPx = ROW_PX[textAt(options, 'cellHeight')] ?? HEAD_PX;
  const perPage = Math.max(1, Math.floor((height - under - HEAD_PX) / rowPx));
  const from = Math.min(turned, Math.ceil(rows.length / perPage) - 1) * perPage;
  const to = Math.min(rows.length, from + perPage);
  return (
    <div className={clsx(styles.panel, !flagAt(options, 'showHeader', true) && styles.headless)}>
      <DataTable
        key={index}
        bare
        tall="narrow"
        label={title || 'Table'}
        columns={columns}
        rows={rows}
        rowKey={({ row }) => String(row)}
        height={height - under}
        rowPx={rowPx}
        {...(paged ? { page: [from, to] as const } : {})}
        {...(sorted ? { sort: { id: sorted.id, desc: flagAt(by, 'desc') } } : {})}
        {...(nested ? { below: ({ row }: RowAt) => below(row) } : {})}
      />
      {paged ? (
        <Pager from={from} to={to} count={rows.length} onTurn={(by) => setTurned(from / perPage + by)} />
      ) : null}
      {foot === '' ? null : (
        <div className={styles.foot}>
          <Value text={foot} />
        </div>
      )}
      {full.length > 1 ? (
        <div className={styles.choice}>
          <Choice
            label="Table"
            options={full.map((one, place) => ({ value: String(place), label: nameOf(one, place) }))}
            value={String(index)}
            onChange={(next) => {
              setChosen(next === null ? null : Number(next));
              setTurned(0);
              setOpened(new Set());
            }}
          />
        </div>
      ) : null}
    </div>
  );
}
