// What the server is asked for a file. Pure.

export type Signal = 'metrics' | 'logs' | 'traces';

export type FileFormat = 'csv' | 'parquet';

/** A query or a search with its times; a step makes it one over a range. */
export interface Exported {
  signal: Signal;
  query: string;
  fromMs: number;
  toMs: number;
  stepS?: number;
  /** What else narrows a search. */
  filters?: Readonly<Record<string, string | undefined>>;
}

/** The address of the file. */
export function exportPath(what: Exported, format: FileFormat): string {
  const { signal, query, fromMs, toMs, stepS, filters = {} } = what;
  const instant = signal === 'metrics' && stepS === undefined;
  const named: Record<string, string | undefined> = {
    query,
    ...filters,
    ...(instant ? { time: String(toMs / 1000) } : { start: String(fromMs / 1000), end: String(toMs / 1000) }),
    step: stepS === undefined ? undefined : String(stepS),
    format,
  };
  const given = Object.entries(named).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value]],
  );
  return `/api/export/${signal}?${new URLSearchParams(given).toString()}`;
}
