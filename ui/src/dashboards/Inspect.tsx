import { useMemo, type ReactElement } from 'react';
import type { PanelAnswer, PanelModel, Variable } from '../api/dashboards';
import { CodeView } from '../design/CodeView';
import { Drawer } from '../design/Drawer';
import { EmptyState } from '../design/EmptyState';
import { formatThings } from '../design/format';
import { usePageClock, useScheme } from '../design/hooks';
import { JsonView } from '../design/JsonView';
import { Note } from '../design/parts';
import { DataTable } from '../design/table/DataTable';
import type { TableColumn } from '../design/table/columns';
import { Tabs } from '../design/Tabs';
import { Value } from '../design/Value';
import { visibleText } from '../design/value';
import { toCsv } from '../explore/csv';
import { ExportMenu } from '../exports/ExportMenu';
import type { Exported } from '../exports/path';
import { readFrames } from '../panels/answer';
import { cellText, isTrend, lengthOf, numeric, type Cell } from '../panels/frame';
import { flagAt, textAt } from '../panels/json';
import { configure, type ShownFrame } from '../panels/overrides';
import { show } from '../panels/shown';
import { joinByField } from '../panels/transform/join';
import { transform } from '../panels/transform/transform';
import type { Board } from './board';
import { saveText } from './download';
import { filled } from './state';
import { usePanelState } from './useBoard';
import styles from './dashboard.module.css';

interface RowAt {
  row: number;
}

/** All of a panel's data as one table, series beside each other by time. */
function tablesOf(frames: readonly ShownFrame[], fieldConfig: unknown): ShownFrame[] {
  const timed =
    frames.length > 1 && frames.every(({ fields }) => fields[0]?.type === 'time' && fields.length === 2);
  return timed ? configure(joinByField(frames, {}), fieldConfig) : [...frames];
}

function plain(cell: Cell): string | number | null {
  if (isTrend(cell)) return cell.value;
  return typeof cell === 'boolean' ? String(cell) : cell;
}

function csvOf(frame: ShownFrame): string {
  const rows = Array.from({ length: lengthOf(frame) }, (_, row) =>
    frame.fields.map(({ type, values }) => {
      const cell = values[row] ?? null;
      return type === 'time' && typeof cell === 'number' ? new Date(cell).toISOString() : plain(cell);
    }),
  );
  return toCsv(
    frame.fields.map(({ title }) => title),
    rows,
  );
}

/** The queries of a panel that the server writes into files, as they were asked. */
function exportedOf(
  panel: PanelModel,
  answer: PanelAnswer | null,
  variables: readonly Variable[],
): { ref: string; what: Exported }[] {
  if (answer === null) return [];
  const { from: fromMs, to: toMs, interval_ms: intervalMs } = answer;
  return panel.targets.flatMap((target) => {
    const expr = textAt(target, 'expr');
    const source = textAt(target, 'datasource.type');
    if (expr === '' || flagAt(target, 'hide') || source === 'loki') return [];
    const query = filled(expr, variables, intervalMs, toMs - fromMs);
    const step = flagAt(target, 'instant') ? {} : { stepS: intervalMs / 1000 };
    return [{ ref: textAt(target, 'refId'), what: { signal: 'metrics', query, fromMs, toMs, ...step } }];
  });
}

