// What a change changed, field by field.

export type Fields = Readonly<Record<string, unknown>>;

export interface Difference {
  name: string;
  /** As text; null where the field was not there. */
  was: string | null;
  is: string | null;
}

/** Longer values are cut: they are for reading. */
const MOST_CHARS = 4_000;

function written(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > MOST_CHARS ? `${text.slice(0, MOST_CHARS)}…` : text;
}

/** The fields that differ, in the order in which they are named. */
export function differences(before: Fields | null, after: Fields | null): readonly Difference[] {
  const names = new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})]);
  return [...names]
    .map((name) => ({ name, was: written(before?.[name]), is: written(after?.[name]) }))
    .filter(({ was, is }) => was !== is);
}
