import { useMemo, useState, type ReactElement } from 'react';
import type { QueryAnswer } from '../api/types';
import { labelKey } from '../chart/columns';
import type { Unit } from '../design/format';
import { usePageClock } from '../design/hooks';
import { Empty } from '../design/parts';
import type { TableColumn } from '../design/table/columns';
import { DataTable } from '../design/table/DataTable';
import { filterRows, isFigure, labelColumns, toRows, type ResultRow } from './rows';
import styles from './explore.module.css';

/** The value first, then the labels; values that are not all numbers are the server's own words. */
function makeColumns(rows: readonly ResultRow[], unit: Unit): TableColumn<ResultRow>[] {
  const value: TableColumn<ResultRow> = rows.every(isFigure)
    ? {
        id: 'value',
        title: 'value',
        kind: 'number',
        unit,
        value: (row) => row.value,
        exact: (row) => row.text,
      }
    : { id: 'value', title: 'value', value: (row) => row.text };
  const labels = labelColumns(rows).map((name): TableColumn<ResultRow> => {
    // A label may be called as the value is.
    const title = name === '__name__' ? 'metric' : name === 'value' ? 'value (label)' : name;
    return {
      id: `label ${name}`,
      title,
      value: (row) => row.labels[name] ?? null,
      titled: name !== '__name__',
    };
  });
  return [value, ...labels];
}

/** An instant result: sortable by any column, filtered by words, only rows in view in the page. */
export function ResultTable({ answer, unit }: { answer: QueryAnswer; unit: Unit }): ReactElement {
  const { utc } = usePageClock();
  const [wanted, setWanted] = useState('');
  const all = useMemo(() => toRows(answer, utc), [answer, utc]);
  const columns = useMemo(() => makeColumns(all, unit), [all, unit]);
  const rows = useMemo(() => filterRows(all, wanted), [all, wanted]);
  if (all.length === 0) return <Empty icon="table">The query found nothing at this instant.</Empty>;
  return (
    <DataTable
      label="Result"
      tall="narrow"
      columns={columns}
      rows={rows}
      total={all.length}
      rowKey={(row) => labelKey(row.labels)}
      tools={
        <input
          className={`field ${styles.filter ?? ''}`}
          type="search"
          placeholder="Filter by label or value"
          aria-label="Filter rows"
          value={wanted}
          onChange={(event) => setWanted(event.target.value)}
        />
      }
    />
  );
}