function Data({
  panel,
  frames,
  answer,
  variables,
}: {
  panel: PanelModel;
  frames: readonly ShownFrame[];
  answer: PanelAnswer | null;
  variables: readonly Variable[];
}): ReactElement {
  const scheme = useScheme();
  const { utc } = usePageClock();
  const tables = useMemo(() => tablesOf(frames, panel.fieldConfig), [frames, panel.fieldConfig]);
  const [table] = tables;
  const columns = useMemo(
    () =>
      (table?.fields ?? []).map((field, place): TableColumn<RowAt> => ({
        id: String(place),
        title: field.title || ' ',
        ...(field.type === 'number' ? { kind: 'number' as const } : {}),
        value: ({ row }) =>
          field.type === 'string' || field.type === 'other'
            ? cellText(field.values[row])
            : numeric(field.values[row] ?? null),
        cell: ({ row }) => {
          const cell = field.values[row] ?? null;
          return (
            <Value
              text={
                show(field.config, isTrend(cell) ? cell.value : cell, { scheme, clock: { nowMs: 0, utc } })
                  .text || '–'
              }
            />
          );
        },
        titled: true,
        exact: ({ row }) => cellText(field.values[row]),
        chars: field.type === 'time' ? 20 : Math.min(40, Math.max(10, field.title.length)),
      })),
    [table, scheme, utc],
  );
  const rows = useMemo(
    () => Array.from({ length: table ? lengthOf(table) : 0 }, (_, row): RowAt => ({ row })),
    [table],
  );
  if (!table || rows.length === 0) return <EmptyState reason="out-of-range" title="No data" />;
  const exported = exportedOf(panel, answer, variables);
  const name = visibleText(panel.title || 'panel').replaceAll(/[^\p{L}\p{N}]+/gu, '-');
  return (
    <>
      <DataTable
        label="Data"
        tall="narrow"
        columns={columns}
        rows={rows}
        rowKey={({ row }) => String(row)}
        tools={
          <>
            <button
              type="button"
              className="button"
              onClick={() => saveText(`${name}.csv`, 'text/csv', tables.map(csvOf).join('\r\n'))}
            >
              Save as CSV
            </button>
            <button
              type="button"
              className="button"
              onClick={() =>
                saveText(`${name}.json`, 'application/json', JSON.stringify(answer?.frames ?? [], null, 2))
              }
            >
              Save as JSON
            </button>
            {exported.map(({ ref, what }) => (
              <ExportMenu key={ref} what={what} {...(exported.length > 1 ? { name: `Export ${ref}` } : {})} />
            ))}
          </>
        }
      />
      {tables.length > 1 ? (
        <p className="dim">The first of {formatThings(tables.length, 'table')}; the CSV has all.</p>
      ) : null}
    </>
  );
}

/** What is behind a panel: its data, the questions that it asks, its settings. */
export function Inspect(props: {
  panel: PanelModel | null;
  dataKey: string;
  board: Board;
  variables: readonly Variable[];
  onClose: () => void;
}): ReactElement {
  const { panel, dataKey, board, variables, onClose } = props;
  const { answer } = usePanelState(board, dataKey);
  const frames = useMemo(() => {
    if (!answer || !panel) return [];
    return configure(transform(readFrames(answer.frames), panel.transformations).frames, panel.fieldConfig);
  }, [answer, panel]);
  return (
    <Drawer
      open={panel !== null}
      onClose={onClose}
      title={panel ? <Value text={panel.title || 'Panel'} /> : ''}
      wide
    >
      {panel === null ? null : (
        <Tabs
          label="What is behind the panel"
          tabs={[
            {
              id: 'data',
              label: 'Data',
              content: <Data panel={panel} frames={frames} answer={answer} variables={variables} />,
            },
            {
              id: 'query',
              label: 'Query',
              content: (
                <div className={styles.editorMain}>
                  {(answer?.errors ?? []).map(({ ref, message, hint }, i) => (
                    <Note key={i} level="bad">
                      <Value text={`${ref === '' ? '' : `${ref}: `}${message} ${hint}`} />
                    </Note>
                  ))}
                  {panel.targets.map((target, i) => {
                    const text =
                      textAt(target, 'expr') ||
                      textAt(target, 'query') ||
                      textAt(target, 'expression') ||
                      JSON.stringify(target, null, 2);
                    const range = answer ? answer.to - answer.from : 3_600_000;
                    return (
                      <CodeView
                        key={i}
                        label={`Query ${textAt(target, 'refId')}`}
                        language={textAt(target, 'expr') === '' ? 'text' : 'promql'}
                        wrap
                        text={filled(text, variables, 15_000, range)}
                      />
                    );
                  })}
                  {answer ? (
                    <p className="dim">
                      Answered in {Math.round(answer.took_ms)} ms with {formatThings(frames.length, 'frame')}.
                    </p>
                  ) : null}
                </div>
              ),
            },
            {
              id: 'json',
              label: 'JSON',
              content: <JsonView label="the panel" value={JSON.parse(JSON.stringify(panel)) as never} />,
            },
          ]}
        />
      )}
    </Drawer>
  );
}
