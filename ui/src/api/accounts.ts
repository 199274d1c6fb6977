// Signing in, people, roles and tokens: Pharos' own API.

import { ask, change, type Answer, type Asking } from './client';
import type {
  DeletedUser,
  LinkOwner,
  Me,
  Member,
  Role,
  Roles,
  SessionEntry,
  Token,
  User,
  WaysIn,
} from './types';

const NOWHERE: Asking = { tenant: null };

// -- oneself --

export function waysIn(asking: Asking): Promise<Answer<WaysIn>> {
  return ask('/api/sign_in', {}, { ...asking, tenant: null });
}

export function signIn(name: string, password: string): Promise<Me> {
  return change('POST', '/api/sign_in', { name, password }, NOWHERE);
}

/** Whose a link is that works once; it is not used by that. */
export function linkOwner(code: string): Promise<LinkOwner> {
  return change('POST', '/api/links/whose', { code }, NOWHERE);
}

/** `name` is chosen by the first user alone; the link of another one has theirs. */
export function takeLink(code: string, password: string, name = ''): Promise<Me> {
  return change('POST', '/api/links/use', { code, password, name }, NOWHERE);
}

export function signOut(everywhere: boolean): Promise<unknown> {
  return change('POST', '/api/sign_out', { everywhere }, NOWHERE);
}

export function changePassword(current: string, next: string): Promise<Me> {
  return change('POST', '/api/me/password', { current, new: next }, NOWHERE);
}

export function ownSessions({ signal }: Asking): Promise<Answer<readonly SessionEntry[]>> {
  return ask('/api/me/sessions', {}, { tenant: null, signal });
}

export function revokeSession(id: string): Promise<unknown> {
  return change('DELETE', `/api/me/sessions/${encodeURIComponent(id)}`, null, NOWHERE);
}

// -- tokens --

/** A token that was made, and its text, which is never shown again. */
export interface NewToken {
  readonly token: Token;
  readonly text: string;
}

export interface WantedToken {
  name: string;
  /** Where alone it may be used; null for wherever its owner may. Of one's own tokens. */
  tenant: string | null;
  /** Of a tenant's tokens. */
  roles: readonly string[];
  permissions: readonly string[] | null;
  /** Null for as long as it is not revoked. */
  lasts_s: number | null;
}

export function ownTokens({ signal }: Asking): Promise<Answer<readonly Token[]>> {
  return ask('/api/me/tokens', {}, { tenant: null, signal });
}

export function tenantTokens(asking: Asking): Promise<Answer<readonly Token[]>> {
  return ask('/api/tokens', {}, asking);
}

export function makeOwnToken({ name, tenant, permissions, lasts_s }: WantedToken): Promise<NewToken> {
  return change('POST', '/api/me/tokens', { name, tenant, permissions, lasts_s }, NOWHERE);
}

export function makeTenantToken(wanted: WantedToken, asking: Asking): Promise<NewToken> {
  const { name, roles, permissions, lasts_s } = wanted;
  return change('POST', '/api/tokens', { name, roles, permissions, lasts_s }, asking);
}

export function rotateToken(id: string, graceS: number, asking: Asking): Promise<NewToken> {
  return change('POST', `/api/tokens/${encodeURIComponent(id)}/rotate`, { grace_s: graceS }, asking);
}

export function revokeToken(id: string, asking: Asking): Promise<Token> {
  return change('DELETE', `/api/tokens/${encodeURIComponent(id)}`, null, asking);
}

// -- people --

/** A role in a tenant, or everywhere. */
export interface HeldRole {
  role: string;
  tenant?: string;
  everywhere?: boolean;
}

/** Somebody who was added; `path` leads to the page where they choose a password, unless they have one. */
export interface NewUser {
  readonly user: User;
  readonly path: string | null;
}

export function users({ signal }: Asking): Promise<Answer<readonly User[]>> {
  return ask('/api/users', {}, { tenant: null, signal });
}

export function addUser(wanted: {
  name: string;
  password?: string;
  roles?: readonly HeldRole[];
}): Promise<NewUser> {
  return change('POST', '/api/users', wanted, NOWHERE);
}

export function changeUser(
  id: string,
  wanted: { name?: string; display_name?: string; email?: string; disabled?: boolean },
): Promise<User> {
  return change('PATCH', `/api/users/${encodeURIComponent(id)}`, wanted, NOWHERE);
}

/** Takes somebody away for good; tells how many rows of each table were theirs. */
export function deleteUser(id: string): Promise<DeletedUser> {
  return change('DELETE', `/api/users/${encodeURIComponent(id)}`, null, NOWHERE);
}

/** A link by which somebody chooses a new password. */
export function linkUser(id: string): Promise<{ readonly path: string }> {
  return change('POST', `/api/users/${encodeURIComponent(id)}/link`, null, NOWHERE);
}

export function signOutUser(id: string): Promise<unknown> {
  return change('POST', `/api/users/${encodeURIComponent(id)}/sign_out`, null, NOWHERE);
}

export function setServerRoles(id: string, roles: readonly string[]): Promise<User> {
  return change('PUT', `/api/users/${encodeURIComponent(id)}/roles`, { roles }, NOWHERE);
}

export function members(asking: Asking): Promise<Answer<readonly Member[]>> {
  return ask('/api/members', {}, asking);
}

/** Sets the roles that somebody, by id or name, has in `tenant`; none of them takes all away. */
export function setMember(named: string, roles: readonly string[], tenant: string | null): Promise<User> {
  return change('PUT', `/api/members/${encodeURIComponent(named)}`, { roles }, { tenant });
}

// -- roles --

export function roles(asking: Asking): Promise<Answer<Roles>> {
  return ask('/api/roles', {}, asking);
}

export interface WantedRole {
  name: string;
  summary: string;
  permissions: readonly string[];
}

export function makeRole(wanted: WantedRole & { everywhere: boolean }, asking: Asking): Promise<Role> {
  return change('POST', '/api/roles', wanted, asking);
}

export function changeRole(id: string, wanted: Omit<WantedRole, 'name'>, asking: Asking): Promise<Role> {
  return change('PATCH', `/api/roles/${encodeURIComponent(id)}`, wanted, asking);
}

export function dropRole(id: string, asking: Asking): Promise<unknown> {
  return change('DELETE', `/api/roles/${encodeURIComponent(id)}`, null, asking);
}
