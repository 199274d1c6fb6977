import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTenant } from '../address/hooks';
import { queryInstant, queryRange, type Grid } from '../api/calls';
import { ApiError, type Answer, type Asking } from '../api/client';
import type { QueryAnswer, RangeSeries } from '../api/types';
import { useAsked } from '../api/useAsked';
import { alignGrid, chooseStep, parseDuration, type Span } from '../time/range';
import type { Past, QueryPanel } from './state';

/** One answer with what was asked, so that a late answer is never drawn on another question's axis. */
export interface Result extends Answer<QueryAnswer> {
  expr: string;
  grid: Grid | null;
  /** The same so long before, on the same steps; null where it was not asked for. */
  past: { name: Past; series: readonly RangeSeries[]; error: string | null } | null;
  span: Span;
  /** When the answer came. */
  takenMs: number;
}

/** What a panel shows: the last good answer, and why there is no newer one. */
export interface Shown {
  /** What was asked last and has been answered: of one expression a range, or the newest values for a table. */
  question: string;
  result: Result | undefined;
  error: Error | null;
}

function questionOf({ expr, view }: Pick<QueryPanel, 'expr' | 'view'>): string {
  return `${view === 'table' ? 'now' : 'range'} ${expr}`;
}

const BLANK: Shown = { question: '', result: undefined, error: null };

/** `shown` after an answer to `panel`, if there is one: a failure leaves the last good answer to the same question. */
export function afterAnswer(
  shown: Shown,
  panel: Pick<QueryPanel, 'expr' | 'view'>,
  result: Result | undefined,
  error: Error | null,
): Shown {
  const question = questionOf(panel);
  const same = question === shown.question;
  if (error !== null)
    return same && error === shown.error
      ? shown
      : { question, result: same ? shown.result : undefined, error };
  if (result === undefined || (same && result === shown.result && shown.error === null)) return shown;
  return { question, result, error: null };
}

/** While an answer is awaited the last one stays, but another question's error is over. */
export function whileAsking(shown: Shown, panel: Pick<QueryPanel, 'expr' | 'view'>): Shown {
  return questionOf(panel) === shown.question ? shown : { ...shown, error: null };
}

const POINTS = 700;
/** Answers of a thousand series are large; old ones are let go soon. */
const KEEP_MS = 15_000;

/** Step in seconds of `panel` over `span`. */
export function stepOf(panel: QueryPanel, span: Span): number {
  const wished = panel.step === null ? null : parseDuration(panel.step);
  return wished === null ? chooseStep(span.toMs - span.fromMs, POINTS) : wished / 1000;
}

/** What was so long before; that it cannot be read leaves the present as it is. */
async function loadPast(expr: string, grid: Grid, name: Past, asking: Asking): Promise<Result['past']> {
  const back = (parseDuration(name) ?? 0) / 1000;
  const before = { ...grid, start: grid.start - back, end: grid.end - back };
  try {
    const { data } = await queryRange(expr, before, asking);
    const series = data.resultType === 'matrix' ? data.result : [];
    return { name, series: series.map((one) => later(one, back)), error: null };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return { name, series: [], error: error.message };
  }
}

/** A series as if all of it had been so many seconds later. */
function later(series: RangeSeries, seconds: number): RangeSeries {
  return {
    ...series,
    ...(series.values ? { values: series.values.map(([at, text]) => [at + seconds, text] as const) } : {}),
    ...(series.histograms
      ? { histograms: series.histograms.map(([at, one]) => [at + seconds, one] as const) }
      : {}),
  };
}

async function load(panel: QueryPanel, span: Span, asking: Asking): Promise<Result> {
  const { expr } = panel;
  const grid = panel.view === 'table' ? null : alignGrid(span, stepOf(panel, span));
  const [answer, past] = await Promise.all([
    grid === null ? queryInstant(expr, span.toMs / 1000, asking) : queryRange(expr, grid, asking),
    grid === null || panel.past === null ? null : loadPast(expr, grid, panel.past, asking),
  ]);
  return { ...answer, expr, grid, past, span, takenMs: Date.now() };
}

export interface Asked extends Omit<Shown, 'question'> {
  fetching: boolean;
  /** What is shown is of before, and the answer that replaces it is awaited. */
  stale: boolean;
  /** Ends the question that is being answered; what was shown stays. */
  cancel: () => void;
}

/** What the server answers to `panel` over `span`, asked again with every new `run`. */
export function useResult(panel: QueryPanel, span: Span | null, run: number): Asked {
  const client = useQueryClient();
  const tenant = useTenant();
  const query = useAsked({
    key: ['explore', questionOf(panel), panel.step, panel.past, span?.fromMs, span?.toMs, run],
    ask: (asking) => {
      if (span === null) throw new Error('asked without a range');
      return load(panel, span, asking);
    },
    enabled: panel.expr.trim() !== '' && span !== null,
    staleTime: Infinity,
    gcTime: KEEP_MS,
    refetchOnWindowFocus: false,
    structuralSharing: false,
  });
  const [kept, setKept] = useState(BLANK);
  const next = afterAnswer(kept, panel, query.data, query.error);
  if (next !== kept) setKept(next);
  const { result, error } = whileAsking(next, panel);
  const cancel = (): void => void client.cancelQueries({ queryKey: [tenant, 'explore', questionOf(panel)] });
  return { result, error, fetching: query.isFetching, stale: query.isPending && query.isFetching, cancel };
}
