// The metrics that a query names.

import type { Tree } from './build';

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** The names of metrics in the tree that the server's parser makes of a query, each once. */
export function namesIn(tree: unknown): readonly string[] {
  const found = new Set<string>();
  const walk = (value: unknown): void => {
    if (Array.isArray(value)) {
      value.forEach(walk);
      return;
    }
    if (!isObject(value)) return;
    const { type, name } = value as Partial<Tree>;
    if ((type === 'vectorSelector' || type === 'matrixSelector') && typeof name === 'string' && name !== '')
      found.add(name);
    Object.values(value).forEach(walk);
  };
  walk(tree);
  return [...found];
}
