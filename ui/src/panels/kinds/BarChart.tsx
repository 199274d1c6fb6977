import { useMemo, type ReactElement } from 'react';
import { visibleText } from '../../design/value';
import { textWidth } from '../../chart/plot';
import type { FieldConfig } from '../config';
import type { KindProps } from '../context';
import { cellText, lengthOf, numeric } from '../frame';
import { flagAt, numberAt, oneAt, textAt } from '../json';
import type { LegendItem } from '../PanelLegend';
import type { ShownField, ShownFrame } from '../overrides';
import { inkOn, TRANSPARENT } from '../palette';
import { colorOf } from '../series/columns';
import { rangeOf, tickLabels } from '../series/plot';
import { show, type Looks } from '../shown';
import { textIn } from '../units/format';
import { WithLegend } from '../WithLegend';
import { barsIn, ticksOf, type Bars } from './bars';
import { NoData } from './NoData';
import styles from './charts.module.css';

const FOOT_PX = 20;
const HEAD_PX = 8;
/** Room for a line of a name. */
const LINE_PX = 16;

/** The bars of `frames`: the first texts (or times) name the places, each column of numbers is a series. */
function readBars({ frames, options, looks }: KindProps): Bars | null {
  const frame = frames.find(({ fields }) => fields.some(({ type }) => type === 'number'));
  if (!frame) return null;
  // Series of one value each are bars beside each other.
  const alone = frames.length > 1 && frames.every((one) => lengthOf(one) === 1);
  if (alone) {
    const fields = frames.flatMap(({ fields: own }) => own.filter(({ type }) => type === 'number'));
    const [first] = fields;
    if (!first) return null;
    const value: ShownField = {
      ...first,
      title: 'Value',
      values: fields.map(({ values }) => values[0] ?? null),
    };
    return {
      names: fields.map(({ title }) => title),
      series: [{ field: value, color: colorOf(value, 0, looks), each: true }],
    };
  }
  const wanted = textAt(options, 'xField');
  const names =
    frame.fields.find(({ title, name }) => wanted !== '' && (title === wanted || name === wanted)) ??
    frame.fields.find(({ type }) => type === 'string') ??
    frame.fields.find(({ type }) => type === 'time');
  const fields = frame.fields.filter(
    (field) => field.type === 'number' && field !== names && !flagAt(field.config.custom, 'hideFrom.viz'),
  );
  return {
    names: Array.from({ length: lengthOf(frame) }, (_, i) =>
      names === undefined
        ? String(i + 1)
        : names.type === 'string'
          ? cellText(names.values[i])
          : show(names.config, names.values[i] ?? null, looks).text,
    ),
    series: fields.map((field, i) => ({ field, color: colorOf(field, i, looks), each: false })),
  };
}

