import { useMemo, type ReactElement } from 'react';
import { visibleText } from '../../design/value';
import { Value } from '../../design/Value';
import type { KindProps } from '../context';
import { figuresOf, fitFont, layoutOf, type Figure } from '../figures';
import { flagAt, oneAt } from '../json';
import { legible, namedColor, shareOf, stepsOf, TRANSPARENT } from '../palette';
import { textIn } from '../units/format';
import { NoData } from './NoData';
import styles from './figures.module.css';

/** The arc's ends, in degrees from the top. */
const FROM = -120;
const TO = 120;

function point(share: number, radius: number, size: number): [number, number] {
  const angle = ((FROM + (TO - FROM) * share - 90) * Math.PI) / 180;
  return [size / 2 + radius * Math.cos(angle), size / 2 + radius * Math.sin(angle)];
}

/** An arc of a circle, as a path, from one share of the gauge to another. */
export function arcPath(from: number, to: number, radius: number, size: number): string {
  const [x, y] = point(from, radius, size);
  const [endX, endY] = point(to, radius, size);
  const large = (to - from) * (TO - FROM) > 180 ? 1 : 0;
  const at = (value: number): string => value.toFixed(2);
  return `M${at(x)} ${at(y)}A${radius} ${radius} 0 ${large} 1 ${at(endX)} ${at(endY)}`;
}

interface Look {
  labels: boolean;
  markers: boolean;
  named: boolean;
  scheme: KindProps['looks']['scheme'];
}

function Dial({
  figure,
  look,
  width,
  height,
}: {
  figure: Figure;
  look: Look;
  width: number;
  height: number;
}): ReactElement {
  const { shown, ends, field } = figure;
  const namePx = look.named ? 18 : 0;
  const size = Math.max(40, Math.min(width, (height - namePx) * 1.28));
  const wide = size * 0.1;
  const radius = size / 2 - wide / 2 - (look.markers ? wide * 0.55 : 1);
  const color = shown.color === TRANSPARENT ? legible(TRANSPARENT, look.scheme) : shown.color;
  const steps = stepsOf(field.config.thresholds, ends);
  const share = (value: number): number => (value === -Infinity ? 0 : shareOf(value, ends));
  const font = fitFont(shown.text, size * 0.5, size * 0.2, 44);
  return (
    <div className={styles.dial} title={visibleText(`${figure.title}: ${shown.text}`)}>
      <svg
        width={size}
        height={size * 0.78}
        viewBox={`0 0 ${size} ${size * 0.78}`}
        role="img"
        aria-label={visibleText(`${figure.title}: ${shown.text}`)}
      >
        <path d={arcPath(0, 1, radius, size)} className={styles.track} strokeWidth={wide} />
        {shown.value === null || shown.share <= 0 ? null : (
          <path
            d={arcPath(0, Math.max(0.004, shown.share), radius, size)}
            stroke={color}
            fill="none"
            strokeWidth={wide}
          />
        )}
        {look.markers
          ? steps.map(({ value, color: name }, i) => {
              const next = steps[i + 1];
              const [from, to] = [share(value), next ? share(next.value) : 1];
              const tone = namedColor(name, look.scheme);
              return to > from && tone !== TRANSPARENT ? (
                <path
                  key={i}
                  d={arcPath(from, to, radius + wide * 0.78, size)}
                  stroke={tone}
                  fill="none"
                  strokeWidth={wide * 0.24}
                />
              ) : null;
            })
          : null}
        <text
          x={size / 2}
          y={size * 0.54}
          className={styles.dialText}
          fontSize={font}
          fill={legible(color, look.scheme)}
        >
          {visibleText(shown.text) || '–'}
        </text>
        {look.labels
          ? steps.slice(1).map(({ value }, i) => {
              const [x, y] = point(share(value), radius - wide * 0.95, size);
              return (
                <text key={i} x={x} y={y} className={styles.dialLabel} fontSize={Math.max(9, size * 0.05)}>
                  {textIn(value, field.config.unit, field.config.decimals)}
                </text>
              );
            })
          : null}
      </svg>
      {look.named ? (
        <span className={styles.dialName}>
          <Value text={figure.title} />
        </span>
      ) : null}
    </div>
  );
}

/** Figures on an arc from the least to the most they can be. */
export function Gauge(props: KindProps): ReactElement {
  const { frames, options, width, height, looks } = props;
  const figures = useMemo(() => figuresOf(frames, options, looks), [frames, options, looks]);
  if (figures.length === 0) return <NoData frames={frames} height={height} />;
  const layout = layoutOf(
    figures.length,
    width,
    height,
    oneAt(options, 'orientation', ['auto', 'horizontal', 'vertical']),
    1.2,
  );
  const look: Look = {
    labels: flagAt(options, 'showThresholdLabels'),
    markers: flagAt(options, 'showThresholdMarkers', true),
    named: figures.length > 1,
    scheme: looks.scheme,
  };
  return (
    <div
      className={styles.grid}
      style={{ gridTemplateColumns: `repeat(${layout.columns}, minmax(0, 1fr))`, height }}
    >
      {figures.map((figure, i) => (
        <Dial
          key={i}
          figure={figure}
          look={look}
          width={width / layout.columns}
          height={height / layout.rows}
        />
      ))}
    </div>
  );
}
