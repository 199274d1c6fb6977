import clsx from 'clsx';
import { useMemo, type CSSProperties, type ReactElement } from 'react';
import { mix } from '../../design/colors';
import { sparkPath } from '../../design/sparkline';
import { visibleText } from '../../design/value';
import { Value } from '../../design/Value';
import { usePanelPage, type KindProps } from '../context';
import { figuresOf, fitFont, layoutOf, type Figure, type Layout } from '../figures';
import { flagAt, numberAt, oneAt } from '../json';
import { linksOf } from '../links';
import { inkOn, legible, namedColor, TRANSPARENT } from '../palette';
import { PanelLink } from '../PanelLink';
import { figureOf } from '../units/format';
import { NoData } from './NoData';
import styles from './figures.module.css';

const GAP_PX = 6;
/** On both sides of what stands in a cell, and a little more. */
const PADDING_PX = 24;
const MOST_FONT_PX = 68;
const LEAST_GRAPH_PX = 56;
/** From here on text is large, as WCAG has it. */
const LARGE_PX = 24;

interface Look {
  color: 'value' | 'background' | 'background_solid' | 'none';
  graph: boolean;
  showsName: boolean;
  showsValue: boolean;
  centered: boolean;
  wide: boolean;
  change: boolean;
  options: KindProps['options'];
  scheme: KindProps['looks']['scheme'];
}

function lookOf({ options, looks }: KindProps, count: number): Look {
  const text = oneAt(options, 'textMode', ['auto', 'value', 'value_and_name', 'name', 'none']);
  return {
    color: oneAt(options, 'colorMode', ['value', 'background', 'background_solid', 'none']),
    graph: oneAt(options, 'graphMode', ['area', 'none']) === 'area',
    showsName: text === 'auto' ? count > 1 : text === 'value_and_name' || text === 'name',
    showsValue: text !== 'name' && text !== 'none',
    centered:
      oneAt(options, 'justifyMode', ['auto', 'center']) === 'center' ||
      (count === 1 && oneAt(options, 'graphMode', ['area', 'none']) === 'none'),
    wide: flagAt(options, 'wideLayout', true),
    change: flagAt(options, 'showPercentChange'),
    options,
    scheme: looks.scheme,
  };
}

/** How far the last value is from the first, in percent; empty where that means nothing. */
function changeText(trend: Figure['trend']): string {
  const known = trend.filter((value): value is number => value !== null && Number.isFinite(value));
  const [first, last] = [known[0], known.at(-1)];
  if (first === undefined || last === undefined || first === 0 || known.length < 2) return '';
  const percent = ((last - first) / Math.abs(first)) * 100;
  return `${percent > 0 ? '↑' : percent < 0 ? '↓' : ''} ${figureOf(Math.abs(percent))}%`;
}

/** The colour of a change: good upwards unless the panel says otherwise; none of its own on a coloured ground. */
function changeColor(change: string, look: Look): string | undefined {
  const mode = oneAt(look.options, 'percentChangeColorMode', ['standard', 'inverted', 'same_as_value']);
  if (look.color.startsWith('background') || mode === 'same_as_value') return undefined;
  const up = change.startsWith('↑');
  if (!up && !change.startsWith('↓')) return undefined;
  return legible(namedColor(up === (mode === 'standard') ? 'green' : 'red', look.scheme), look.scheme);
}

function colorsOf({ shown }: Figure, { color, scheme }: Look): { style: CSSProperties; graph: string } {
  const solid = shown.color === TRANSPARENT ? null : shown.color;
  if (color === 'none' || solid === null) return { style: {}, graph: solid ?? legible(TRANSPARENT, scheme) };
  // The figure alone has the colour: a name in it is smaller, and harder to read.
  if (color === 'value') return { style: {}, graph: solid };
  const ink = inkOn(solid);
  const end = mix(solid, ink === '#ffffff' ? '#000000' : '#ffffff', 0.16);
  return {
    style: {
      background: color === 'background' ? `linear-gradient(120deg, ${solid}, ${end})` : solid,
      color: ink,
    },
    graph: ink,
  };
}

