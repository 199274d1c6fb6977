import { useMemo, type ReactElement } from 'react';
import { visibleText } from '../../design/value';
import type { KindProps } from '../context';
import { figuresOf, type Figure } from '../figures';
import { at, oneAt, texts } from '../json';
import { inkOn, TRANSPARENT } from '../palette';
import type { LegendItem } from '../PanelLegend';
import { figureOf, textIn } from '../units/format';
import { WithLegend } from '../WithLegend';
import { NoData } from './NoData';
import styles from './charts.module.css';

interface Slice {
  figure: Figure;
  color: string;
  /** Of a whole turn. */
  from: number;
  to: number;
}

function onCircle(share: number, radius: number): string {
  const angle = (share - 0.25) * 2 * Math.PI;
  return `${(radius * Math.cos(angle)).toFixed(2)} ${(radius * Math.sin(angle)).toFixed(2)}`;
}

/** A slice of a pie, or of a ring with a hole of `inner`, around 0, 0. */
export function slicePath(from: number, to: number, radius: number, inner: number): string {
  // A whole turn begins where it ends, and an arc between the same two points is none: it is two halves, without a seam.
  if (to - from > 0.9999) {
    const ring = (size: number, sweep: number): string =>
      `M0 ${-size}A${size} ${size} 0 1 ${sweep} 0 ${size}A${size} ${size} 0 1 ${sweep} 0 ${-size}Z`;
    return inner === 0 ? ring(radius, 1) : ring(radius, 1) + ring(inner, 0);
  }
  const end = to;
  const large = end - from > 0.5 ? 1 : 0;
  const outer = `M${onCircle(from, radius)}A${radius} ${radius} 0 ${large} 1 ${onCircle(end, radius)}`;
  if (inner === 0) return `${outer}L0 0Z`;
  return `${outer}L${onCircle(end, inner)}A${inner} ${inner} 0 ${large} 0 ${onCircle(from, inner)}Z`;
}

function slicesOf(
  figures: readonly Figure[],
  hidden: ReadonlySet<number>,
): { slices: Slice[]; total: number } {
  const known = figures.map(({ shown }, i) =>
    hidden.has(i) || shown.value === null || !(shown.value > 0) ? 0 : shown.value,
  );
  const total = known.reduce((sum, value) => sum + value, 0);
  let done = 0;
  const slices = figures.flatMap((figure, i): Slice[] => {
    const share = total === 0 ? 0 : (known[i] ?? 0) / total;
    const from = done;
    done += share;
    return share === 0 ? [] : [{ figure, color: figure.shown.color, from, to: done }];
  });
  return { slices, total };
}

/** Shares of a whole. */
export default function Pie(props: KindProps): ReactElement {
  const { frames, options, width, height, looks, title } = props;
  const figures = useMemo(() => {
    const made = figuresOf(frames, options, looks, 'palette-classic').map((figure): Figure =>
      figure.shown.color === TRANSPARENT
        ? { ...figure, shown: { ...figure.shown, color: '#888888' } }
        : figure,
    );
    const order = oneAt(options, 'sort', ['desc', 'asc', 'none']);
    if (order === 'none') return made;
    const sign = order === 'desc' ? -1 : 1;
    return made.sort((a, b) => sign * ((a.shown.value ?? 0) - (b.shown.value ?? 0)));
  }, [frames, options, looks]);
  const values = texts(at(options, 'legend.values'));
  const items = useMemo(() => {
    const total = figures.reduce((sum, { shown }) => sum + Math.max(0, shown.value ?? 0), 0);
    return figures.map(({ title: name, shown, field }, index): LegendItem => {
      const share = total === 0 ? null : ((shown.value ?? 0) / total) * 100;
      const notes = [
        ...(values.includes('value') ? [{ head: 'Value', text: shown.text, value: shown.value }] : []),
        ...(values.includes('percent')
          ? [{ head: 'Percent', text: share === null ? '–' : `${figureOf(share)}%`, value: share }]
          : []),
      ];
      return {
        title: name,
        color: shown.color,
        index,
        field,
        values: [shown.value],
        ...(notes.length > 0 ? { notes } : {}),
      };
    });
    // eslint-disable-next-line react-hooks/exhaustive-deps -- read anew from the options each time
  }, [figures, options]);
  if (figures.length === 0) return <NoData frames={frames} height={height} />;
  const ring = oneAt(options, 'pieType', ['pie', 'donut']) === 'donut';
  const labels = texts(at(options, 'displayLabels'));
  const legend = { ...options, legend: { ...(at(options, 'legend') as object), calcs: [] } };
  return (
    <WithLegend options={legend} items={items} width={width} height={height}>
      {(size, { hidden, focused }) => {
        const { slices, total } = slicesOf(figures, hidden);
        const radius = Math.max(10, Math.min(size.width, size.height) / 2 - 6);
        const inner = ring ? radius * 0.62 : 0;
        const [first] = figures;
        return (
          <div className={styles.pies} style={size}>
            <svg
              className={styles.svg}
              width={radius * 2 + 8}
              height={radius * 2 + 8}
              viewBox={`${-radius - 4} ${-radius - 4} ${radius * 2 + 8} ${radius * 2 + 8}`}
              role="img"
              aria-label={visibleText(
                `${title}: ${figures
                  .slice(0, 8)
                  .map((one) => `${one.title} ${one.shown.text}`)
                  .join(', ')}`,
              )}
            >
              {slices.map(({ figure, color, from, to }) => {
                const index = figures.indexOf(figure);
                const said = [
                  ...(labels.includes('name') ? [figure.title] : []),
                  ...(labels.includes('value') ? [figure.shown.text] : []),
                  ...(labels.includes('percent') ? [`${figureOf((to - from) * 100, undefined, 2)}%`] : []),
                ].join(' ');
                const [x = '0', y = '0'] = onCircle(
                  (from + to) / 2,
                  ring ? (radius + inner) / 2 : radius * 0.66,
                ).split(' ');
                return (
                  <g key={index} opacity={focused === null || focused === index ? 1 : 0.35}>
                    <path d={slicePath(from, to, radius, inner)} fill={color} className={styles.slice}>
                      <title>
                        {visibleText(
                          `${figure.title}: ${figure.shown.text} (${figureOf((to - from) * 100)}%)`,
                        )}
                      </title>
                    </path>
                    {said !== '' && to - from > 0.05 ? (
                      <text
                        x={x}
                        y={y}
                        className={styles.value}
                        textAnchor="middle"
                        dominantBaseline="middle"
                        fill={inkOn(color)}
                      >
                        {visibleText(said.slice(0, 24))}
                      </text>
                    ) : null}
                  </g>
                );
              })}
              {ring && radius > 40 && first ? (
                <text className={styles.total} y={radius * 0.09} fontSize={Math.min(26, radius * 0.26)}>
                  {textIn(total, first.field.config.unit, first.field.config.decimals)}
                </text>
              ) : null}
            </svg>
          </div>
        );
      }}
    </WithLegend>
  );
}
