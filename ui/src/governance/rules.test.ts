import { expect, it } from 'vitest';
import { needsOf, ruleOf } from './rules';

const rule = {
  policy: 'limits',
  tenant_id: 'acme',
  approvals: 2,
  percent: 0,
  lasts_ms: 86_400_000,
  reasons: false,
};

it('the rule of a tenant goes before that of all', () => {
  const all = { ...rule, tenant_id: null, approvals: 1 };
  expect(ruleOf([all, rule], 'limits', 'acme')).toBe(rule);
  expect(ruleOf([all, rule], 'limits', 'shop')).toBe(all);
  expect(ruleOf([rule], 'limits', null)).toBeUndefined();
  expect(ruleOf([all, rule], 'roles', 'acme')).toBeUndefined();
});

it('what a change needs is said in words', () => {
  expect(needsOf(rule)).toBe('2 approvals within 1d');
  expect(needsOf({ ...rule, approvals: 1, percent: 50, lasts_ms: 5_400_000 })).toBe(
    '1 approval and those of 50 % of who may approve within 1h30m',
  );
});
