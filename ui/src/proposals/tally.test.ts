import { expect, it } from 'vitest';
import type { Vote } from '../api/governance';
import { changeOf, tally } from './tally';

const vote = (approves: boolean): Vote => ({ who: 'user:1', name: 'ann', approves, reason: '', at_ms: 0 });

it('votes are counted against what the policy needs', () => {
  const limits = { policy: 'limits', tenant_id: 'acme' };
  const open = { lasts_ms: 86_400_000, reasons: false };
  const rules = [
    { policy: 'limits', tenant_id: null, approvals: 2, percent: 0, ...open },
    { policy: 'roles', tenant_id: 'acme', approvals: 1, percent: 50, ...open },
  ];
  expect(tally({ ...limits, votes: [] }, rules)).toBe('0 of 2 approve');
  expect(tally({ ...limits, votes: [vote(true), vote(false)] }, rules)).toBe('1 of 2 approve, 1 against');
  expect(tally({ policy: 'roles', tenant_id: 'acme', votes: [] }, rules)).toBe(
    '0 of 1 and 50 % of those who may approve',
  );
  expect(tally({ ...limits, votes: [vote(true)] }, [])).toBe('1 approve');
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
