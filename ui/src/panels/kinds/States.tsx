import { useCallback, useMemo, type ReactElement } from 'react';
import type uPlot from 'uplot';
import { LaneChart, type LaneChartProps } from '../../chart/LaneChart';
import { INK, seriesColor } from '../../design/colors';
import { formatInstant } from '../../design/format';
import { usePageClock } from '../../design/hooks';
import { visibleText } from '../../design/value';
import { usePanelPage, type KindProps } from '../context';
import { flagAt, numberAt, object, oneAt } from '../json';
import type { LegendItem } from '../PanelLegend';
import { inkOn, TRANSPARENT } from '../palette';
import { insertOf, spanOf } from '../series/columns';
import { endsOf, show } from '../shown';
import { textIn } from '../units/format';
import { WithLegend } from '../WithLegend';
import { NoData } from './NoData';

interface Run {
  from: number;
  /** Where it ends, in seconds. */
  to: number;
  state: number;
}

interface Lanes {
  names: string[];
  runs: Run[][];
  states: { text: string; color: string }[];
  times: readonly number[];
  step: number;
}

const MOST_LANES = 200;
/** More states than these are values, and a legend of them tells nothing. */
const MOST_NAMED = 16;

export function lanesOf(frames: KindProps['frames'], looks: KindProps['looks'], merges: boolean): Lanes {
  const states: Lanes['states'] = [];
  const known = new Map<string, number>();
  const made: Lanes = { names: [], runs: [], states, times: [], step: 60 };
  const times = new Set<number>();
  const fields = frames.flatMap((frame) => {
    const time = frame.fields.find(({ type }) => type === 'time');
    if (!time) return [];
    return frame.fields
      .filter(
        (field) =>
          field.type !== 'time' && field.type !== 'other' && !flagAt(field.config.custom, 'hideFrom.viz'),
      )
      .map((field) => ({ field, time }));
  });
  const all = fields.map(({ field }) => field);
  for (const { field, time } of fields.slice(0, MOST_LANES)) {
    const at = time.values.map((ms) => Number(ms) / 1000);
    const step =
      at.length > 1
        ? Math.min(
            ...at
              .slice(1)
              .map((one, i) => one - (at[i] ?? 0))
              .filter((gap) => gap > 0),
          )
        : 60;
    made.step = step;
    for (const one of at) times.add(one);
    const ends = endsOf(field, all);
    const runs: Run[] = [];
    const [spanned, limit] = [spanOf(field.config.custom) / 1000, insertOf(field.config.custom) / 1000];
    const whole =
      field.config.color.mode === 'palette-classic' ||
      (field.config.color.mode === '' && field.type === 'string');
    let before = -1;
    field.values.forEach((cell, i) => {
      if (cell === null || (typeof cell === 'number' && Number.isNaN(cell))) return;
      const told = show(field.config, cell, looks, { ends });
      const mapped = field.config.mappings.length > 0 && told.mapped;
      const key = `${told.text}\n${whole && !mapped ? '' : told.color}`;
      let state = known.get(key);
      if (state === undefined) {
        state = states.length;
        known.set(key, state);
        states.push({
          text: told.text,
          color:
            whole && !mapped
              ? seriesColor(state, looks.scheme)
              : told.color === TRANSPARENT
                ? INK[looks.scheme].grid
                : told.color,
        });
      }
      const from = at[i] ?? 0;
      const to = Math.min(at[i + 1] ?? from + step, from + (merges ? limit : step));
      const last = runs.at(-1);
      // What was before goes on until here, where so long a gap is to be bridged.
      if (merges && last && last.to < from && from - (at[before] ?? from) <= spanned) last.to = from;
      before = i;
      if (merges && last?.state === state && Math.abs(last.to - from) < step / 2) last.to = to;
      else runs.push({ from, to, state });
    });
    made.names.push(field.title);
    made.runs.push(runs);
  }
  made.times = [...times].sort((a, b) => a - b);
  // From the bottom, as lanes are counted.
  made.names.reverse();
  made.runs.reverse();
  return made;
}

type Align = 'left' | 'center' | 'right';

interface LaneLook {
  share: number;
  wide: number;
  values: boolean;
  align: Align;
  hidden: ReadonlySet<number>;
  focused: number | null;
}

/** Where a text of `width` begins in what is seen of a cell from `from` to `to`; null where it has no room. */
export function textAtIn(from: number, to: number, width: number, align: Align): number | null {
  const spare = to - from - width;
  if (spare <= 0) return null;
  return from + spare * (align === 'left' ? 0 : align === 'center' ? 0.5 : 1);
}

const TEXT_EDGE_PX = 4;

