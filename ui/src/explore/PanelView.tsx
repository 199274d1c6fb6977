import clsx from 'clsx';
import { SegmentedControl } from '@mantine/core';
import { lazy, Suspense, useState, type ReactElement, type ReactNode } from 'react';
import { PageLink } from '../address/PageLink';
import { formatQuery } from '../api/calls';
import { ApiError } from '../api/client';
import { Button } from '../design/Button';
import { Glyph } from '../design/Glyph';
import {
  formatCount,
  formatInstant,
  formatSeconds,
  formatValue,
  guessUnit,
  UNIT_NAMES,
  type Unit,
} from '../design/format';
import { useNow, usePageClock } from '../design/hooks';
import { CopyIcon, IconButton, Note, Warnings } from '../design/parts';
import { Progress } from '../design/Progress';
import { formatDuration, parseDuration, type Span } from '../time/range';
import { ExportMenu } from '../exports/ExportMenu';
import { Builder } from './Builder';
import { exportCsv } from './csv';
import { GraphView } from './GraphView';
import { isOfBuckets } from './heat';
import { HeatView } from './HeatView';
import { HistoryMenu } from './HistoryMenu';
import { MetricBrowser } from './MetricBrowser';
import { QueryEditor } from '../promql/QueryEditor';
import { whyNot } from '../session/lacking';
import { useMay } from '../session/session';
import { ResultTable } from './ResultTable';
import { kindOf } from './panel';
import { PAST_NAMES, PASTS, VIEWS, type Past, type QueryPanel } from './state';
import { stepOf, useResult, type Result } from './useResult';
import styles from './explore.module.css';

const AddToDashboard = lazy(() => import('./AddToDashboard'));

export interface PanelViewProps {
  index: number;
  tenant: string | null;
  panel: QueryPanel;
  span: Span | null;
  run: number;
  only: boolean;
  onRun: (change: Partial<QueryPanel>) => void;
  onChange: (change: Partial<QueryPanel>) => void;
  onRemove: () => void;
  onZoom: (fromMs: number, toMs: number) => void;
  onZoomOut: () => void;
}

function StatsLine({ result }: { result: Result }): ReactElement {
  const { data, grid, tookMs, size } = result;
  const parts: string[] = [];
  if (data.resultType === 'vector' || data.resultType === 'matrix')
    parts.push(`${formatCount(data.result.length)} series`);
  if (grid) parts.push(`step ${formatDuration(grid.step * 1000)}`);
  const server = data.stats?.timings.execTotalTime;
  parts.push(
    `${formatSeconds(tookMs / 1000)}${server === undefined ? '' : ` (server ${formatSeconds(server)})`}`,
  );
  const read = data.stats?.samples.totalQueryableSamples;
  if (read !== undefined) parts.push(`${formatCount(read)} samples read`);
  parts.push(formatValue(size, 'bytes'));
  return <span className={clsx('dim', styles.stats)}>{parts.join(' · ')}</span>;
}

function StepField(props: {
  panel: QueryPanel;
  span: Span | null;
  onChange: (step: string | null) => void;
}): ReactElement {
  const { panel, span, onChange } = props;
  const [text, setText] = useState(panel.step ?? '');
  const parsed = text.trim() === '' ? 0 : parseDuration(text.trim());
  const commit = (): void => {
    if (parsed === null) return;
    const next = parsed === 0 ? null : text.trim();
    if (next !== panel.step) onChange(next);
  };
  const auto = span ? formatDuration(stepOf({ ...panel, step: null }, span) * 1000) : '';
  return (
    <label className="row">
      <span className="dim">step</span>
      <input
        className={clsx('field', styles.step)}
        value={text}
        placeholder={`auto ${auto}`}
        aria-label="Step"
        aria-invalid={parsed === null}
        onChange={(event) => setText(event.target.value)}
        onBlur={commit}
        onKeyDown={(event) => {
          if (event.key === 'Enter') commit();
        }}
      />
    </label>
  );
}

/** The unit of what is drawn when the reader chose none. */
function autoUnit({ expr, data }: Result): Unit {
  const histograms = data.resultType === 'matrix' && data.result.some((series) => series.histograms?.length);
  return guessUnit(expr, histograms);
}

/** The same while another query's answer is still shown. */
function autoUnitOf({ expr }: QueryPanel, result: Result | undefined): Unit {
  return result?.expr === expr ? autoUnit(result) : guessUnit(expr);
}

