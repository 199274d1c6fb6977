import { describe, expect, it } from 'vitest';
import { rolesIn, sourceOf } from '../account/roles';
import type { Me } from '../api/types';
import { whyNot } from './lacking';
import { asksWho, impliedTenant, permissionsIn, standingOf } from './session';

const ME: Me = {
  identity: { kind: 'user', id: 'u1', name: 'ann' },
  openness: 'closed',
  everywhere: [],
  tenants: [
    { id: 'acme', permissions: ['account.use', 'metrics.view'] },
    { id: 'shop', permissions: ['account.use', 'members.manage', 'metrics.view'] },
  ],
  roles: [
    { name: 'auditor', tenant: null, source: 'user', detail: '' },
    { name: 'viewer', tenant: 'acme', source: 'user', detail: '' },
    { name: 'admin', tenant: 'shop', source: 'provider', detail: 'Corp: groups=shop' },
  ],
  default_tenant: null,
  csrf_token: 'abc',
  must_change_password: false,
};

describe('who is signed in', () => {
  it.each([
    [undefined, false, 'asking'],
    [undefined, true, 'unknown'],
    [{ me: ME, before: ME }, false, 'in'],
    [{ me: null, before: null }, false, 'out'],
    [{ me: null, before: ME }, true, 'ended'],
  ] as const)('%j, failed %j: %s', (session, failed, standing) =>
    expect(standingOf(session, failed)).toBe(standing),
  );
  it('is asked for only where there are users', () => {
    expect(asksWho(ME)).toBe(true);
    expect(asksWho({ ...ME, openness: 'open' })).toBe(false);
    expect(asksWho(null)).toBe(false);
  });
});

describe('what one may', () => {
  it('is a matter of the tenant', () => {
    expect(permissionsIn(ME, 'shop')).toContain('members.manage');
    expect(permissionsIn(ME, 'acme')).not.toContain('members.manage');
    expect(permissionsIn(ME, 'other')).toEqual([]);
  });
  it('is the same everywhere for whose role holds everywhere', () =>
    expect(permissionsIn({ ...ME, everywhere: ['audit.view'] }, 'other')).toEqual(['audit.view']));
  it('comes from roles of the tenant, and from those that are held everywhere', () => {
    const told = (tenant: string): readonly string[] =>
      rolesIn(ME, tenant).map((one) => `${one.name}, ${sourceOf(one)}`);
    expect(told('acme')).toEqual(['auditor, given here', 'viewer, given here']);
    expect(told('shop')).toEqual(['auditor, given here', 'admin, by Corp: groups=shop']);
    expect(told('other')).toEqual(['auditor, given here']);
    expect(rolesIn({ ...ME, default_tenant: 'acme' }, null).map(({ name }) => name)).toContain('viewer');
  });
  it('has a reason where it is not', () => {
    expect(whyNot(() => true, 'members.manage', 'Roles are changed')).toBeNull();
    expect(whyNot(() => false, 'members.manage', 'Roles are changed')).toBe(
      'Roles are changed with the permission members.manage: an admin of the tenant, or an operator of the server, can give it.',
    );
    expect(whyNot(() => false, 'users.manage', 'People are added')).toMatch(
      /: an operator of the server can give it\.$/,
    );
  });
});

describe('the tenant that is shown', () => {
  it('is the one that is meant by who names none', () =>
    expect(impliedTenant({ ...ME, default_tenant: 'acme' }, ['shop'])).toBe('acme'));
  it('is the one looked at last, where several could be meant', () => {
    expect(impliedTenant(ME, ['gone', 'shop', 'acme'])).toBe('shop');
    expect(impliedTenant(ME, [])).toBe('acme');
  });
  it('is none for who has no role', () => expect(impliedTenant({ ...ME, tenants: [] }, ['acme'])).toBeNull());
});
