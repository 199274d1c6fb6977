// Panels of single figures: what each series or row comes to.

import { cellText, isTrend, lengthOf, numeric, type Cell } from './frame';
import { readConfig, readPattern } from './config';
import { at, flagAt, numberAt, object, textAt, texts, type JsonObject } from './json';
import type { ShownField, ShownFrame } from './overrides';
import type { Ends } from './palette';
import { keepsUnit, reduce } from './reduce';
import { endsOf, show, type Looks, type Shown } from './shown';

export interface Figure {
  title: string;
  shown: Shown;
  field: ShownField;
  cell: Cell;
  ends: Ends;
  /** How it went; empty for one row of a table. */
  trend: readonly (number | null)[];
  row: number;
  frame: ShownFrame;
}

/** More figures than a panel has room for. */
const MOST = 100;

function isMeant(field: ShownField, fields: string): boolean {
  if (field.config.custom.hideFrom !== undefined && flagAt(field.config.custom, 'hideFrom.viz')) return false;
  if (fields === '') return field.type === 'number' || field.type === 'boolean';
  if (fields.startsWith('/')) return readPattern(fields)?.test(field.title) ?? false;
  return field.title === fields || field.name === fields;
}

/** A row's name: its texts. */
function rowTitle(frame: ShownFrame, field: ShownField, row: number, several: boolean): string {
  const said = frame.fields
    .filter((one) => one.type === 'string' && one !== field)
    .map((one) => cellText(one.values[row]))
    .filter((text) => text !== '');
  if (said.length === 0) return field.title;
  return several ? `${said.join(' ')} ${field.title}` : said.join(' ');
}

/** The figures of a panel, as its `reduceOptions` say; `otherwise` is how values are coloured that nothing is said about. */
export function figuresOf(
  frames: readonly ShownFrame[],
  options: JsonObject,
  looks: Looks,
  otherwise = 'thresholds',
): Figure[] {
  const fields = textAt(options, 'reduceOptions.fields');
  const calcs = texts(at(options, 'reduceOptions.calcs'));
  const most = Math.min(MOST, numberAt(options, 'reduceOptions.limit') ?? MOST);
  const meant = frames.flatMap((frame) =>
    frame.fields.filter((field) => isMeant(field, fields)).map((field) => ({ frame, field })),
  );
  const all = meant.map(({ field }) => field);
  const made: Figure[] = [];
  const several = new Set(all.map(({ name }) => name)).size > 1;
  const add = (
    frame: ShownFrame,
    field: ShownField,
    cell: Cell,
    about: Pick<Figure, 'title' | 'trend' | 'row'>,
    unit = true,
  ): void => {
    const ends = endsOf(field, all);
    const config = unit ? field.config : { ...field.config, unit: 'none' };
    made.push({
      ...about,
      field,
      frame,
      cell,
      ends,
      shown: show(config, cell, looks, { ends, index: made.length, otherwise }),
    });
  };
  for (const { frame, field } of meant) {
    if (made.length >= most) break;
    if (flagAt(options, 'reduceOptions.values')) {
      const count = Math.min(lengthOf(frame), most - made.length);
      for (let row = 0; row < count; row += 1) {
        const cell = field.values[row] ?? null;
        add(frame, field, cell, {
          title: field.config.displayName ?? rowTitle(frame, field, row, several),
          row,
          trend: isTrend(cell) ? cell.points : [],
        });
      }
      continue;
    }
    const id = calcs[0] ?? 'lastNotNull';
    const timed = frame.fields.some(({ type }) => type === 'time');
    const cell = reduce(field, id);
    add(
      frame,
      field,
      cell,
      { title: field.title, row: field.values.length - 1, trend: timed ? field.values.map(numeric) : [] },
      keepsUnit(id),
    );
  }
  return made;
}

/** A figure in the place of none, where the configuration says how nothing is shown: `0` for a sum without a series. */
export function orNothing(
  frames: readonly ShownFrame[],
  fieldConfig: unknown,
  looks: Looks,
): readonly ShownFrame[] {
  const full = frames.some(({ fields }) =>
    fields.some(({ type, values }) => type !== 'time' && values.length > 0),
  );
  if (full) return frames;
  const config = readConfig(object(at(fieldConfig, 'defaults')));
  if (show(config, null, looks).text === '') return frames;
  const title = config.displayName ?? '';
  return [{ fields: [{ name: title, title, type: 'number', values: [null], config }] }];
}

export interface Layout {
  columns: number;
  rows: number;
}

/** How many columns and rows give `count` things that want to be `aspect` times as wide as high the most room. */
export function layoutOf(
  count: number,
  width: number,
  height: number,
  orientation: string,
  aspect: number,
): Layout {
  if (count <= 1) return { columns: 1, rows: 1 };
  if (orientation === 'vertical') return { columns: count, rows: 1 };
  if (orientation === 'horizontal') return { columns: 1, rows: count };
  let best = { columns: 1, rows: count };
  let most = 0;
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    const room = Math.min(width / columns / aspect, height / rows);
    if (room > most) [most, best] = [room, { columns, rows }];
  }
  return best;
}

/** How wide a character is, at most of them, in sizes of its type: where nothing can be measured. */
const USUAL_WIDTH = 0.62;
const MEASURED_PX = 100;

let ruler: CanvasRenderingContext2D | null | undefined;

/** How wide a text is as a figure, in sizes of its type; digits of figures are all as wide as a nought. */
function widthOf(text: string): number {
  ruler ??= document.createElement('canvas').getContext('2d');
  if (!ruler) return text.length * USUAL_WIDTH;
  ruler.font = `600 ${MEASURED_PX}px 'Inter Variable', system-ui, sans-serif`;
  return ruler.measureText(text.replaceAll(/\d/gu, '0')).width / MEASURED_PX;
}

/** The size of type in pixels at which a text fits into a width and a height. */
export function fitFont(text: string, width: number, height: number, most: number): number {
  return Math.max(10, Math.min(most, height, width / Math.max(USUAL_WIDTH, widthOf(text))));
}
