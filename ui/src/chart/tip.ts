// The box that follows the mouse over a chart, placed where it does not leave the window.

import type uPlot from 'uplot';

/** Moves `box` beside the cursor of `plot`. */
export function placeTip(plot: uPlot, box: HTMLElement): void {
  const over = plot.over.getBoundingClientRect();
  const x = over.left + (plot.cursor.left ?? 0);
  const y = over.top + (plot.cursor.top ?? 0);
  const { offsetWidth: width, offsetHeight: height } = box;
  const left = x + 16 + width > window.innerWidth - 8 ? x - width - 16 : x + 16;
  const top = Math.min(Math.max(8, y - height / 2), window.innerHeight - height - 8);
  box.style.transform = `translate(${Math.max(4, Math.round(left))}px, ${Math.round(top)}px)`;
}

/** A box with lines of text. */
export class Tip {
  private readonly box = document.createElement('div');

  constructor() {
    this.box.className = 'chart-tip';
    this.box.hidden = true;
    document.body.append(this.box);
  }

  show(plot: uPlot, lines: readonly string[]): void {
    this.box.hidden = false;
    this.box.replaceChildren(
      ...lines.map((text, i) => {
        const line = document.createElement('div');
        line.className = i === 0 ? 'chart-tip-time' : 'chart-tip-line';
        line.textContent = text;
        return line;
      }),
    );
    placeTip(plot, this.box);
  }

  hide(): void {
    this.box.hidden = true;
  }

  remove(): void {
    this.box.remove();
  }
}
