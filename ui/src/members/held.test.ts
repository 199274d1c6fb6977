import { describe, expect, it } from 'vitest';
import { changedPlaces, EVERYWHERE, heldOf, newTenants, roleProposals, rowsOf } from './held';
import { groupsOf } from './permissions';

const ANN = { everywhere: ['viewer'], tenants: { acme: ['editor', 'writer'] } };

describe('roles in a form', () => {
  it('are those that somebody has', () =>
    expect(rowsOf(ANN)).toEqual([
      { role: 'viewer', where: EVERYWHERE },
      { role: 'editor', where: 'acme' },
      { role: 'writer', where: 'acme' },
    ]));
  it('are sent once, and only if they are whole', () =>
    expect(
      heldOf([
        { role: 'viewer', where: 'acme' },
        { role: 'viewer', where: 'acme' },
        { role: null, where: 'acme' },
        { role: 'admin', where: null },
        { role: 'operator', where: EVERYWHERE },
      ]),
    ).toEqual([
      { role: 'viewer', tenant: 'acme' },
      { role: 'operator', everywhere: true },
    ]));
  it('change in the places alone where they differ', () => {
    const before = rowsOf(ANN);
    expect(changedPlaces(before, [...before].reverse()).size).toBe(0);
    expect([...changedPlaces(before, before.slice(1, 2))]).toEqual([
      [EVERYWHERE, []],
      ['acme', ['editor']],
    ]);
  });
  it('may name tenants that are to be', () =>
    expect(newTenants([...rowsOf(ANN), { role: 'viewer', where: 'shop' }], ['acme'])).toEqual(['shop']));
});

it('permissions stand by their noun', () =>
  expect(groupsOf(['flows.read', 'alerts.view', 'flows.start'])).toEqual([
    ['flows', ['flows.read', 'flows.start']],
    ['alerts', ['alerts.view']],
  ]));

it('each role that is given or taken is a proposal of its own', () => {
  expect(roleProposals('u1', 'acme', ['viewer', 'editor'], ['viewer', 'admin'])).toEqual([
    { action: 'roles.grant', policy: 'roles', place: 'acme', change: { user_id: 'u1', role: 'admin' } },
    { action: 'roles.withdraw', policy: 'roles', place: 'acme', change: { user_id: 'u1', role: 'editor' } },
  ]);
});
