import { describe, expect, it } from 'vitest';
import type { FlowHook } from '../api/flows';
import { actionsIn, actionsOf, readParameters, refusal } from './control';

const HOOKS: readonly FlowHook[] = [
  { workflow: '*', hook: { actions: ['abort'] } },
  { workflow: 'load', hook: { actions: ['pause', 'resume'] } },
];

describe('the buttons of a run', () => {
  it.each([
    ['running', ['pause', 'abort']],
    ['stuck', ['pause', 'abort']],
    ['paused', ['resume', 'abort']],
    ['timed_out', ['retry']],
    ['succeeded', []],
  ] as const)('that is %s: %j', (state, actions) => expect(actionsIn(state)).toEqual(actions));
  it('are those that its engine listens to, its own hook before the common one', () => {
    expect(actionsOf(HOOKS, 'load')).toEqual(['pause', 'resume']);
    expect(actionsOf(HOOKS, 'other')).toEqual(['abort']);
    expect(actionsOf([], 'load')).toBeNull();
    expect(actionsOf([{ workflow: '*', hook: {} }], 'load')).toContain('retry');
  });
  it('say why they cannot be pressed', () => {
    expect(refusal('pause', ['pause'], () => true)).toBeNull();
    expect(refusal('pause', null, () => true)).toMatch(/no engine listens/);
    expect(refusal('pause', ['abort'], () => true)).toMatch(/cannot do it/);
    expect(refusal('pause', ['pause'], () => false)).toMatch(/permission flows\.pause/);
  });
});

it.each([
  ['', {}],
  ['{"day": 1}', { day: 1 }],
  ['[1]', null],
  ['{', null],
])('parameters typed as %j are %j', (typed, read) => expect(readParameters(typed)).toEqual(read));
