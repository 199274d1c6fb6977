import { expect, it } from 'vitest';
import type { RunStep, RunView } from '../api/runs';
import { logsAsked } from './logs';

const VIEW = {
  run: { start_ms: 100_000, end_ms: 200_000, queued_ms: null },
  links: { logs_query: 'service:loader', start_ms: 100_000, end_ms: 200_000 },
} as unknown as RunView;

function step(more: Partial<RunStep>): RunStep {
  return { trace_id: '', span_id: '', start_ms: 150_000, end_ms: 160_000, tries: [], ...more } as RunStep;
}

it('a run has the lines around its time', () =>
  expect(logsAsked(VIEW, null, true)).toEqual({ query: 'service:loader', fromMs: 95_000, toMs: 230_000 }));
it('a run that goes on has those up to now', () => expect(logsAsked(VIEW, null, false)?.toMs).toBeNull());
it('a step has those of its time, from its first attempt on', () =>
  expect(
    logsAsked(
      VIEW,
      step({ tries: [{ start_ms: 120_000 }, { start_ms: 150_000 }] as unknown as RunStep['tries'] }),
      true,
    ),
  ).toEqual({ query: 'service:loader', fromMs: 115_000, toMs: 165_000 }));
it('a step with a span has those of its span', () =>
  expect(logsAsked(VIEW, step({ trace_id: 'ab', span_id: 'cd' }), true)?.query).toBe(
    'trace_id:ab span_id:cd',
  ));
it('a step that did not begin has none', () =>
  expect(logsAsked(VIEW, step({ start_ms: null, end_ms: null }), true)).toBeNull());
it('a run that nothing ties lines to has none', () =>
  expect(logsAsked({ ...VIEW, links: { ...VIEW.links, logs_query: '' } }, null, true)).toBeNull());
