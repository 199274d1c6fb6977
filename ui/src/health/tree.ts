// Components as a tree, each below what it is a part of.

import type { ComponentView } from '../api/health';

export interface Branch {
  readonly of: ComponentView;
  readonly depth: number;
}

/** In the order of a table of contents; what is a part of nothing that is there, or of itself, stands at the left. */
export function treeOf(components: readonly ComponentView[]): readonly Branch[] {
  const names = new Set(components.map(({ name }) => name));
  const found: Branch[] = [];
  const seen = new Set<string>();
  const put = (of: ComponentView, depth: number): void => {
    if (seen.has(of.name)) return;
    seen.add(of.name);
    found.push({ of, depth });
    for (const part of components) if (part.part_of === of.name) put(part, depth + 1);
  };
  for (const one of components) if (one.part_of === '' || !names.has(one.part_of)) put(one, 0);
  for (const one of components) put(one, 0);
  return found;
}
