import { keepPreviousData, useQuery, type UseQueryResult } from '@tanstack/react-query';
import { queryInstant, queryRange, type Grid } from '../api/calls';
import type { Answer } from '../api/client';
import type { QueryAnswer } from '../api/types';
import { alignGrid, chooseStep, parseDuration, type Span } from '../time/range';
import type { QueryPanel } from './state';

/** One answer with what was asked, so that a late answer is never drawn on another question's axis. */
export interface Result extends Answer<QueryAnswer> {
  expr: string;
  grid: Grid | null;
  span: Span;
}

const POINTS = 700;
/** Answers of a thousand series are large; old ones are let go soon. */
const KEEP_MS = 15_000;

/** Step in seconds of `panel` over `span`. */
export function stepOf(panel: QueryPanel, span: Span): number {
  const wished = panel.step === null ? null : parseDuration(panel.step);
  return wished === null ? chooseStep(span.toMs - span.fromMs, POINTS) : wished / 1000;
}

async function load(panel: QueryPanel, span: Span, signal: AbortSignal): Promise<Result> {
  const { expr } = panel;
  if (panel.view === 'table')
    return { ...(await queryInstant(expr, span.toMs / 1000, signal)), expr, grid: null, span };
  const grid = alignGrid(span, stepOf(panel, span));
  return { ...(await queryRange(expr, grid, signal)), expr, grid, span };
}

/** What the server answers to `panel` over `span`, asked again with every new `run`. */
export function useResult(panel: QueryPanel, span: Span | null, run: number): UseQueryResult<Result> {
  return useQuery({
    queryKey: ['explore', panel.expr, panel.view, panel.step, span?.fromMs, span?.toMs, run],
    queryFn: ({ signal }) => {
      if (span === null) throw new Error('asked without a range');
      return load(panel, span, signal);
    },
    enabled: panel.expr.trim() !== '' && span !== null,
    placeholderData: keepPreviousData,
    staleTime: Infinity,
    gcTime: KEEP_MS,
    refetchOnWindowFocus: false,
    structuralSharing: false,
  });
}
