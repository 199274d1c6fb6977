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
  expect(
    changeOf({
      action: 'limits.set',
      before: { max_series: 5 },
      change: { tenant: 'a', bounds: { max_series: 9 } },
    }),
  ).toEqual({
    before: { max_series: 5 },
    after: { max_series: 9 },
  });
  const change = { user_id: 'u1', role: 'admin' };
  expect(changeOf({ action: 'roles.grant', before: ['viewer'], change })).toEqual({
    before: { roles: ['viewer'] },
    after: { user_id: 'u1', roles: ['admin', 'viewer'] },
  });
  expect(changeOf({ action: 'roles.withdraw', before: ['admin'], change })).toEqual({
    before: { roles: ['admin'] },
    after: { user_id: 'u1', roles: [] },
  });
  expect(changeOf({ action: 'roles.delete', before: ['metrics.view'], change: { name: 'a' } })).toEqual({
    before: { now: ['metrics.view'] },
    after: { name: 'a' },
  });
});