function paintLanes(plot: uPlot, lanes: Lanes, look: LaneLook): void {
  const { ctx, bbox } = plot;
  const ratio = window.devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.font = `500 ${11 * ratio}px 'Inter Variable', system-ui, sans-serif`;
  ctx.textBaseline = 'middle';
  ctx.textAlign = 'left';
  lanes.runs.forEach((runs, lane) => {
    const full = plot.valToPos(lane, 'y', true) - plot.valToPos(lane + 1, 'y', true);
    const height = Math.max(1, full * look.share);
    const top = plot.valToPos(lane + 1, 'y', true) + (full - height) / 2;
    for (const { from, to, state } of runs) {
      const one = lanes.states[state];
      if (!one || look.hidden.has(state)) continue;
      const left = plot.valToPos(from, 'x', true);
      const width = Math.max(
        1,
        (plot.valToPos(to, 'x', true) - left) * look.wide - (look.wide === 1 ? 0.5 * ratio : 0),
      );
      if (left + width < bbox.left || left > bbox.left + bbox.width) continue;
      ctx.globalAlpha = look.focused === null || look.focused === state ? 1 : 0.3;
      ctx.fillStyle = one.color;
      ctx.fillRect(left, top, width, height);
      if (!look.values || height < 13 * ratio) continue;
      const text = visibleText(one.text);
      const begin = textAtIn(
        Math.max(left, bbox.left) + TEXT_EDGE_PX * ratio,
        Math.min(left + width, bbox.left + bbox.width) - TEXT_EDGE_PX * ratio,
        ctx.measureText(text).width,
        look.align,
      );
      if (begin !== null) {
        ctx.fillStyle = inkOn(one.color);
        ctx.fillText(text, begin, top + height / 2 + ratio);
      }
    }
  });
  ctx.restore();
}

function States({ kind, merges }: { kind: KindProps; merges: boolean }): ReactElement {
  const { frames, options, range, looks, title, width, height } = kind;
  const page = usePanelPage();
  const { utc } = usePageClock();
  const joins = merges && flagAt(options, 'mergeValues', true);
  const lanes = useMemo(() => lanesOf(frames, looks, joins), [frames, looks, joins]);
  const ends = useMemo(() => [range.fromMs / 1000, range.toMs / 1000] as const, [range.fromMs, range.toMs]);
  const field = frames[0]?.fields[0];
  const items = useMemo(
    () =>
      field && lanes.states.length <= MOST_NAMED
        ? lanes.states
            .slice(0, 40)
            .map(({ text, color }, index): LegendItem => ({ title: text, color, index, field, values: [] }))
        : [],
    [lanes, field],
  );
  if (lanes.names.length === 0 || !field) return <NoData frames={frames} height={height} />;
  const tell = (lane: number, at: number): string[] => {
    const seconds = lanes.times[at] ?? 0;
    const run = lanes.runs[lane]?.find(({ from, to }) => seconds >= from && seconds < to);
    const state = run ? lanes.states[run.state] : undefined;
    const lasted = run && merges ? ` for ${textIn(run.to - run.from, 's')}` : '';
    return [
      formatInstant(seconds * 1000, utc),
      lanes.names[lane] ?? '',
      state ? `${state.text}${lasted}` : 'no value',
    ];
  };
  return (
    <WithLegend
      options={{
        ...options,
        legend: { ...object(options.legend), calcs: [] },
      }}
      items={items}
      width={width}
      height={height}
    >
      {(size, { hidden, focused }) => (
        <Chart
          lanes={lanes}
          look={{
            share: numberAt(options, 'rowHeight') ?? 0.9,
            wide: merges ? 1 : (numberAt(options, 'colWidth') ?? 0.9),
            values: oneAt(options, 'showValue', ['auto', 'always', 'never']) !== 'never',
            align: oneAt(options, 'alignValue', ['left', 'center', 'right']),
            hidden,
            focused,
          }}
          chart={{
            label: `${title}: ${lanes.names.slice(0, 8).join(', ')}`,
            times: lanes.times,
            lanes: lanes.names,
            height: size.height,
            range: ends,
            tell,
            ...(page.syncKey === null ? {} : { syncKey: page.syncKey }),
            ...(page.onZoom ? { onZoom: page.onZoom } : {}),
            ...(page.onZoomOut ? { onZoomOut: page.onZoomOut } : {}),
          }}
        />
      )}
    </WithLegend>
  );
}

function Chart(props: { lanes: Lanes; look: LaneLook; chart: Omit<LaneChartProps, 'paint'> }): ReactElement {
  const { lanes, look, chart } = props;
  const { share, wide, values, align, hidden, focused } = look;
  const paint = useCallback<LaneChartProps['paint']>(
    (plot) => paintLanes(plot, lanes, { share, wide, values, align, hidden, focused }),
    [lanes, share, wide, values, align, hidden, focused],
  );
  return <LaneChart {...chart} paint={paint} />;
}

/** What state things were in, each for as long as it lasted. */
export default function StateTimelinePanel(props: KindProps): ReactElement {
  return <States kind={props} merges />;
}

/** What state things were in, at each instant. */
export function StatusHistory(props: KindProps): ReactElement {
  return <States kind={props} merges={false} />;
}
