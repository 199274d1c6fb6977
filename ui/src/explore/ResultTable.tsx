import clsx from 'clsx';
import {
  createColumnHelper,
  createSortedRowModel,
  rowSortingFeature,
  tableFeatures,
  useTable,
  type SortingState,
} from '@tanstack/react-table';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useMemo, useRef, useState, type ReactElement } from 'react';
import type { QueryAnswer } from '../api/types';
import { formatCount, type Unit } from '../design/format';
import { usePageClock } from '../design/hooks';
import { Empty } from '../design/parts';
import { filterRows, labelColumns, showValue, toRows, type ResultRow } from './rows';
import styles from './explore.module.css';

const ROW = 27;
const LONGEST_CH = 44;
/** A sample large enough to size columns by. */
const SIZED_ROWS = 300;

const features = tableFeatures({ rowSortingFeature, sortedRowModel: createSortedRowModel() });
const helper = createColumnHelper<typeof features, ResultRow>();

function byNumber(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return a - b;
}

const collator = new Intl.Collator('en', { numeric: true });

function makeColumns(labels: readonly string[], unit: Unit) {
  return helper.columns([
    helper.accessor((row) => row.value, {
      id: 'value',
      header: 'value',
      sortDescFirst: true,
      sortFn: (a, b) => byNumber(a.original.value, b.original.value),
      cell: ({ row }) => <span title={row.original.text}>{showValue(row.original, unit)}</span>,
    }),
    ...labels.map((name) =>
      helper.accessor((row) => row.labels[name] ?? '', {
        id: `label ${name}`,
        header: name === '__name__' ? 'metric' : name,
        sortDescFirst: false,
        sortFn: (a, b) => collator.compare(a.original.labels[name] ?? '', b.original.labels[name] ?? ''),
        cell: ({ row }) => {
          const value = row.original.labels[name];
          return value === undefined ? <span className="dim">–</span> : <span title={value}>{value}</span>;
        },
      }),
    ),
  ]);
}

function template(rows: readonly ResultRow[], labels: readonly string[], unit: Unit): string {
  const sample = rows.slice(0, SIZED_ROWS);
  const wide = (lengths: number[], least: number): number =>
    Math.min(LONGEST_CH, Math.max(least, ...lengths));
  const value = wide(
    sample.map((row) => showValue(row, unit).length),
    10,
  );
  const rest = labels.map((name) => {
    const length = wide(
      sample.map((row) => (row.labels[name] ?? '').length),
      name.length + 2,
    );
    return `minmax(${Math.min(length, 30) + 2}ch, ${length + 2}fr)`;
  });
  return [`minmax(${value + 2}ch, ${value}fr)`, ...rest].join(' ');
}

/** An instant result: sortable by any column, filtered by words, only rows in view in the page. */
export function ResultTable({ answer, unit }: { answer: QueryAnswer; unit: Unit }): ReactElement {
  const { utc } = usePageClock();
  const [wanted, setWanted] = useState('');
  const [sorting, setSorting] = useState<SortingState>([]);
  const scroll = useRef<HTMLDivElement>(null);
  const all = useMemo(() => toRows(answer, utc), [answer, utc]);
  const labels = useMemo(() => labelColumns(all), [all]);
  const columns = useMemo(() => makeColumns(labels, unit), [labels, unit]);
  const data = useMemo(() => [...filterRows(all, wanted)], [all, wanted]);
  const grid = useMemo(() => template(all, labels, unit), [all, labels, unit]);
  const table = useTable({ features, columns, data, state: { sorting }, onSortingChange: setSorting });
  const { rows } = table.getRowModel();
  // eslint-disable-next-line react-hooks/incompatible-library -- as in Legend
  const visible = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => ROW,
    overscan: 12,
  });
  if (all.length === 0) return <Empty icon="table">The query found nothing at this instant.</Empty>;
  return (
    <div className="result">
      <div className={clsx('row', styles.resultTools)}>
        <input
          className="field grow"
          type="search"
          placeholder="Filter by label or value"
          aria-label="Filter rows"
          value={wanted}
          onChange={(event) => setWanted(event.target.value)}
        />
        <span className="dim">
          {data.length === all.length
            ? `${formatCount(all.length)} rows`
            : `${formatCount(data.length)} of ${formatCount(all.length)} rows`}
        </span>
      </div>
      <div
        className={styles.resultScroll}
        ref={scroll}
        role="table"
        aria-label="Result"
        aria-rowcount={rows.length}
      >
        {table.getHeaderGroups().map((group) => (
          <div
            key={group.id}
            className={clsx(styles.resultRow, styles.resultHead)}
            role="row"
            style={{ gridTemplateColumns: grid }}
          >
            {group.headers.map((header) => {
              const sorted = header.column.getIsSorted();
              return (
                <div
                  key={header.id}
                  role="columnheader"
                  aria-sort={sorted === 'asc' ? 'ascending' : sorted === 'desc' ? 'descending' : 'none'}
                >
                  <button type="button" className="plain" onClick={header.column.getToggleSortingHandler()}>
                    <table.FlexRender header={header} />
                    {sorted === 'asc' ? ' ↑' : sorted === 'desc' ? ' ↓' : ''}
                  </button>
                </div>
              );
            })}
          </div>
        ))}
        <div className={styles.resultAll} style={{ height: visible.getTotalSize() }} role="rowgroup">
          {visible.getVirtualItems().map((item) => {
            const row = rows[item.index];
            if (!row) return null;
            return (
              <div
                key={row.id}
                role="row"
                className={styles.resultRow}
                style={{ gridTemplateColumns: grid, transform: `translateY(${item.start}px)` }}
              >
                {row.getAllCells().map((cell) => (
                  <div
                    role="cell"
                    key={cell.id}
                    className={cell.column.id === 'value' ? styles.value : 'ellipsis'}
                  >
                    <table.FlexRender cell={cell} />
                  </div>
                ))}
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}
