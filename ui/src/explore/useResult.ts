import { useState } from 'react';
import { queryInstant, queryRange, type Grid } from '../api/calls';
import type { Answer, Asking } from '../api/client';
import type { QueryAnswer } from '../api/types';
import { useAsked } from '../api/useAsked';
import { alignGrid, chooseStep, parseDuration, type Span } from '../time/range';
import type { QueryPanel } from './state';

/** One answer with what was asked, so that a late answer is never drawn on another question's axis. */
export interface Result extends Answer<QueryAnswer> {
  expr: string;
  grid: Grid | null;
  span: Span;
  /** When the answer came. */
  takenMs: number;
}

/** What a panel shows: the last good answer, and why there is no newer one. */
export interface Shown {
  /** What was asked last and has been answered; a graph and a table of one expression differ. */
  question: string;
  result: Result | undefined;
  error: Error | null;
}

function questionOf({ expr, view }: Pick<QueryPanel, 'expr' | 'view'>): string {
  return `${view} ${expr}`;
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

async function load(panel: QueryPanel, span: Span, asking: Asking): Promise<Result> {
  const { expr } = panel;
  const grid = panel.view === 'table' ? null : alignGrid(span, stepOf(panel, span));
  const answer =
    grid === null ? await queryInstant(expr, span.toMs / 1000, asking) : await queryRange(expr, grid, asking);
  return { ...answer, expr, grid, span, takenMs: Date.now() };
}

export interface Asked extends Omit<Shown, 'question'> {
  fetching: boolean;
  /** What is shown is of before, and the answer that replaces it is awaited. */
  stale: boolean;
}

/** What the server answers to `panel` over `span`, asked again with every new `run`. */
export function useResult(panel: QueryPanel, span: Span | null, run: number): Asked {
  const query = useAsked({
    key: ['explore', panel.expr, panel.view, panel.step, span?.fromMs, span?.toMs, run],
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
  return { result, error, fetching: query.isFetching, stale: query.isPending && query.isFetching };
}
