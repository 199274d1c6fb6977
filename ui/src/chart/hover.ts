// What follows the mouse over a chart: a box with values, and the line under it drawn bolder. Both stay out of
// uPlot's own canvas and out of React, so that moving the mouse over a thousand lines redraws one.

import type uPlot from 'uplot';
import { digitsFor, formatInstant, formatValue, type Unit } from '../design/format';
import { fillWithExpression } from '../design/Value';
import { visibleText } from '../design/value';
import type { Column } from './columns';
import { marksAt, pointAt, type Marks } from './marks';
import { placeTip } from './tip';

export interface HoverContent {
  names: readonly string[];
  colors: readonly string[];
  /** The values as they are; what uPlot draws may be stacked. */
  columns: readonly Column[];
  hidden: ReadonlySet<number>;
  marks: Marks;
  unit: Unit;
  utc: boolean;
  /** How values are written where each series has a unit of its own. */
  write?: (index: number, value: number) => string;
  /** Only the nearest series is told. */
  single?: boolean;
  /** The order of what is told: as the series are, or by value; left out for the highest first. */
  order?: 'none' | 'asc' | 'desc';
  /** Series that are not told. */
  untold?: ReadonlySet<number>;
  /** Series that are no lines, and are not drawn as one when they are meant. */
  unlined?: ReadonlySet<number>;
}

const ROWS = 12;

interface Row {
  index: number;
  value: number;
  /** Distance in pixels from the mouse to where the value is drawn. */
  far: number;
}

function scaleOf(plot: uPlot, index: number): string {
  return plot.series[index + 1]?.scale ?? 'y';
}

function rowsAt(plot: uPlot, at: number, content: HoverContent): Row[] {
  const top = plot.cursor.top ?? 0;
  const rows: Row[] = [];
  for (const [index, column] of content.columns.entries()) {
    if (content.hidden.has(index) || content.untold?.has(index)) continue;
    const value = column[at];
    const drawn = plot.data[index + 1]?.[at];
    if (value == null) continue;
    // NaN and infinities are told although they are drawn nowhere.
    const far = drawn == null ? Infinity : Math.abs(plot.valToPos(drawn, scaleOf(plot, index)) - top);
    rows.push({ index, value, far });
  }
  return rows;
}

/** Largest first, NaN at the end; the same infinities are equal. */
function byValue(a: Row, b: Row): number {
  const odd = Number(Number.isNaN(a.value)) - Number(Number.isNaN(b.value));
  return odd !== 0 ? odd : b.value - a.value || 0;
}

