import type { Permission } from './session';

/** What only a role that is held everywhere can give. */
const OF_THE_WHOLE: readonly Permission[] = ['tenants.manage', 'roles.manage', 'users.manage'];

/** Who can give a permission, in words. */
export function giversOf(permission: Permission): string {
  return OF_THE_WHOLE.includes(permission)
    ? 'an operator of the server can give it'
    : 'an admin of the tenant, or an operator of the server, can give it';
}

/** Why `deed` ("Roles are changed") is not for who asks; null where it is. */
export function whyNot(
  may: (permission: Permission) => boolean,
  permission: Permission,
  deed: string,
): string | null {
  return may(permission) ? null : `${deed} with the permission ${permission}: ${giversOf(permission)}.`;
}
