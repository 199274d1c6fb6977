import { expect, it } from 'vitest';
import type { Json, Vote } from '../api/governance';
import { aboutOf, changeOf, tally } from './tally';

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
      subject: null,
    }),
  ).toEqual({
    before: { max_series: 5 },
    after: { max_series: 9 },
  });
  const change = { user_id: 'u1', role: 'admin' };
  expect(changeOf({ action: 'roles.grant', before: ['viewer'], change, subject: 'ann' })).toEqual({
    before: { person: 'ann', roles: ['viewer'] },
    after: { person: 'ann', roles: ['admin', 'viewer'] },
  });
  expect(changeOf({ action: 'roles.withdraw', before: ['admin'], change, subject: null })).toEqual({
    before: { person: 'u1', roles: ['admin'] },
    after: { person: 'u1', roles: [] },
  });
  const gone = { action: 'roles.delete', before: ['metrics.view'], change: { name: 'a' }, subject: null };
  expect(changeOf(gone)).toEqual({
    before: { now: ['metrics.view'] },
    after: { name: 'a' },
  });
});

it('a change of roles is told by role and name', () => {
  const change = { user_id: 'u1', role: 'admin' };
  expect(aboutOf({ action: 'roles.grant', change, subject: 'ann' })).toBe('admin to ann');
  expect(aboutOf({ action: 'roles.withdraw', change, subject: null })).toBe(
    'admin from somebody who is no more',
  );
  const about = (action: string, change: Record<string, Json>): string =>
    aboutOf({ action, change, subject: null });
  expect(about('limits.set', { bounds: {} })).toBe('limits.set');
  expect(about('limits.set', { bounds: { max_series: 5000, max_streams: null } })).toBe(
    'limits.set: max_series 5000, max_streams as for everybody',
  );
  expect(about('roles.define', { name: 'night-shift', permissions: [] })).toBe('roles.define: night-shift');
  expect(about('protection.drop', { policy: 'limits' })).toBe('protection.drop: limits');
});