/** What can be made of a query once it shows what was looked for. */
function Onward({ panel, result }: { panel: QueryPanel; result: Result | undefined }): ReactElement | null {
  const may = useMay();
  const [adding, setAdding] = useState(false);
  if (panel.expr.trim() === '') return null;
  const why = whyNot(may, 'dashboards.edit', 'Panels are added to dashboards');
  const answer = result?.expr === panel.expr ? result.data : undefined;
  return (
    <>
      <Button whyNot={why} onClick={() => setAdding(true)}>
        Add to a dashboard
      </Button>
      <PageLink page="rules" search={{ new: '', expr: panel.expr }} className="button">
        Make an alert
      </PageLink>
      {adding ? (
        <Suspense fallback={null}>
          <AddToDashboard
            panel={panel}
            kind={kindOf(panel, answer)}
            unit={panel.unit ?? autoUnitOf(panel, result)}
            onClose={() => setAdding(false)}
          />
        </Suspense>
      ) : null}
    </>
  );
}

function UnitField(props: {
  panel: QueryPanel;
  auto: Unit;
  onChange: (unit: Unit | null) => void;
}): ReactElement {
  const { panel, auto, onChange } = props;
  const guessed = UNIT_NAMES.find(([unit]) => unit === auto)?.[1] ?? '';
  return (
    <label className="row">
      <span className="dim">unit</span>
      <select
        className="select"
        aria-label="Unit"
        value={panel.unit ?? ''}
        onChange={(event) => onChange((event.target.value || null) as Unit | null)}
      >
        <option value="">auto: {guessed}</option>
        {UNIT_NAMES.map(([unit, name]) => (
          <option key={unit} value={unit}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

/** Whether an answer can be shown as a heat map. */
function hasBuckets(result: Result | undefined): boolean {
  return result?.data.resultType === 'matrix' && isOfBuckets(result.data.result);
}

/** From then on a query has taken long enough to say so. */
const LONG_MS = 1_500;

/** How long a query has been running, and the way to end it. Mounted with the question. */
function Running({ onCancel }: { onCancel: () => void }): ReactElement | null {
  const [begun] = useState(() => Date.now());
  const now = useNow(500);
  if (now - begun < LONG_MS) return null;
  return (
    <span className="row" role="status">
      <span className="dim">running for {formatSeconds(Math.round((now - begun) / 1000))}</span>
      <button type="button" className="button" onClick={onCancel}>
        Cancel
      </button>
    </span>
  );
}

function Remarks({ result }: { result: Result }): ReactNode {
  return (
    <>
      <Warnings of={result.warnings} />
      {result.infos.map((text) => (
        <Note level="info" key={text}>
          {text}
        </Note>
      ))}
    </>
  );
}

function errorTitle(error: Error): string {
  if (!(error instanceof ApiError) || error.kind !== 'refused') return '';
  if (error.errorType === 'bad_data') return 'The query is not valid. ';
  return error.errorType === 'timeout' ? 'The query took too long. ' : 'The query failed. ';
}

function Failure({ error, result }: { error: Error; result: Result | undefined }): ReactElement {
  const { utc } = usePageClock();
  const taken = result ? formatInstant(Math.floor(result.takenMs / 1000) * 1000, utc) : null;
  return (
    <Note level="bad">
      <b>{errorTitle(error)}</b>
      {error.message}
      {taken === null ? null : <div className="dim">Below is the last answer, as of {taken}.</div>}
    </Note>
  );
}

function Body(
  props: PanelViewProps & { result: Result | undefined; error: Error | null; pending: boolean },
): ReactElement {
  const { panel, result, error, pending, onZoom, onZoomOut } = props;
  if (panel.expr.trim() === '') return <MetricBrowser onChoose={(expr) => props.onRun({ expr })} />;
  const failure = error ? <Failure error={error} result={result} /> : null;
  if (!result) return failure ?? <div className={styles.waiting} aria-label={pending ? 'Loading' : ''} />;
  const unit = panel.unit ?? autoUnit(result);
  const { data, grid } = result;
  return (
    <>
      {failure}
      <Remarks result={result} />
      {grid && data.resultType === 'matrix' && panel.view === 'heat' ? (
        <HeatView
          title={result.expr}
          series={data.result}
          grid={grid}
          span={result.span}
          unit={panel.unit}
          onZoom={onZoom}
          onZoomOut={onZoomOut}
        />
      ) : grid && data.resultType === 'matrix' ? (
        <GraphView
          title={result.expr}
          series={data.result}
          past={result.past}
          grid={grid}
          span={result.span}
          unit={unit}
          stacked={panel.stacked}
          expected={panel.expected}
          onZoom={onZoom}
          onZoomOut={onZoomOut}
        />
      ) : (
        <ResultTable answer={data} unit={unit} />
      )}
    </>
  );
}

/** One query with its editor, its settings and its result. */
export function PanelView(props: PanelViewProps): ReactElement {
  const { index, tenant, panel, span, run, only, onRun, onChange, onRemove } = props;
  const { utc } = usePageClock();
  const [draft, setDraft] = useState({ text: panel.expr, of: panel.expr });
  // The back button changes the expression under us: then the draft follows it.
  if (draft.of !== panel.expr) setDraft({ text: panel.expr, of: panel.expr });
  const [optionsOpen, setOptionsOpen] = useState(false);
  const [formatError, setFormatError] = useState<string | null>(null);
  const { result, error: failed, fetching, stale, cancel } = useResult(panel, span, run);
  const setText = (text: string): void => {
    setDraft({ text, of: panel.expr });
    setFormatError(null);
  };
  const format = (): void => {
    void formatQuery(draft.text, { tenant }).then(
      (answer) => setText(answer.data),
      (reason: unknown) => setFormatError(reason instanceof Error ? reason.message : String(reason)),
    );
  };
  const shownError = failed && draft.text === panel.expr ? failed.message : formatError;
  return (
    <section className={clsx('panel', styles.query)} aria-label={`Query ${index + 1}`}>
      <div className={styles.queryHead}>
        <QueryEditor
          text={draft.text}
          tenant={tenant}
          onChange={setText}
          onRun={() => onRun({ expr: draft.text })}
          error={shownError}
          autoFocus={only && panel.expr === ''}
        />
        <div className={clsx('row', styles.queryActions)}>
          <IconButton
            icon={<Glyph name="filter" />}
            label="Builder: choose instead of writing"
            active={panel.builder}
            onClick={() => onChange({ builder: !panel.builder })}
          />
          <HistoryMenu onChoose={(expr) => onRun({ expr })} />
          <IconButton
            icon={<Glyph name="format" />}
            label="Format the query"
            disabled={draft.text.trim() === ''}
            onClick={format}
          />
          <CopyIcon text={() => draft.text} label="Copy the query" />
          <IconButton
            icon={<Glyph name="trash" />}
            label="Remove this query"
            disabled={only && panel.expr === ''}
            onClick={onRemove}
          />
          <button
            type="button"
            className="button primary"
            onClick={() => onRun({ expr: draft.text })}
            title="Run (Enter or Ctrl-Enter)"
          >
            {draft.text === panel.expr ? 'Run' : 'Run *'}
          </button>
        </div>
      </div>
      <Progress busy={fetching} />
      {panel.builder ? <Builder text={draft.text} onBuilt={(expr) => onRun({ expr })} /> : null}
      {formatError ? <Note level="bad">{formatError}</Note> : null}
      <div className={clsx('row wrap', styles.queryTools)}>
        <SegmentedControl
          size="xs"
          aria-label="View"
          data={[
            { value: 'graph', label: 'Graph' },
            ...(panel.view === 'heat' || hasBuckets(result) ? [{ value: 'heat', label: 'Heat map' }] : []),
            { value: 'table', label: 'Table' },
          ]}
          value={panel.view}
          onChange={(next) => onChange({ view: VIEWS.find((view) => view === next) ?? 'graph' })}
        />
        <button
          type="button"
          className={clsx('button', styles.options)}
          aria-expanded={optionsOpen}
          onClick={() => setOptionsOpen(!optionsOpen)}
        >
          Options
        </button>
        <div className={styles.more} data-open={optionsOpen}>
          {panel.view === 'graph' ? (
            <>
              <button
                type="button"
                className="button"
                aria-pressed={panel.stacked}
                onClick={() => onChange({ stacked: !panel.stacked })}
              >
                Stacked
              </button>
              <button
                type="button"
                className="button"
                aria-pressed={panel.expected}
                title="What was to be expected of series that are watched for anomalies"
                onClick={() => onChange({ expected: !panel.expected })}
              >
                Expected
              </button>
              <select
                className="select"
                aria-label="Compare with the past"
                value={panel.past ?? ''}
                onChange={(event) => onChange({ past: (event.target.value || null) as Past | null })}
              >
                <option value="">no comparison</option>
                {PASTS.map((past) => (
                  <option key={past} value={past}>
                    with {PAST_NAMES[past]}
                  </option>
                ))}
              </select>
              <StepField
                key={panel.step ?? ''}
                panel={panel}
                span={span}
                onChange={(step) => onChange({ step })}
              />
            </>
          ) : null}
          <UnitField panel={panel} auto={autoUnitOf(panel, result)} onChange={(unit) => onChange({ unit })} />
        </div>
        <span className="grow" />
        {fetching ? <Running onCancel={cancel} /> : null}
        {result && !failed ? <StatsLine result={result} /> : null}
        <Onward panel={panel} result={result} />
        <ExportMenu
          what={
            !result || failed !== null
              ? null
              : {
                  signal: 'metrics',
                  query: result.expr,
                  fromMs: (result.grid?.start ?? 0) * 1000,
                  toMs: result.grid ? result.grid.end * 1000 : result.span.toMs,
                  ...(result.grid ? { stepS: result.grid.step } : {}),
                }
          }
          onShown={() => {
            if (result) exportCsv(result, utc);
          }}
        />
      </div>
      <div className={clsx(styles.queryBody, stale && styles.stale)} aria-busy={fetching}>
        <Body {...props} result={result} error={failed} pending={fetching} />
      </div>
    </section>
  );
}
