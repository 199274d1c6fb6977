// Changes of JSON that leave what is beside them as it was. Pure.

import { object, type Json, type JsonObject } from '../../panels/json';

/** `value` with `next` at `path` (`legend.calcs`), or without what stands there where `next` is undefined. */
export function putAt(value: unknown, path: string, next: Json | undefined): JsonObject {
  const [key = '', ...rest] = path.split('.');
  const now = object(value);
  if (rest.length > 0) return { ...now, [key]: putAt(now[key], rest.join('.'), next) };
  if (next !== undefined) return { ...now, [key]: next };
  return Object.fromEntries(Object.entries(now).filter(([name]) => name !== key));
}

/** `list` with another thing at `place`. */
export function replaced<Item>(list: readonly Item[], place: number, item: Item): Item[] {
  return list.map((one, i) => (i === place ? item : one));
}

/** `list` without what stands at `place`. */
export function without<Item>(list: readonly Item[], place: number): Item[] {
  return list.filter((_, i) => i !== place);
}

/** `list` with what stands at `place` moved `by` places; where that leads out of it, as it is. */
export function moved<Item>(list: readonly Item[], place: number, by: number): Item[] {
  const to = place + by;
  const item = list[place];
  if (item === undefined || to < 0 || to >= list.length) return [...list];
  const rest = without(list, place);
  return [...rest.slice(0, to), item, ...rest.slice(to)];
}
