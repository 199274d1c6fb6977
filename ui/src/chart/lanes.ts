// Charts whose value axis is a list: buckets of a heat map, things that are in states. Options of uPlot's, which
// carries the time axis, the crosshair and zooming as for lines; each kind paints its own cells.

import type uPlot from 'uplot';
import { INK, type Scheme } from '../design/colors';
import { visibleText } from '../design/value';
import { TIME_AXIS_PX, timeAxis, textWidth, zoned } from './plot';

export interface LaneLook {
  scheme: Scheme;
  utc: boolean;
  /** Names from the bottom to the top. */
  lanes: readonly string[];
  /** Names stand at the lanes' lower edges instead of their middles: of buckets, these are bounds. */
  edges: boolean;
  syncKey: string | null;
}

const LONGEST_PX = 180;
const ROOM_PX = 15;

/** `text` cut with dots so that it is no wider than `most` CSS pixels. */
function fitText(text: string, most: number): string {
  if (textWidth(text) <= most) return text;
  let end = text.length;
  while (end > 1 && textWidth(`${text.slice(0, end)}…`) > most) end -= 1;
  return `${text.slice(0, end)}…`;
}

/** Every how manyth lane is named, so that names do not touch. */
export function namedEvery(lanes: number, heightPx: number): number {
  return Math.max(1, Math.ceil((lanes * ROOM_PX) / Math.max(1, heightPx)));
}

/** uPlot's options for lanes; `range` is asked at each drawing. Lane number `i` lies between `i` and `i + 1`. */
export function laneOptions(look: LaneLook, range: () => [number, number]): uPlot.Options {
  const ink = INK[look.scheme];
  const count = look.lanes.length;
  const shift = look.edges ? 0 : 0.5;
  const names = look.lanes.map((name) => fitText(visibleText(name), LONGEST_PX));
  return {
    width: 300,
    height: 150,
    padding: [8, () => Math.ceil(textWidth('00:00:00') / 2) + 2, 0, 0],
    legend: { show: false },
    tzDate: zoned(look.utc),
    cursor: {
      points: { show: false },
      drag: { x: true, y: false, setScale: false, dist: 6 },
      ...(look.syncKey === null
        ? {}
        : { sync: { key: look.syncKey, setSeries: false, scales: ['x', null] } }),
    },
    scales: { x: { time: true, range: () => range() }, y: { range: [0, Math.max(1, count)] } },
    axes: [
      timeAxis(look.scheme, look.utc),
      {
        ...timeAxis(look.scheme, look.utc),
        grid: { show: false },
        stroke: ink.axis,
        gap: 6,
        size: Math.max(56, ...names.map((name) => textWidth(name) + 14)),
        splits: (plot) => {
          const every = namedEvery(count, plot.height - TIME_AXIS_PX);
          return names.flatMap((_, i) => (i % every === 0 ? [i + shift] : []));
        },
        values: (_plot, splits) => splits.map((at) => names[Math.round(at - shift)] ?? ''),
        space: 1,
        incrs: [1],
      },
    ],
    // uPlot wants a series; the cells are painted beside it.
    series: [{}, { show: true, paths: () => null, points: { show: false } }],
  };
}

/** The lane and the place in time under the mouse; null where there is none. */
export function cellAt(plot: uPlot, lanes: number): { lane: number; at: number } | null {
  const { left = -1, top = -1, idx } = plot.cursor;
  if (left < 0 || idx == null) return null;
  const lane = Math.floor(plot.posToVal(top, 'y'));
  return lane >= 0 && lane < lanes ? { lane, at: idx } : null;
}
