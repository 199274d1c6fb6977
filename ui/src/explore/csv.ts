import { formatLabels, gridTimes, parseFloatText } from '../chart/columns';
import { labelColumns, toRows } from './rows';
import type { Result } from './useResult';

/** One line per instant, one column per series, as spreadsheets read it (RFC 4180). */
export function toCsv(
  header: readonly string[],
  rows: readonly (readonly (string | number | null)[])[],
): string {
  const cell = (value: string | number | null): string => {
    if (value === null) return '';
    // A formula in a spreadsheet must not come from a label's value.
    const text = typeof value === 'string' && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [header, ...rows].map((row) => row.map(cell).join(',')).join('\r\n') + '\r\n';
}

/** A result as CSV: of a range one line per instant and a column per series, else one line per series. */
export function resultCsv(result: Result, utc: boolean): string {
  const { data, grid } = result;
  if (grid && data.resultType === 'matrix') {
    const times = gridTimes(grid);
    const columns = data.result.map((series) => {
      const column = new Array<string | number | null>(times.length).fill(null);
      for (const [time, text] of series.values ?? []) {
        const value = parseFloatText(text);
        column[Math.round((time - grid.start) / grid.step)] = Number.isFinite(value) ? value : text;
      }
      return column;
    });
    const rows = times.map((time, i) => [
      new Date(time * 1000).toISOString(),
      ...columns.map((column) => column[i] ?? null),
    ]);
    return toCsv(['time', ...data.result.map((series) => formatLabels(series.metric))], rows);
  }
  const rows = toRows(data, utc);
  const labels = labelColumns(rows);
  return toCsv(
    [...labels, 'value'],
    rows.map((row) => [
      ...labels.map((name) => row.labels[name] ?? null),
      Number.isFinite(row.value) ? row.value : row.text,
    ]),
  );
}

/** Has the browser save `result` as a file. */
export function exportCsv(result: Result, utc: boolean): void {
  const url = URL.createObjectURL(new Blob([resultCsv(result, utc)], { type: 'text/csv' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = `pharos-${new Date(result.span.toMs).toISOString().slice(0, 19).replaceAll(':', '')}.csv`;
  link.click();
  URL.revokeObjectURL(url);
}
