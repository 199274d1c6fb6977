import { expect, it } from 'vitest';
import type { Vote } from '../api/governance';
import { changeOf, tally } from './tally';

const vote = (approves: boolean): Vote => ({ who: 'user:1', name: 'ann', approves, reason: '', at_ms: 0 });

it('votes are counted against the quorum', () => {
  expect(tally({ votes: [], quorum: 2 })).toBe('0 of 2 approve');
  expect(tally({ votes: [vote(true), vote(false)], quorum: 2 })).toBe('1 of 2 approve, 1 against');
  expect(tally({ votes: [vote(true)], quorum: null })).toBe('1 approve');
});

it('a change is fields before and after', () => {
  expect(changeOf({ before: { max_series: 5 }, change: { tenant: 'a', bounds: { max_series: 9 } } })).toEqual(
    {
      before: { max_series: 5 },
      after: { max_series: 9 },
    },
  );
  expect(changeOf({ before: ['viewer'], change: { role: 'admin' } })).toEqual({
    before: { now: ['viewer'] },
    after: { role: 'admin' },
  });
});
