import clsx from 'clsx';
import { useMemo, type CSSProperties, type ReactElement } from 'react';
import { visibleText } from '../../design/value';
import { Value } from '../../design/Value';
import { usePanelPage, type KindProps } from '../context';
import { figuresOf, type Figure } from '../figures';
import { flagAt, numberAt, oneAt } from '../json';
import { linksOf } from '../links';
import { legible, namedColor, rampColor, shareOf, stepColor, stepsOf, TRANSPARENT } from '../palette';
import { PanelLink } from '../PanelLink';
import { NoData } from './NoData';
import styles from './figures.module.css';

const CELLS = 28;
const GAP_PX = 6;
const NAME_PX = 17;
/** Higher than this a bar is only where the panel says so, as in Grafana. */
const MOST_PX = 300;
const LEAST_FONT_PX = 13;
const MOST_FONT_PX = 28;

interface Look {
  mode: 'gradient' | 'lcd' | 'basic';
  sideways: boolean;
  /** Names stand before bars that lie, and not above them. */
  left: boolean;
  value: 'color' | 'text' | 'hidden';
  unfilled: boolean;
  scheme: KindProps['looks']['scheme'];
  /** How high a bar that lies is at most. */
  mostPx: number;
  /** Of the values. */
  fontPx: number;
}

/** The colours along a bar, as those of the steps below its end. */
function gradient(figure: Figure, { scheme, sideways }: Look): string {
  const { field, ends, shown } = figure;
  const towards = sideways ? 'to right' : 'to top';
  const { mode } = field.config.color;
  if (mode.startsWith('continuous-')) {
    const stops = [0, 0.25, 0.5, 0.75, 1].map((share) => rampColor(mode, share * shown.share, scheme));
    return `linear-gradient(${towards}, ${stops.join(', ')})`;
  }
  if (mode !== 'thresholds' && mode !== '') return shown.color;
  const whole = Math.max(shown.share, 1e-6);
  const stops = stepsOf(field.config.thresholds, ends)
    .map(({ value, color }) => ({
      at: value === -Infinity ? 0 : shareOf(value, ends),
      color: namedColor(color, scheme),
    }))
    .filter(({ at, color }) => at <= shown.share && color !== TRANSPARENT)
    .map(({ at, color }) => `${color} ${((at / whole) * 100).toFixed(1)}%`);
  return stops.length > 1 ? `linear-gradient(${towards}, ${stops.join(', ')})` : shown.color;
}

function Cells({ figure, look }: { figure: Figure; look: Look }): ReactElement {
  const { field, ends, shown } = figure;
  const { mode } = field.config.color;
  return (
    <span className={styles.cells}>
      {Array.from({ length: CELLS }, (_, i) => {
        const share = (i + 0.5) / CELLS;
        const on = shown.value !== null && share <= shown.share;
        const value = ends.min + share * (ends.max - ends.min);
        const color = mode.startsWith('continuous-')
          ? rampColor(mode, share, look.scheme)
          : mode === 'thresholds' || mode === ''
            ? namedColor(stepColor(field.config.thresholds, value, ends), look.scheme)
            : shown.color;
        return <i key={i} style={{ background: color, opacity: on ? 1 : look.unfilled ? 0.16 : 0 }} />;
      })}
    </span>
  );
}

function Bar({ figure, look, labelled }: { figure: Figure; look: Look; labelled: boolean }): ReactElement {
  const page = usePanelPage();
  const { shown } = figure;
  const color = look.value === 'text' ? undefined : legible(shown.color, look.scheme);
  const size = `${(shown.share * 100).toFixed(2)}%`;
  const bar: CSSProperties = {
    background: look.mode === 'gradient' ? gradient(figure, look) : shown.color,
    ...(look.sideways ? { width: size } : { height: size }),
  };
  const [link] =
    figure.field.config.links.length > 0
      ? linksOf(figure.field, figure.cell, { row: figure.row, page, row_fields: figure.frame.fields })
      : [];
  const name = <Value text={figure.title} />;
  return (
    <div
      className={clsx(styles.bar, labelled && (look.left ? styles.before : styles.named))}
      {...(look.sideways
        ? { style: { maxHeight: look.mostPx + (labelled && !look.left ? NAME_PX : 0) } }
        : {})}
      title={visibleText(`${figure.title}: ${shown.text}`)}
    >
      {labelled ? (
        <span className={clsx(styles.barName, 'ellipsis')}>
          {link ? <PanelLink link={link}>{name}</PanelLink> : name}
        </span>
      ) : null}
      <span className={clsx(styles.barTrack, look.unfilled && look.mode !== 'lcd' && styles.unfilled)}>
        {look.mode === 'lcd' ? (
          <Cells figure={figure} look={look} />
        ) : shown.value === null ? null : (
          <i style={bar} />
        )}
      </span>
      {look.value === 'hidden' ? null : (
        <span className={styles.barValue} style={{ color, fontSize: look.fontPx }}>
          {shown.text === '' ? '–' : <Value text={shown.text} />}
        </span>
      )}
    </div>
  );
}

/** Figures as bars, from the least to the most they can be. */
export function BarGauge(props: KindProps): ReactElement {
  const { frames, options, width, height, looks } = props;
  const figures = useMemo(() => figuresOf(frames, options, looks), [frames, options, looks]);
  if (figures.length === 0) return <NoData frames={frames} height={height} />;
  const orientation = oneAt(options, 'orientation', ['auto', 'horizontal', 'vertical']);
  const sideways =
    orientation === 'horizontal' || (orientation === 'auto' && width <= height * 1.6) || width < 220;
  const place = oneAt(options, 'namePlacement', ['auto', 'top', 'left', 'hidden']);
  const isLabelled = ({ field }: Figure): boolean =>
    place !== 'hidden' && (figures.length > 1 || field.config.displayName !== undefined);
  const left = sideways && place === 'left';
  const mostPx = numberAt(options, 'maxVizHeight') ?? MOST_PX;
  const eachPx = height / figures.length - GAP_PX - (!left && figures.some(isLabelled) ? NAME_PX : 0);
  const look: Look = {
    mode: oneAt(options, 'displayMode', ['gradient', 'lcd', 'basic']),
    sideways,
    left,
    mostPx,
    fontPx: sideways
      ? Math.max(LEAST_FONT_PX, Math.min(MOST_FONT_PX, Math.min(mostPx, eachPx) * 0.4, width * 0.05))
      : LEAST_FONT_PX,
    value: oneAt(options, 'valueMode', ['color', 'text', 'hidden']),
    unfilled: flagAt(options, 'showUnfilled', true),
    scheme: looks.scheme,
  };
  return (
    <div
      className={look.sideways ? styles.barsAcross : styles.barsUp}
      style={{ height }}
      tabIndex={0}
      role="group"
      aria-label={visibleText(props.title || 'Bars')}
    >
      {figures.map((figure, i) => (
        <Bar key={i} figure={figure} look={look} labelled={isLabelled(figure)} />
      ))}
    </div>
  );
}
