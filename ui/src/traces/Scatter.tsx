import { useMemo, useState, type PointerEvent, type ReactElement } from 'react';
import type { TraceSummary } from '../api/traces';
import { formatThings, formatClock, formatCount, formatInstant, formatSeconds } from '../design/format';
import { usePageClock } from '../design/hooks';
import { visibleText } from '../design/value';
import type { Span } from '../time/range';
import { beginMs, nearest, pictureOf, type Bar, type Dot } from './scatter';
import type { Box } from './selection';
import { share } from './Waterfall';
import styles from './traces.module.css';

const NEAR_PX = 14;
const LEAST_PULL_PX = 6;
const TIMES = [0, 0.25, 0.5, 0.75, 1];

/** How many spans there were, under the durations and on the same time. */
function Bars({ bars, span, stepMs }: { bars: readonly Bar[]; span: Span; stepMs: number }): ReactElement {
  const most = bars.reduce((found, bar) => Math.max(found, bar.failed + bar.others), 1);
  const length = span.toMs - span.fromMs;
  return (
    <div className={styles.bars} role="img" aria-label="Spans over time, failed ones apart">
      {bars.map((bar) => (
        <i
          key={bar.fromMs}
          title={`${formatThings(bar.failed + bar.others, 'span')}, ${formatCount(bar.failed)} failed`}
          style={{ left: share((bar.fromMs - span.fromMs) / length), width: share((stepMs / length) * 0.86) }}
        >
          <i className={styles.barFailed} style={{ height: share(bar.failed / most) }} />
          <i className={styles.barOthers} style={{ height: share(bar.others / most) }} />
        </i>
      ))}
    </div>
  );
}

/** Two corners, as shares of the picture. */
interface Pull {
  readonly from: { x: number; y: number };
  readonly to: { x: number; y: number };
}

function between(value: number): number {
  return Math.min(1, Math.max(0, value));
}

function cornersOf({ from, to }: Pull): { left: number; top: number; right: number; bottom: number } {
  return {
    left: Math.min(from.x, to.x),
    top: Math.min(from.y, to.y),
    right: Math.max(from.x, to.x),
    bottom: Math.max(from.y, to.y),
  };
}

/** How long traces took, over time: pressing one opens it, pulling over some selects them. */
export function Scatter(props: {
  traces: readonly TraceSummary[];
  span: Span;
  bars: readonly Bar[];
  stepMs: number;
  colors: ReadonlyMap<string, string>;
  /** Ids of those that are selected; null where there is no selection. */
  selected: ReadonlySet<string> | null;
  /** The part of the picture that is selected. */
  box: Box | null;
  onOpen: (traceId: string) => void;
  onBox: (box: Box) => void;
}): ReactElement {
  const { traces, span, bars, stepMs, colors, selected, box, onOpen, onBox } = props;
  const { utc } = usePageClock();
  const picture = useMemo(() => pictureOf(traces, span), [traces, span]);
  const [over, setOver] = useState<Dot | undefined>();
  const [pull, setPull] = useState<Pull | null>(null);
  const at = (event: PointerEvent): { x: number; y: number; width: number; height: number } => {
    const { left, top, width, height } = event.currentTarget.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top, width: Math.max(1, width), height };
  };
  const find = (event: PointerEvent): Dot | undefined => {
    const { x, y, ...size } = at(event);
    return nearest(picture.dots, { x, y }, size, NEAR_PX);
  };
  const length = span.toMs - span.fromMs;
  const end = (event: PointerEvent): void => {
    if (pull === null) return;
    const { width, height } = at(event);
    const { left, top, right, bottom } = cornersOf(pull);
    setPull(null);
    const hit = find(event);
    const isWide = (right - left) * width > LEAST_PULL_PX;
    if (isWide && (bottom - top) * height > LEAST_PULL_PX)
      onBox({
        fromMs: span.fromMs + left * length,
        toMs: span.fromMs + right * length,
        leastS: picture.secondsAt(bottom),
        mostS: picture.secondsAt(top),
      });
    else if (!isWide && hit) onOpen(hit.trace.trace_id);
  };
  const frame =
    pull !== null
      ? cornersOf(pull)
      : box !== null
        ? {
            left: between((box.fromMs - span.fromMs) / length),
            right: between((box.toMs - span.fromMs) / length),
            top: between(picture.yOf(box.mostS)),
            bottom: between(picture.yOf(box.leastS)),
          }
        : null;
  return (
    <figure className={styles.figureBox} aria-label="Durations over time">
      <div
        className={styles.scatter}
        data-hit={over === undefined ? undefined : ''}
        onPointerDown={(event) => {
          const { x, y, width, height } = at(event);
          event.currentTarget.setPointerCapture(event.pointerId);
          const corner = { x: x / width, y: y / height };
          setPull({ from: corner, to: corner });
        }}
        onPointerMove={(event) => {
          const { x, y, width, height } = at(event);
          if (pull !== null) setPull({ ...pull, to: { x: between(x / width), y: between(y / height) } });
          setOver(find(event));
        }}
        onPointerUp={end}
        onPointerCancel={() => setPull(null)}
        onPointerLeave={() => setOver(undefined)}
      >
        {picture.lines.map((line) => (
          <span key={line.seconds} className={styles.scale} style={{ top: share(line.y) }}>
            <span>{formatSeconds(line.seconds)}</span>
          </span>
        ))}
        <svg aria-hidden="true">
          {picture.dots.map(({ trace, x, y }) => (
            <circle
              key={trace.trace_id}
              cx={share(x)}
              cy={share(y)}
              className={selected === null || selected.has(trace.trace_id) ? undefined : styles.unselected}
              r={over?.trace.trace_id === trace.trace_id ? 6 : trace.errors > 0 ? 4.5 : 3.5}
              fill={trace.errors > 0 ? 'var(--bad)' : (colors.get(trace.service) ?? 'var(--dim)')}
            />
          ))}
        </svg>
        {frame === null ? null : (
          <i
            className={styles.pull}
            style={{
              left: share(frame.left),
              top: share(frame.top),
              width: share(frame.right - frame.left),
              height: share(frame.bottom - frame.top),
            }}
          />
        )}
        {over === undefined || pull !== null ? null : (
          <div
            className={styles.tip}
            style={
              over.x < 0.6
                ? { left: share(over.x), marginLeft: 12, top: share(Math.min(over.y, 0.6)) }
                : { right: share(1 - over.x), marginRight: 12, top: share(Math.min(over.y, 0.6)) }
            }
          >
            <b>{visibleText(`${over.trace.service}: ${over.trace.name}`)}</b>
            <br />
            {formatSeconds(over.trace.duration_ns / 1e9)}, {formatThings(over.trace.spans, 'span')}
            {over.trace.errors > 0 ? `, ${formatCount(over.trace.errors)} failed` : ''}
            <br />
            {formatInstant(beginMs(over.trace), utc)}
          </div>
        )}
      </div>
      <Bars bars={bars} span={span} stepMs={stepMs} />
      <div className={styles.times} aria-hidden="true">
        {TIMES.map((place) => (
          <span key={place}>
            {formatClock(Math.round((span.fromMs + length * place) / 1000) * 1000, utc)}
          </span>
        ))}
      </div>
    </figure>
  );
}
