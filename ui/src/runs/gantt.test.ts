import { describe, expect, it } from 'vitest';
import type { RunState } from '../api/runs';
import { axisOf, barsOf, beganMs, criticalSteps, endedMs, forecast, placeOn, type PlacedStep } from './gantt';

/** A step whose attempts are given as pairs of begin and end; all but the last failed. */
function step(
  id: string,
  attempts: readonly (readonly [number, number | null])[],
  more: Partial<PlacedStep> = {},
): PlacedStep {
  const last = attempts.at(-1);
  const state: RunState = last === undefined ? 'pending' : last[1] === null ? 'running' : 'succeeded';
  return {
    id,
    state,
    depends_on: [],
    typical_ms: null,
    queued_ms: null,
    attempt: attempts.length,
    start_ms: last?.[0] ?? null,
    end_ms: last?.[1] ?? null,
    tries: attempts.map(([from, to], i) => ({
      attempt: i + 1,
      state: i === attempts.length - 1 ? state : 'failed',
      start_ms: from,
      end_ms: to,
      error: '',
      node: '',
    })),
    ...more,
  };
}

const RUN = { start_ms: 10, end_ms: null, is_over: false, expected_end_ms: null };

describe('the bars of a step', () => {
  it('are its attempts, whatever order they were told in', () => {
    const one = step('a', [
      [10, 20],
      [40, 50],
    ]);
    expect(barsOf({ ...one, tries: [...one.tries].reverse() }).map(({ attempt }) => attempt)).toEqual([1, 2]);
    expect([beganMs(one), endedMs(one)]).toEqual([10, 50]);
  });
  it('are the step itself where no attempt is told of', () =>
    expect(barsOf({ ...step('a', [[10, 20]]), tries: [] })).toEqual([
      { attempt: 1, state: 'succeeded', fromMs: 10, toMs: 20 },
    ]));
  it('of one that is over and said no end have no length', () =>
    expect(barsOf(step('a', [[10, null]], { state: 'failed', tries: [] }))[0]?.toMs).toBe(10));
  it('are none before it began', () => expect(barsOf(step('a', []))).toEqual([]));
});

describe('what is to come', () => {
  const steps = [
    step('a', [[0, 100]]),
    step('b', [[100, null]], { depends_on: ['a'], typical_ms: 60 }),
    step('c', [], { depends_on: ['b'], typical_ms: 40 }),
    step('d', [], { depends_on: ['c', 'a', 'gone'], typical_ms: 10 }),
  ];
  it('follows what it waits for', () =>
    expect([...forecast(steps, 120)]).toEqual([
      ['b', { fromMs: 100, toMs: 160 }],
      ['c', { fromMs: 160, toMs: 200 }],
      ['d', { fromMs: 200, toMs: 210 }],
    ]));
  it('moves on with what takes longer than usual', () =>
    expect(forecast(steps, 500).get('c')).toEqual({ fromMs: 500, toMs: 540 }));
  it('is not guessed behind what nobody knows', () => {
    const unknown = steps.map((one) => (one.id === 'b' ? { ...one, typical_ms: null } : one));
    expect([...forecast(unknown, 120).keys()]).toEqual([]);
  });
  it('knows of no end of a circle', () =>
    expect(
      forecast(
        [
          step('x', [], { depends_on: ['y'], typical_ms: 1 }),
          step('y', [], { depends_on: ['x'], typical_ms: 1 }),
        ],
        0,
      ).size,
    ).toBe(0));
  it('is found for five thousand steps in a row', () => {
    const chain = Array.from({ length: 5_000 }, (_, i) =>
      step(`s${i}`, [], { depends_on: i > 0 ? [`s${i - 1}`] : [], typical_ms: 2 }),
    );
    expect(forecast(chain, 0).get('s4999')).toEqual({ fromMs: 9_998, toMs: 10_000 });
  });
});

describe('the axis', () => {
  it('reaches to what is expected while a run goes on', () => {
    const steps = [step('a', [[10, null]], { typical_ms: 50 })];
    expect(axisOf({ ...RUN, expected_end_ms: 80 }, steps, forecast(steps, 20), 20)).toEqual({
      fromMs: 10,
      toMs: 80,
    });
  });
  it('ends with a run that is over, and holds steps that clocks put before it', () =>
    expect(axisOf({ ...RUN, end_ms: 40, is_over: true }, [step('a', [[5, 60]])], new Map(), 99)).toEqual({
      fromMs: 5,
      toMs: 60,
    }));
  it('of a run that nothing is known of has a length', () =>
    expect(axisOf({ ...RUN, start_ms: null }, [], new Map(), 7)).toEqual({ fromMs: 7, toMs: 8 }));
  it.each([
    [20, 40, { left: 0.1, width: 0.2 }],
    [0, 40, { left: 0, width: 0.3 }],
    [60, 500, { left: 0.5, width: 0.5 }],
    [30, 30, { left: 0.2, width: 0 }],
    [0, 5, null],
  ])('has %d to %d at %j', (from, to, place) =>
    expect(placeOn({ fromMs: 10, toMs: 110 }, from, to)).toEqual(
      place && { left: expect.closeTo(place.left) as number, width: expect.closeTo(place.width) as number },
    ),
  );
});

describe('the steps that a length is due to', () => {
  it('lead from the end back along who waited for whom', () => {
    const steps = [
      step('a', [[0, 10]]),
      step('slow', [[0, 50]]),
      step('b', [[50, 60]], { depends_on: ['a', 'slow'] }),
    ];
    expect([...criticalSteps(steps, 99)]).toEqual(['b', 'slow']);
  });
  it('are none where no step waits for another', () =>
    expect(criticalSteps([step('a', [[0, 10]]), step('b', [[0, 20]])], 99).size).toBe(0));
  it('have an end in a circle', () =>
    expect(
      criticalSteps(
        [step('a', [[0, 10]], { depends_on: ['b'] }), step('b', [[0, 9]], { depends_on: ['a'] })],
        99,
      ).size,
    ).toBe(2));
});
