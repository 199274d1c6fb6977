/** Permissions by the noun before their dot, in the order they come in. */
export function groupsOf(permissions: readonly string[]): readonly (readonly [string, readonly string[]])[] {
  const groups = new Map<string, string[]>();
  for (const permission of permissions) {
    const noun = permission.split('.')[0] ?? '';
    groups.set(noun, [...(groups.get(noun) ?? []), permission]);
  }
  return [...groups];
}