function Plot(props: {
  bars: Bars;
  kind: KindProps;
  width: number;
  height: number;
  hidden: ReadonlySet<number>;
  focused: number | null;
}): ReactElement {
  const { bars, kind, width, height, hidden, focused } = props;
  const { options, looks } = kind;
  const stacking = oneAt(options, 'stacking', ['none', 'normal', 'percent']);
  const orientation = oneAt(options, 'orientation', ['auto', 'horizontal', 'vertical']);
  const sideways = orientation === 'horizontal' || (orientation === 'auto' && height > width * 1.4);
  const [first] = bars.series;
  const config = first?.field.config;
  const made = useMemo(() => barsIn(bars, stacking, hidden), [bars, stacking, hidden]);
  const scale = {
    key: 'y',
    unit: stacking === 'percent' ? 'percentunit' : (config?.unit ?? 'none'),
    decimals: config?.decimals,
    side: 'left' as const,
    label: '',
    log: 0,
    min: config?.min ?? null,
    max: config?.max ?? null,
    softMin: null,
    softMax: null,
    centered: false,
    grid: true,
    color: null,
    grounded: true,
    percent: stacking === 'percent',
  };
  const [low, high] = rangeOf(scale, made.least, made.most, []);
  const names = bars.names.map((name) =>
    shortened(visibleText(name), numberAt(options, 'xTickLabelMaxLength')),
  );
  const longest = Math.max(0, ...names.map(textWidth));
  const foot = sideways ? null : footOf(longest, numberAt(options, 'xTickLabelRotation') ?? 0, height);
  const footPx = foot?.px ?? FOOT_PX;
  const ticks = ticksOf(low, high, sideways ? width / 90 : height / 34, scale);
  const labels = tickLabels(ticks, scale, (ticks[1] ?? 1) - (ticks[0] ?? 0));
  const left = sideways ? Math.min(width * 0.34, longest + 12) : Math.max(30, ...labels.map(textWidth)) + 10;
  const body = { width: Math.max(10, width - left - 8), height: Math.max(10, height - footPx - HEAD_PX) };
  const count = Math.max(1, bars.names.length);
  const step = (sideways ? body.height : body.width) / count;
  const group = step * (numberAt(options, 'groupWidth') ?? 0.7);
  const lanes = stacking === 'none' ? Math.max(1, bars.series.length - hidden.size) : 1;
  const thick = Math.max(1, (group / lanes) * (numberAt(options, 'barWidth') ?? 0.97));
  const along = (value: number): number =>
    ((value - low) / (high - low)) * (sideways ? body.width : body.height);
  const every = foot
    ? Math.max(1, Math.ceil((foot.angle === 0 ? Math.min(longest, 140) + 8 : LINE_PX) / step))
    : Math.max(1, Math.ceil(LINE_PX / step));
  const named = placesNamed(
    count,
    every,
    sideways ? 0 : (numberAt(options, 'xTickLabelSpacing') ?? 0),
    width,
  );
  const valued = oneAt(options, 'showValue', ['auto', 'always', 'never']);
  return (
    <svg
      className={styles.svg}
      width={width}
      height={height}
      role="img"
      aria-label={visibleText(`${kind.title}: ${bars.names.slice(0, 8).join(', ')}`)}
    >
      {ticks.map((tick, i) => {
        const at = along(tick);
        return sideways ? (
          <g key={tick}>
            <path className={styles.grid} d={`M${left + at} ${HEAD_PX}v${body.height}`} />
            <text className={styles.tick} x={left + at} y={height - 5} textAnchor="middle">
              {labels[i]}
            </text>
          </g>
        ) : (
          <g key={tick}>
            <path className={styles.grid} d={`M${left} ${HEAD_PX + body.height - at}h${body.width}`} />
            <text className={styles.tick} x={left - 6} y={HEAD_PX + body.height - at + 4} textAnchor="end">
              {labels[i]}
            </text>
          </g>
        );
      })}
      {made.rects.map(({ series, place, lane, from, to, value }) => {
        const one = bars.series[series];
        if (!one) return null;
        const told = show(one.field.config, value, looks, {
          ends: { min: low, max: high },
          index: one.each ? place : series,
        });
        const color =
          one.each && one.field.config.color.mode !== 'palette-classic' && told.color !== TRANSPARENT
            ? told.color
            : one.each
              ? colorOf(one.field, place, looks)
              : one.color;
        const across =
          place * step +
          (step - group) / 2 +
          (stacking === 'none' ? lane * (group / lanes) : (group - thick) / 2);
        const [start, size] = [along(Math.min(from, to)), Math.max(1, Math.abs(along(to) - along(from)))];
        const box = sideways
          ? { x: left + start, y: HEAD_PX + across, width: size, height: thick }
          : { x: left + across, y: HEAD_PX + body.height - start - size, width: thick, height: size };
        const fits = sideways
          ? thick > 12 && size > textWidth(told.text) + 8
          : thick > textWidth(told.text) + 2 && size > 16;
        return (
          <g key={`${series} ${place}`} opacity={focused === null || focused === series ? 1 : 0.35}>
            <rect {...box} fill={color} rx={2} className={styles.bar}>
              <title>
                {visibleText(
                  `${bars.names[place] ?? ''}${bars.series.length > 1 ? `, ${one.field.title}` : ''}: ${told.text}`,
                )}
              </title>
            </rect>
            {valued === 'never' || !fits ? null : (
              <text
                className={styles.value}
                x={box.x + box.width / 2}
                y={box.y + (sideways ? box.height / 2 + 4 : 14)}
                textAnchor="middle"
                fill={inkOn(color)}
              >
                {visibleText(told.text)}
              </text>
            )}
          </g>
        );
      })}
      {names.map((name, i) => {
        if (!named(i)) return null;
        if (!foot)
          return (
            <text
              key={i}
              className={styles.tick}
              x={left - 6}
              y={HEAD_PX + step * (i + 0.5) + 4}
              textAnchor="end"
            >
              {cut(name, left - 10)}
            </text>
          );
        const [x, y] = [left + step * (i + 0.5), height - footPx + (foot.angle === 0 ? 15 : 10)];
        return (
          <text
            key={i}
            className={styles.tick}
            x={x}
            y={y}
            textAnchor={foot.angle > 0 ? 'start' : foot.angle < 0 ? 'end' : 'middle'}
            {...(foot.angle === 0 ? {} : { transform: `rotate(${foot.angle} ${x} ${y})` })}
          >
            {cut(name, foot.angle === 0 ? Math.max(step * every - 6, 24) : foot.along)}
          </text>
        );
      })}
    </svg>
  );
}

function shortened(text: string, most: number | undefined): string {
  return most === undefined || most <= 0 || text.length <= most ? text : `${text.slice(0, most)}…`;
}