function textElement(tag: string, className: string, text: string): HTMLElement {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

/** Puts a series' line into `context`: of more points than pixels, each pixel's lowest and highest. */
function trace(
  plot: uPlot,
  values: ArrayLike<number | null | undefined>,
  scale: string,
  context: CanvasRenderingContext2D,
): void {
  const times = plot.data[0];
  const [first = 0, last = values.length - 1] = plot.series[0]?.idxs ?? [];
  const dense = last - first > plot.over.clientWidth * 4;
  let open = false;
  let column = NaN;
  let [low, high] = [Infinity, -Infinity];
  const close = (): void => {
    if (high < low) return;
    context.lineTo(column, plot.valToPos(low, scale));
    context.lineTo(column, plot.valToPos(high, scale));
    [low, high] = [Infinity, -Infinity];
  };
  for (let i = Math.max(0, first - 1); i <= Math.min(values.length - 1, last + 1); i += 1) {
    const value = values[i];
    const time = times[i];
    if (value === undefined || time === undefined) continue;
    if (value === null) {
      close();
      open = false;
      continue;
    }
    const x = plot.valToPos(time, 'x');
    if (!dense || !open) {
      const y = plot.valToPos(value, scale);
      if (open) context.lineTo(x, y);
      else context.moveTo(x, y);
      open = true;
      column = Math.round(x);
      continue;
    }
    if (Math.round(x) !== column) {
      close();
      column = Math.round(x);
    }
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  close();
}

/** Follows one plot; `content` is asked at each movement, and `onNearest` told the series under the mouse. */
export class Hover {
  private readonly box = document.createElement('div');
  private readonly overlay = document.createElement('canvas');
  private frame = 0;
  private shown: number | null = null;

  constructor(
    private readonly plot: uPlot,
    private readonly content: () => HoverContent,
    private readonly onNearest: (index: number | null) => void,
  ) {
    this.box.className = 'chart-tip';
    this.box.hidden = true;
    this.overlay.className = 'chart-overlay';
    plot.over.append(this.overlay);
    document.body.append(this.box);
  }

  /** Removes everything that was put on the page. */
  destroy(): void {
    cancelAnimationFrame(this.frame);
    this.box.remove();
    this.overlay.remove();
  }

  /** To be called when the crosshair moved, by the mouse over this chart or over one in step with it. */
  moved(): void {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.update());
  }

  private update(): void {
    const { plot } = this;
    const at = plot.cursor.idx;
    const own = plot.over.matches(':hover');
    if (at == null || !own || (plot.cursor.left ?? -1) < 0) {
      this.box.hidden = true;
      if (this.shown !== null) this.nearest(null);
      return;
    }
    const rows = rowsAt(plot, at, this.content());
    const near = rows.reduce<Row | null>((a, b) => (b.far < (a?.far ?? Infinity) ? b : a), null);
    this.nearest(near && near.far < 40 ? near.index : null);
    this.fill(at, rows, near);
    placeTip(plot, this.box);
  }

  /** The series under the mouse; null where none is near. */
  get under(): number | null {
    return this.shown;
  }

  private nearest(index: number | null): void {
    if (this.shown === index) return;
    this.shown = index;
    this.onNearest(index);
  }

  private fill(at: number, rows: Row[], near: Row | null): void {
    const content = this.content();
    const seconds = this.plot.data[0][at];
    this.box.hidden = false;
    this.box.replaceChildren(
      textElement('div', 'chart-tip-time', seconds == null ? '' : formatInstant(seconds * 1000, content.utc)),
    );
    // As many digits as a hundredth of the axis, which is what the eye can tell apart.
    const { min: low = 0, max: high = 0 } = this.plot.scales.y ?? {};
    const digits = digitsFor((high - low) / 100, Math.max(Math.abs(low), Math.abs(high)));
    const most = content.single ? 1 : ROWS;
    const nearest = (a: Row, b: Row): number => a.far - b.far || 0;
    const listed = rows.length > most ? [...rows].sort(nearest).slice(0, most) : rows;
    if (content.order === 'none') listed.sort((a, b) => a.index - b.index);
    else listed.sort((a, b) => (content.order === 'asc' ? byValue(b, a) : byValue(a, b)));
    const written = ({ index, value }: Row): string =>
      content.write?.(index, value) ?? formatValue(value, content.unit, digits);
    for (const row of listed) {
      const line = document.createElement('div');
      line.className = row === near ? 'chart-tip-row near' : 'chart-tip-row';
      const swatch = document.createElement('i');
      swatch.style.background = content.colors[row.index] ?? '';
      const name = textElement('span', 'chart-tip-name', '');
      fillWithExpression(name, content.names[row.index] ?? '');
      line.append(swatch, name, textElement('b', '', written(row)));
      this.box.append(line);
    }
    const { min: from = 0, max: to = 0 } = this.plot.scales.x ?? {};
    const { left = 0, top = 0 } = this.plot.cursor;
    const under = this.plot.posToVal(left, 'x');
    const point = pointAt(this.plot, content.marks.points ?? [], left, top);
    this.plot.over.classList.toggle('at-point', point !== null);
    const told = marksAt(content.marks, under, (to - from) / this.plot.over.clientWidth);
    for (const text of point === null ? told : [...told, point.text])
      this.box.append(textElement('div', 'chart-tip-mark', visibleText(text)));
    if (rows.length === 0) this.box.append(textElement('div', 'dim', 'no value here'));
    if (rows.length > ROWS && !content.single)
      this.box.append(textElement('div', 'dim', `and ${rows.length - ROWS} more`));
  }

  /** Draws series `index` bold over the others, or nothing for null. */
  highlight(index: number | null): void {
    const { plot, overlay } = this;
    const ratio = window.devicePixelRatio;
    const { clientWidth: width, clientHeight: height } = plot.over;
    overlay.width = width * ratio;
    overlay.height = height * ratio;
    const context = overlay.getContext('2d');
    const line = index !== null && this.content().unlined?.has(index) ? null : index;
    const values = line === null ? undefined : plot.data[line + 1];
    overlay.hidden = values === undefined;
    if (!context || !values || line === null) return;
    context.scale(ratio, ratio);
    context.strokeStyle = this.content().colors[line] ?? '#888888';
    context.lineWidth = 2.6;
    context.lineJoin = 'round';
    context.beginPath();
    trace(plot, values, scaleOf(plot, line), context);
    context.stroke();
  }
}
