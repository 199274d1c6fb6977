// Whether a legend has its place beside a chart, and how much of it the names may take.

/** The share of a panel that a legend beside a chart takes at most. */
const SHARE = 0.6;
const LEAST_NAME_PX = 80;
/** What a column of figures takes, such as `451.33 MiB` with the gap before it. */
const FIGURE_PX = 75;
const LEAST_PX = 390;

/** Whether a panel is wide enough for a chart with a legend of so many columns of figures beside it. */
export function besideOf(width: number, figures: number): boolean {
  return width >= Math.max(LEAST_PX, (LEAST_NAME_PX + figures * FIGURE_PX) / SHARE);
}

/** The pixels that a name takes at most, so that the figures after it are seen and the chart keeps half of the panel. */
export function nameRoom(width: number, figures: number): number {
  return Math.max(LEAST_NAME_PX, Math.floor(width / 2) - figures * FIGURE_PX);
}