interface Foot {
  /** Clockwise, in degrees. */
  angle: number;
  /** How high the names are, and how long one may be. */
  px: number;
  along: number;
}

/** Where the names below bars stand, turned by `angle`; they leave the bars more than half of the height. */
export function footOf(longest: number, angle: number, height: number): Foot {
  const turned = Math.max(-90, Math.min(90, angle));
  if (turned === 0) return { angle: 0, px: FOOT_PX, along: Infinity };
  const slope = Math.abs(Math.sin((turned * Math.PI) / 180));
  const px = Math.min(
    Math.max(FOOT_PX, Math.ceil(longest * slope) + LINE_PX),
    Math.max(FOOT_PX, height * 0.45),
  );
  return { angle: turned, px, along: (px - LINE_PX) / slope };
}

/**
 * Which of `count` places are named: each `every` one at most, and with at least `spacing` pixels for each where that is
 * asked for; below 0 the last one is named and those before it by turns.
 */
export function placesNamed(
  count: number,
  every: number,
  spacing: number,
  width: number,
): (place: number) => boolean {
  const most = spacing === 0 ? count : Math.max(1, Math.floor(width / Math.abs(spacing)));
  const turns = Math.max(every, count <= most ? 1 : Math.ceil(count / most));
  return (place) => (spacing < 0 ? count - 1 - place : place) % turns === 0;
}

/** `text`, cut with dots where it is wider than `px`. */
function cut(text: string, px: number): string {
  if (textWidth(text) <= px) return text;
  const chars = Math.max(1, Math.floor((text.length * px) / textWidth(text)) - 1);
  return `${text.slice(0, chars)}…`;
}

/** A bar for each row of a table, or a group of bars where it has several columns of numbers. */
export default function BarChart(props: KindProps): ReactElement {
  const { frames, options, width, height, looks } = props;
  // eslint-disable-next-line react-hooks/exhaustive-deps -- of all that it is given, bars are made of these
  const bars = useMemo(() => readBars(props), [frames, options, looks]);
  const items = useMemo(
    () =>
      (bars?.series ?? []).flatMap(({ field, color, each }, index): LegendItem[] =>
        each ? [] : [{ title: field.title, color, index, field, values: field.values }],
      ),
    [bars],
  );
  if (bars === null || bars.names.length === 0) return <NoData frames={frames} height={height} />;
  return (
    <WithLegend options={options} items={items} width={width} height={height}>
      {(size, { hidden, focused }) => (
        <Plot bars={bars} kind={props} hidden={hidden} focused={focused} {...size} />
      )}
    </WithLegend>
  );
}

interface Bin {
  from: number;
  to: number;
  counts: number[];
}

const BINS = 30;
const MOST_BINS = 200;
/** How far values that are the same may be apart, as a share of them. */
const ROUNDING = 1e-9;

/** The values of all series in bins of equal width: how many of each series are in each. */
export function binsOf(
  columns: readonly (readonly (number | null)[])[],
  size: number | undefined,
  offset: number,
): Bin[] {
  let [least, most] = [Infinity, -Infinity];
  for (const column of columns)
    for (const value of column)
      if (value !== null && Number.isFinite(value))
        [least, most] = [Math.min(least, value), Math.max(most, value)];
  if (!Number.isFinite(least)) return [];
  // What differs by no more than rounding is all the same.
  const apart = most - least > Math.abs(most) * ROUNDING ? most - least : 0;
  const exact = size !== undefined && size > 0 ? size : niceStep(apart / BINS || Math.abs(most) / BINS || 1);
  const wide = apart / exact > MOST_BINS ? niceStep(apart / BINS) : exact;
  const first = Math.floor((least - offset) / wide);
  const bins = Array.from({ length: Math.floor((most - offset) / wide) - first + 1 }, (_, i): Bin => ({
    from: (first + i) * wide + offset,
    to: (first + i + 1) * wide + offset,
    counts: columns.map(() => 0),
  }));
  columns.forEach((column, series) => {
    for (const value of column) {
      const bin =
        value === null || !Number.isFinite(value)
          ? undefined
          : bins[Math.floor((value - offset) / wide) - first];
      if (bin) bin.counts[series] = (bin.counts[series] ?? 0) + 1;
    }
  });
  return bins;
}

function niceStep(exact: number): number {
  const power = 10 ** Math.floor(Math.log10(exact));
  return ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= exact) ?? 10) * power;
}

const FEWEST_DIGITS = 3;
const MOST_DIGITS = 10;

/** Ends of bins in the field's unit, with the digits that tell one from the next, whatever decimals are asked for. */
export function edgeTexts(edges: readonly number[], { unit, decimals }: FieldConfig): string[] {
  const written = (digits: number, fixed: number | undefined): string[] =>
    edges.map((edge) => textIn(edge, unit, fixed, undefined, digits));
  let texts = written(FEWEST_DIGITS, decimals);
  for (let digits = FEWEST_DIGITS; digits <= MOST_DIGITS && new Set(texts).size < texts.length; digits += 1)
    texts = written(digits, undefined);
  return texts;
}

