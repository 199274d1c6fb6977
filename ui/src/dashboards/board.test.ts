import { describe, expect, it, vi } from 'vitest';
import type { AnswerLine, PanelAnswer, Question } from '../api/dashboards';
import { ApiError } from '../api/client';
import { Board, type AskLines } from './board';

const BASE = { uid: 'x', from: 0, to: 1, variables: {}, width_px: 1000 };
const LAYOUT: AnswerLine = { kind: 'layout', title: 'X', tabs: [], links: [] };

function answer(panel: string): PanelAnswer {
  return {
    kind: 'panel',
    panel,
    frames: [],
    errors: [],
    notices: [],
    interval_ms: 15_000,
    took_ms: 1,
    from: 0,
    to: 1,
    label: null,
  };
}

/** A server that answers at once, and what it was asked. */
function server(refuses = false): { asked: Question[]; ask: AskLines } {
  const asked: Question[] = [];
  return {
    asked,
    ask: (question, _asking, onLine) => {
      asked.push(question);
      if (question.include?.includes('layout')) onLine(LAYOUT);
      if (refuses && question.include?.includes('panels'))
        return Promise.reject(new ApiError('refused', 'too much'));
      for (const key of question.panels ?? []) if (key !== 'p:9') onLine(answer(key));
      return Promise.resolve();
    },
  };
}

const settle = (): Promise<void> => vi.waitFor(() => Promise.resolve());

describe('a board', () => {
  it('asks for the layout first, then for the panels that are near the view, together', async () => {
    vi.useFakeTimers();
    const { asked, ask } = server();
    const board = new Board(ask);
    board.ask(BASE, { tenant: null }, true);
    await vi.advanceTimersByTimeAsync(1);
    expect(board.frameNow().title).toBe('X');
    board.see('p:1', true);
    board.see('p:2', true);
    board.see('p:3', true);
    board.see('p:3', false);
    await vi.advanceTimersByTimeAsync(60);
    vi.useRealTimers();
    expect(asked.map(({ include, panels }) => [include?.[0], panels])).toEqual([
      ['variables', undefined],
      ['panels', ['p:1', 'p:2']],
    ]);
    expect(board.panelNow('p:1')).toMatchObject({ asking: false, error: null, answer: { panel: 'p:1' } });
  });
  it('asks at a refresh only for what is seen, and tells each panel alone', async () => {
    const { asked, ask } = server();
    const board = new Board(ask);
    board.see('p:1', true);
    board.ask(BASE, { tenant: null }, true);
    await settle();
    const told = vi.fn();
    board.listen('p:1', told);
    board.ask({ ...BASE, to: 2 }, { tenant: null }, false);
    await settle();
    expect(asked.at(-1)).toMatchObject({ panels: ['p:1'], refresh_variables: false, to: 2 });
    expect(told).toHaveBeenCalledTimes(2);
  });
  it('keeps what was answered where it is asked anew and refused, and says why', async () => {
    const good = server();
    let now = good.ask;
    const board = new Board((...all) => now(...all));
    board.see('p:1', true);
    board.ask(BASE, { tenant: null }, true);
    await settle();
    now = server(true).ask;
    board.ask(BASE, { tenant: null }, false);
    await settle();
    expect(board.panelNow('p:1')).toMatchObject({
      asking: false,
      error: 'too much',
      answer: { panel: 'p:1' },
    });
  });
  it('does not wait for a panel of which nothing came', async () => {
    const board = new Board(server().ask);
    board.see('p:9', true);
    board.ask(BASE, { tenant: null }, true);
    await settle();
    expect(board.panelNow('p:9')).toEqual({ answer: null, asking: false, error: null });
  });
});