function Cell(props: { figure: Figure; look: Look; width: number; height: number }): ReactElement {
  const { figure, look, width, height } = props;
  const page = usePanelPage();
  const { shown } = figure;
  const { style, graph } = colorsOf(figure, look);
  const drawn = look.graph && figure.trend.length > 1 && height >= LEAST_GRAPH_PX;
  const graphPx = drawn ? Math.round(height * 0.3) : 0;
  const beside = look.showsName && look.showsValue && look.wide && width > height * 2.4 && !drawn;
  const room = height - graphPx - 8;
  const named = look.showsName && look.showsValue && !beside;
  const share = beside ? 0.5 : 1;
  const font = fitFont(
    shown.text,
    (width - PADDING_PX) * share,
    named ? room * 0.56 : room * 0.8,
    numberAt(look.options, 'text.valueSize') ?? MOST_FONT_PX,
  );
  const nameFont =
    numberAt(look.options, 'text.titleSize') ??
    fitFont(
      figure.title,
      (width - PADDING_PX) * share,
      look.showsValue ? room * 0.3 : room * 0.6,
      look.showsValue ? 15 : 34,
    );
  const value = (
    <span
      className={styles.figure}
      style={{
        fontSize: font,
        ...(look.color === 'value'
          ? { color: legible(shown.color, look.scheme, font >= LARGE_PX ? 3 : 4.5) }
          : {}),
      }}
    >
      {shown.before === '' ? null : <small>{shown.before}</small>}
      {shown.figure === '' ? '–' : <Value text={shown.figure} />}
      {shown.after === '' ? null : <small>{shown.after}</small>}
    </span>
  );
  const links =
    figure.field.config.links.length > 0
      ? linksOf(figure.field, figure.cell, { row: figure.row, page, row_fields: figure.frame.fields })
      : [];
  const [first] = links;
  const change = look.change ? changeText(figure.trend) : '';
  return (
    <div
      className={clsx(styles.stat, look.centered && styles.centered, beside && styles.beside)}
      style={{ ...style, height, ...(drawn ? { paddingBottom: graphPx } : {}) }}
      title={visibleText(`${figure.title}: ${shown.text}`)}
    >
      {drawn ? <Graph trend={figure.trend} width={width} height={graphPx} color={graph} /> : null}
      {look.showsName ? (
        <span className={clsx(styles.name, 'ellipsis')} style={{ fontSize: nameFont }}>
          <Value text={figure.title} />
        </span>
      ) : null}
      {look.showsValue ? (
        first ? (
          <PanelLink link={first} className={styles.link}>
            {value}
          </PanelLink>
        ) : (
          value
        )
      ) : null}
      {change === '' ? null : (
        <span className={styles.change} style={{ color: changeColor(change, look) }}>
          {change}
        </span>
      )}
    </div>
  );
}

function Graph(props: {
  trend: Figure['trend'];
  width: number;
  height: number;
  color: string;
}): ReactElement | null {
  const { trend, width, height, color } = props;
  const { line, area } = useMemo(() => sparkPath(trend, width, height), [trend, width, height]);
  return (
    <svg className={styles.graph} width={width} height={height} aria-hidden="true" style={{ color }}>
      <path d={area} className={styles.area} />
      <path d={line} className={styles.line} />
    </svg>
  );
}

/** Figures as large as there is room for, with how they went behind them. */
export function Stat(props: KindProps): ReactElement {
  const { frames, options, width, height, looks } = props;
  const figures = useMemo(() => figuresOf(frames, options, looks), [frames, options, looks]);
  if (figures.length === 0) return <NoData frames={frames} height={height} />;
  const layout: Layout = layoutOf(
    figures.length,
    width,
    height,
    oneAt(options, 'orientation', ['auto', 'horizontal', 'vertical']),
    2.2,
  );
  const look = lookOf(props, figures.length);
  const cell = {
    width: (width - GAP_PX * (layout.columns - 1)) / layout.columns,
    height: Math.max(24, (height - GAP_PX * (layout.rows - 1)) / layout.rows),
  };
  return (
    <div
      className={styles.grid}
      style={{ gridTemplateColumns: `repeat(${layout.columns}, minmax(0, 1fr))`, height, gap: GAP_PX }}
    >
      {figures.map((figure, i) => (
        <Cell key={i} figure={figure} look={look} {...cell} />
      ))}
    </div>
  );
}