const MOST_EMPTY = 100;

/** The ends of buckets, and of those without any value between them: in which row each is counted, null for none. */
function withEmpty(lows: readonly number[], highs: readonly number[]): [number, number, number | null][] {
  const order = lows.map((_, row) => row).sort((a, b) => (lows[a] ?? 0) - (lows[b] ?? 0));
  return order.flatMap((row, i): [number, number, number | null][] => {
    const [from, to] = [lows[row] ?? 0, highs[row] ?? 0];
    const next = order[i + 1];
    const gap = next === undefined ? 0 : (lows[next] ?? 0) - to;
    const size = to - from;
    if (gap <= size * ROUNDING) return [[from, to, row]];
    const count = Math.min(MOST_EMPTY, Math.max(1, Math.round(gap / size)));
    const empty = Array.from({ length: count }, (_, place): [number, number, null] => [
      to + (place * gap) / count,
      to + ((place + 1) * gap) / count,
      null,
    ]);
    return [[from, to, row], ...empty];
  });
}

/** Whether a field is where buckets begin or end, by its name today or until Grafana 9. */
function isEdge(end: 'Min' | 'Max'): (field: ShownField) => boolean {
  return ({ name, type }) => type === 'number' && (name === `x${end}` || name === `Bucket${end}`);
}

/** Bars of a frame that has its buckets counted already; null where none has. */
export function countedBars(frames: readonly ShownFrame[], looks: Looks): Bars | null {
  const frame = frames.find(({ fields }) => fields.some(isEdge('Min')) && fields.some(isEdge('Max')));
  const [low, high] = [frame?.fields.find(isEdge('Min')), frame?.fields.find(isEdge('Max'))];
  if (!frame || !low || !high) return null;
  const counts = frame.fields.filter((field) => field.type === 'number' && field !== low && field !== high);
  if (counts.length === 0) return null;
  const bins = withEmpty(low.values.map(Number), high.values.map(Number));
  const lows = edgeTexts(
    bins.map(([from]) => from),
    low.config,
  );
  const highs = edgeTexts(
    bins.map(([, to]) => to),
    low.config,
  );
  return {
    names: lows.map((text, i) => `${text} – ${highs[i] ?? ''}`),
    series: counts.map((field, i) => ({
      field: { ...field, values: bins.map(([, , row]) => (row === null ? 0 : (field.values[row] ?? null))) },
      color: colorOf(field, i, looks),
      each: false,
    })),
  };
}

/** How often values were of which size. */
export function Histogram(props: KindProps): ReactElement {
  const { frames, options, width, height, looks } = props;
  const bars = useMemo((): Bars | null => {
    const given = countedBars(frames, looks);
    if (given) return given;
    const fields = frames.flatMap((frame) => frame.fields.filter(({ type }) => type === 'number'));
    const [first] = fields;
    if (!first) return null;
    const combine = flagAt(options, 'combine');
    const columns = combine
      ? [fields.flatMap(({ values }) => values.map(numeric))]
      : fields.map(({ values }) => values.map(numeric));
    const bins = binsOf(columns, numberAt(options, 'bucketSize'), numberAt(options, 'bucketOffset') ?? 0);
    const edges = edgeTexts([...bins.map(({ from }) => from), bins.at(-1)?.to ?? 0], first.config);
    const count = { ...first.config, unit: 'short', decimals: 0, mappings: [] };
    return {
      names: bins.map((_, i) => `${edges[i] ?? ''} – ${edges[i + 1] ?? ''}`),
      series: columns.map((_, i) => {
        const field = combine ? { ...first, title: 'all' } : (fields[i] ?? first);
        return {
          field: { ...field, config: count, values: bins.map(({ counts }) => counts[i] ?? 0) },
          color: colorOf(field, i, looks),
          each: false,
        };
      }),
    };
  }, [frames, options, looks]);
  const items = useMemo(
    () =>
      (bars?.series ?? []).map(({ field, color }, index): LegendItem => ({
        title: field.title,
        color,
        index,
        field,
        values: field.values,
      })),
    [bars],
  );
  if (bars === null || bars.names.length === 0) return <NoData frames={frames} height={height} />;
  const look = {
    ...options,
    barWidth: 1,
    groupWidth: 0.96,
    xField: '',
    stacking: 'normal',
    showValue: 'never',
  };
  return (
    <WithLegend options={options} items={items} width={width} height={height}>
      {(size, { hidden, focused }) => (
        <Plot bars={bars} kind={{ ...props, options: look }} hidden={hidden} focused={focused} {...size} />
      )}
    </WithLegend>
  );
}
