// Where panels stand: a grid of 24 columns in which nothing overlaps and everything rises as far as it can. Pure.

import type { GridBox } from '../api/dashboards';

export const COLUMNS = 24;
/** Of one unit of height, and between two. */
export const UNIT_PX = 30;
export const GAP_PX = 8;

const LEAST_W = 2;
const LEAST_H = 2;

export interface Box extends GridBox {
  readonly key: string;
}

/** How high `h` units are. */
export function heightPx(h: number): number {
  return h * (UNIT_PX + GAP_PX) - GAP_PX;
}

export interface Place {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** Where `box` stands in a grid of `width` pixels. */
export function placeOf({ x, y, w, h }: GridBox, width: number): Place {
  const column = (width + GAP_PX) / COLUMNS;
  return {
    left: Math.round(x * column),
    top: y * (UNIT_PX + GAP_PX),
    width: Math.round((x + w) * column) - Math.round(x * column) - GAP_PX,
    height: heightPx(h),
  };
}

/** `boxes` below each other over the whole width, in the order in which they are read. */
export function inOneColumn(boxes: readonly Box[]): Box[] {
  let y = 0;
  return inOrder(boxes).map((box) => {
    const placed = { ...box, x: 0, y, w: COLUMNS };
    y += box.h;
    return placed;
  });
}

/** From the top, and from the left. */
export function inOrder<Some extends GridBox>(boxes: readonly Some[]): Some[] {
  return [...boxes].sort((a, b) => a.y - b.y || a.x - b.x);
}

/** How many units high all boxes are together. */
export function depthOf(boxes: readonly GridBox[]): number {
  return boxes.reduce((most, { y, h }) => Math.max(most, y + h), 0);
}

function meetsColumns(a: GridBox, b: GridBox): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w;
}

export function overlap(a: GridBox, b: GridBox): boolean {
  return meetsColumns(a, b) && a.y < b.y + b.h && b.y < a.y + a.h;
}

/** How far up `box` can go before it meets one of `others`: however far down it is said to be. */
function risen(box: GridBox, others: readonly GridBox[]): number {
  let y = 0;
  for (const one of others) {
    const below = Math.min(one.y + one.h, box.y);
    if (meetsColumns(box, one) && below - 1 > one.y - box.h) y = Math.max(y, below);
  }
  return y;
}

/** `box` with sides that fit into the grid. */
export function fit<Some extends GridBox>(box: Some): Some {
  const w = Math.max(LEAST_W, Math.min(COLUMNS, Math.round(box.w)));
  const h = Math.max(LEAST_H, Math.round(box.h));
  const x = Math.max(0, Math.min(COLUMNS - w, Math.round(box.x)));
  return { ...box, w, h, x, y: Math.max(0, Math.round(box.y)) };
}

/** `boxes` with no room above them that they could take. Of two that meet, the one that is `first` stays above. */
export function compact(boxes: readonly Box[], first = ''): Box[] {
  const placed: Box[] = [];
  const order = [...boxes].sort(
    (a, b) => a.y - b.y || Number(b.key === first) - Number(a.key === first) || a.x - b.x,
  );
  for (const box of order) {
    let now = { ...box, y: risen(box, placed) };
    for (;;) {
      const at = now;
      const met = placed.find((one) => overlap(at, one));
      if (!met) break;
      now = { ...box, y: met.y + met.h };
    }
    placed.push(now);
  }
  return boxes
    .map(({ key }) => placed.find((one) => one.key === key) ?? placed[0])
    .filter((box) => box !== undefined);
}

/** `boxes` with one of them moved or resized to `to`; those in its way go down, all rise. */
export function put(boxes: readonly Box[], key: string, to: GridBox): Box[] {
  const moved = fit(to);
  return compact(
    boxes.map((box) => (box.key === key ? { ...box, ...pickBox(moved) } : box)),
    key,
  );
}

function pickBox({ x, y, w, h }: GridBox): GridBox {
  return { x, y, w, h };
}

/** What a key does to a box: arrows move it, with Shift they size it; null for other keys. */
export function afterKey(box: GridBox, key: string, sizing: boolean): GridBox | null {
  const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key] ?? [
    0, 0,
  ];
  if (dx === 0 && dy === 0) return null;
  return fit(
    sizing
      ? { ...box, w: box.w + (dx ?? 0), h: box.h + (dy ?? 0) }
      : { ...box, x: box.x + (dx ?? 0), y: box.y + (dy ?? 0) },
  );
}

/**
 * `boxes` after a key at one of them; null for keys that say nothing. One that is moved up or down goes as far as
 * something changes: what lies there would else push it back.
 */
export function afterKeyAt(
  boxes: readonly Box[],
  own: string,
  key: string,
  sizing: boolean,
): readonly Box[] | null {
  const box = boxes.find((one) => one.key === own);
  let to: GridBox | null = box ?? null;
  for (let tries = depthOf(boxes) + 1; to && tries > 0; tries -= 1) {
    to = afterKey(to, key, sizing);
    const next = to ? put(boxes, own, to) : boxes;
    if (JSON.stringify(next) !== JSON.stringify(boxes)) return next;
    if (sizing || !['ArrowUp', 'ArrowDown'].includes(key)) break;
  }
  return to ? boxes : null;
}

/**
 * `boxes` with one of them before or behind its neighbour, as they are read; null where it has none. Each keeps its
 * size: those of one size change places, another goes up or down.
 */
export function exchanged(boxes: readonly Box[], own: string, by: 1 | -1): readonly Box[] | null {
  const order = inOrder(boxes);
  const place = order.findIndex(({ key }) => key === own);
  const [one, other] = [order[place], order[place + by]];
  if (!one || !other) return null;
  if (one.w !== other.w || one.h !== other.h) {
    const moved = afterKeyAt(boxes, own, by < 0 ? 'ArrowUp' : 'ArrowDown', false);
    return moved === boxes ? null : moved;
  }
  return compact(
    boxes.map((box) =>
      box === one ? { ...box, ...pickBox(other) } : box === other ? { ...box, ...pickBox(one) } : box,
    ),
  );
}

/** Where a new box of `w` by `h` has room: below all others, beside the last where that fits. */
export function roomFor(boxes: readonly GridBox[], w: number, h: number): GridBox {
  // Room begins at the top, or where a box ends.
  const tops = new Set([0, ...boxes.map((one) => one.y + one.h)]);
  for (const y of [...tops].sort((a, b) => a - b))
    for (let x = 0; x + w <= COLUMNS; x += 1) {
      const box = { x, y, w, h };
      if (!boxes.some((one) => overlap(one, box))) return box;
    }
  return { x: 0, y: depthOf(boxes), w, h };
}
