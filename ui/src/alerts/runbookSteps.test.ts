import { describe, expect, it } from 'vitest';
import type { Step } from '../api/alerting';
import { actionOf, stepText, ticksOf } from './runbookSteps';

function noted(at: string, step: string, done: boolean): Step {
  return { at, step: 'noted', text: '', detail: { name: 'ada', runbook_step: step, done } };
}

describe('steps of a runbook', () => {
  const fires: Step = { at: '1', step: 'firing', text: '', detail: {} };

  it('are ticked until somebody takes them back', () => {
    const ticks = ticksOf([
      fires,
      noted('2', 'look', true),
      noted('3', 'mend', true),
      noted('4', 'look', false),
    ]);
    expect([...ticks]).toEqual([['mend', { at: '3', by: 'ada' }]]);
  });
  it('are not ticked any more once the alert fires anew', () =>
    expect(ticksOf([fires, noted('2', 'look', true), { ...fires, at: '5' }]).size).toBe(0));
  it('are known by their first line', () => expect(stepText(' look \n- more')).toBe('look'));
});

describe('a link to an action', () => {
  it.each([
    ['action:roll-back', 'roll-back'],
    ['action:roll%20back', 'roll back'],
    ['action:', null],
    ['action:%', null],
    ['https://example.org', null],
  ])('%s is %s', (href, name) => expect(actionOf(href)).toBe(name));
});
