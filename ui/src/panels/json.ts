// Reading what a dashboard says: JSON that anybody may have written, so that every field may be missing or odd.

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export type JsonObject = Readonly<Record<string, Json>>;

export const NOTHING: JsonObject = {};

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `value` where it is an object; otherwise an empty one. */
export function object(value: unknown): JsonObject {
  return isObject(value) ? value : NOTHING;
}

/** `value` where it is a list; otherwise an empty one. */
export function list(value: unknown): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

/** The objects in the list that `value` is. */
export function objects(value: unknown): readonly JsonObject[] {
  return list(value).filter(isObject);
}

/** The texts in the list that `value` is; numbers are written. */
export function texts(value: unknown): readonly string[] {
  return list(value).flatMap((one) =>
    typeof one === 'string' ? [one] : typeof one === 'number' ? [String(one)] : [],
  );
}

/** What stands at `path` (`legend.calcs`) below `value`; undefined where nothing does. */
export function at(value: unknown, path: string): Json | undefined {
  let now: unknown = value;
  for (const key of path.split('.')) {
    if (!isObject(now) || !Object.hasOwn(now, key)) return undefined;
    now = now[key];
  }
  return now as Json | undefined;
}

/** The text at `path`; `otherwise` where there is none. */
export function textAt(value: unknown, path: string, otherwise = ''): string {
  const found = at(value, path);
  if (typeof found === 'string') return found;
  return typeof found === 'number' ? String(found) : otherwise;
}

/** `value` as a number, also where it is written as text; undefined where it is none. */
export function asNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value !== 'string' || value.trim() === '') return undefined;
  const read = Number(value);
  return Number.isFinite(read) ? read : undefined;
}

/** The number at `path`; undefined where there is none. */
export function numberAt(value: unknown, path: string): number | undefined {
  return asNumber(at(value, path));
}

/** Whether `true` stands at `path`; `otherwise` where neither `true` nor `false` does. */
export function flagAt(value: unknown, path: string, otherwise = false): boolean {
  const found = at(value, path);
  return typeof found === 'boolean' ? found : otherwise;
}

/** The one of `choices` that stands at `path`; the first of them where none does. */
export function oneAt<Choice extends string>(
  value: unknown,
  path: string,
  choices: readonly [Choice, ...Choice[]],
): Choice {
  const found = at(value, path);
  return choices.find((choice) => choice === found) ?? choices[0];
}

/** `value` as text: of texts themselves, of all else their JSON. */
export function writeJson(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
