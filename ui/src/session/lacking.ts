import type { Permission } from './session';

/** What no role that a tenant's people can give has, but for the operator's: nobody gives what they do not have. */
const OF_OPERATORS: readonly Permission[] = [
  'limits.change',
  'roles.manage',
  'server.operate',
  'tenants.manage',
  'users.manage',
];
/** What an admin does not have and a DAO's does. */
const OF_DAO_ADMINS: readonly Permission[] = ['governance.approve'];

/** Who can give a permission, in words. */
export function giversOf(permission: Permission): string {
  if (OF_OPERATORS.includes(permission)) return 'an operator of the server can give it';
  const admin = OF_DAO_ADMINS.includes(permission) ? 'a dao-admin' : 'an admin';
  return `${admin} of the tenant, or an operator of the server, can give it`;
}

/** Why `deed` ("Roles are changed") is not for who asks; null where it is. */
export function whyNot(
  may: (permission: Permission) => boolean,
  permission: Permission,
  deed: string,
): string | null {
  return may(permission) ? null : `${deed} with the permission ${permission}: ${giversOf(permission)}.`;
}
