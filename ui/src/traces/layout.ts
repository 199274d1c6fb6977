// Which rows of a trace are seen: what is below a collapsed span is not, and a run of like siblings is one row.

import type { OtlpValue, TraceRow, TraceView } from '../api/traces';
import { seriesColor, PALETTES, type Scheme } from '../design/colors';
import { holdsWords } from '../design/filter';

/** A row that is drawn: a span, or the head of a run of like siblings. */
export type Item =
  | { readonly kind: 'span'; readonly row: number }
  | { readonly kind: 'fold'; readonly fold: number; readonly open: boolean };

/** What the reader opened and closed. */
export interface Opened {
  /** Spans whose descendants are not shown. */
  readonly collapsed: ReadonlySet<number>;
  /** Runs whose members are shown one by one. */
  readonly unfolded: ReadonlySet<number>;
}

export const AS_IT_COMES: Opened = { collapsed: new Set(), unfolded: new Set() };

/** The rows that are drawn, from the top. */
export function itemsOf(view: TraceView, { collapsed, unfolded }: Opened): readonly Item[] {
  const items: Item[] = [];
  for (let i = 0; i < view.rows.length;) {
    const row = view.rows[i];
    if (row === undefined) break;
    const after = i + row.descendants + 1;
    const fold = row.fold < 0 ? undefined : view.folds[row.fold];
    const open = unfolded.has(row.fold);
    if (fold !== undefined && fold.rows[0] === i) items.push({ kind: 'fold', fold: row.fold, open });
    if (fold !== undefined && !open) {
      i = after;
      continue;
    }
    items.push({ kind: 'span', row: i });
    i = collapsed.has(i) ? after : i + 1;
  }
  return items;
}

/** With everything opened that hides a row. */
export function revealing(view: TraceView, opened: Opened, wanted: number): Opened {
  const collapsed = new Set(opened.collapsed);
  const unfolded = new Set(opened.unfolded);
  let at: TraceRow | undefined = view.rows[wanted];
  while (at !== undefined) {
    if (at.fold >= 0) unfolded.add(at.fold);
    collapsed.delete(at.parent);
    at = view.rows[at.parent];
  }
  return { collapsed, unfolded };
}

/** The set with or without one. */
export function toggled(set: ReadonlySet<number>, one: number): ReadonlySet<number> {
  const next = new Set(set);
  if (!next.delete(one)) next.add(one);
  return next;
}

/** The spans that hold all words in their service, name or id, by their rows. */
export function matchesOf(view: TraceView, wanted: string): readonly number[] {
  if (wanted.trim() === '') return [];
  const holds = holdsWords(wanted);
  return view.rows.flatMap((row, i) =>
    holds(`${row.service} ${row.name} ${row.span_id} ${row.status} ${row.kind}`) ? [i] : [],
  );
}

/** The stretches of the critical path by their row. */
export function criticalOf(view: TraceView): ReadonlyMap<number, readonly (readonly [number, number])[]> {
  const found = new Map<number, (readonly [number, number])[]>();
  for (const [row, from, to] of view.critical_path) {
    const before = found.get(row);
    if (before) before.push([from, to]);
    else found.set(row, [[from, to]]);
  }
  return found;
}

/** A stretch of a trace that is looked at, in nanoseconds since its begin. */
export interface Sight {
  readonly from: number;
  readonly to: number;
}

/** What an address says of the stretch; all of it where it says nothing that makes sense. */
export function readSight(text: string | undefined, durationNs: number): Sight {
  const whole = { from: 0, to: Math.max(durationNs, 1) };
  const found = /^(\d{1,16})-(\d{1,16})$/u.exec(text ?? '');
  if (!found) return whole;
  const from = Number(found[1]);
  const to = Math.min(Number(found[2]), whole.to);
  return from < to ? { from, to } : whole;
}

/** Where a stretch is drawn, in shares of the sight; null where none of it is seen. */
export function placeOf(sight: Sight, from: number, length: number): { left: number; width: number } | null {
  const scale = sight.to - sight.from;
  const left = (from - sight.from) / scale;
  const right = (from + length - sight.from) / scale;
  if (right < 0 || left > 1) return null;
  const cut = Math.max(0, left);
  return { left: cut, width: Math.min(1, right) - cut };
}

/** A colour for each service: by its name, so that it has the same on all pages as far as others leave it that. */
export function serviceColors(services: readonly string[], scheme: Scheme): ReadonlyMap<string, string> {
  const count = PALETTES[scheme].length;
  const taken = new Set<number>();
  const colors = new Map<string, string>();
  [...new Set(services)].sort().forEach((service, place) => {
    let hash = 0;
    for (const character of service) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) >>> 0;
    let slot = hash % count;
    for (let tries = 0; taken.has(slot) && tries < count; tries += 1) slot = (slot + 1) % count;
    // Beyond ten, colours come again lighter and darker.
    const index = taken.has(slot) ? place : slot;
    taken.add(slot);
    colors.set(service, seriesColor(index, scheme));
  });
  return colors;
}

/** A value as text, and whether it can be searched for as it stands. */
export function valueText(value: OtlpValue | undefined): { text: string; plain: boolean } {
  if (value === undefined) return { text: '', plain: false };
  const { stringValue, intValue, doubleValue, boolValue, bytesValue } = value;
  const plain = stringValue ?? intValue ?? doubleValue ?? boolValue;
  if (plain !== undefined) return { text: String(plain), plain: true };
  if (bytesValue !== undefined) return { text: bytesValue, plain: false };
  return { text: JSON.stringify(jsonOf(value)), plain: false };
}

function jsonOf(value: OtlpValue | undefined): unknown {
  if (value?.arrayValue) return (value.arrayValue.values ?? []).map(jsonOf);
  if (value?.kvlistValue)
    return Object.fromEntries((value.kvlistValue.values ?? []).map((pair) => [pair.key, jsonOf(pair.value)]));
  return (
    value?.stringValue ??
    value?.intValue ??
    value?.doubleValue ??
    value?.boolValue ??
    value?.bytesValue ??
    null
  );
}

/** A condition of the search language; null for a name that it has no way to write. */
export function condition(place: 'span' | 'resource', key: string, value: string): string | null {
  if (!/^[^\s()":\\]+$/u.test(key)) return null;
  return `${place}.${key}:"${value.replace(/[\\"]/gu, (found) => `\\${found}`)}"`;
}
