import { useEffect, useRef, useState, type PointerEvent, type ReactElement } from 'react';
import type { TraceView } from '../api/traces';
import { INK } from '../design/colors';
import { formatSeconds } from '../design/format';
import { useScheme } from '../design/hooks';
import type { Sight } from './layout';
import { share } from './Waterfall';
import styles from './traces.module.css';

const HEIGHT_PX = 56;
/** A shorter pull is a slip of the finger. */
const LEAST_SHARE = 0.004;

function draw(
  canvas: HTMLCanvasElement,
  view: TraceView,
  colors: ReadonlyMap<string, string>,
  bad: string,
): void {
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth;
  canvas.width = Math.max(1, Math.round(width * ratio));
  canvas.height = Math.round(HEIGHT_PX * ratio);
  const pen = canvas.getContext('2d');
  if (pen === null) return;
  pen.scale(ratio, ratio);
  const scale = width / Math.max(view.duration_ns, 1);
  const step = HEIGHT_PX / view.rows.length;
  const thick = Math.min(6, Math.max(1, step * 0.75));
  view.rows.forEach((row, i) => {
    pen.fillStyle = row.status === 'error' ? bad : (colors.get(row.service) ?? bad);
    pen.fillRect(row.offset_ns * scale, i * step, Math.max(1, row.duration_ns * scale), thick);
  });
}

/** The whole trace in small; pulling over it chooses the stretch that the rows show. */
export function Minimap(props: {
  view: TraceView;
  colors: ReadonlyMap<string, string>;
  sight: Sight;
  onSight: (sight: Sight | null) => void;
}): ReactElement {
  const { view, colors, sight, onSight } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const scheme = useScheme();
  const [pull, setPull] = useState<{ from: number; to: number } | null>(null);
  useEffect(() => {
    const element = canvas.current;
    if (element === null) return undefined;
    const paint = (): void => draw(element, view, colors, INK[scheme].bad);
    paint();
    const observer = new ResizeObserver(paint);
    observer.observe(element);
    return () => observer.disconnect();
  }, [view, colors, scheme]);
  const whole = Math.max(view.duration_ns, 1);
  const at = (event: PointerEvent<HTMLElement>): number => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - left) / Math.max(1, width)));
  };
  const shown =
    pull === null
      ? { from: sight.from / whole, to: sight.to / whole }
      : { from: Math.min(pull.from, pull.to), to: Math.max(pull.from, pull.to) };
  const end = (): void => {
    if (pull !== null && shown.to - shown.from > LEAST_SHARE)
      onSight({ from: Math.floor(shown.from * whole), to: Math.ceil(shown.to * whole) });
    setPull(null);
  };
  const zoomed = sight.from > 0 || sight.to < whole;
  return (
    <div className={styles.map}>
      <div
        className={styles.mapBox}
        title="Pull to look at a part; press twice for all"
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          setPull({ from: at(event), to: at(event) });
        }}
        onPointerMove={(event) => {
          if (pull !== null) setPull({ ...pull, to: at(event) });
        }}
        onPointerUp={end}
        onPointerCancel={() => setPull(null)}
        onDoubleClick={() => onSight(null)}
      >
        <canvas
          ref={canvas}
          role="img"
          aria-label={`The whole trace, ${formatSeconds(whole / 1e9)}`}
          style={{ height: HEIGHT_PX }}
        />
        <i className={styles.shade} style={{ left: 0, width: share(shown.from) }} />
        <i className={styles.shade} style={{ left: share(shown.to), right: 0 }} />
      </div>
      {zoomed ? (
        <div className="row">
          <span className="dim">
            {formatSeconds(sight.from / 1e9)} to {formatSeconds(sight.to / 1e9)} of{' '}
            {formatSeconds(whole / 1e9)}
          </span>
          <button type="button" className="button quiet" onClick={() => onSight(null)}>
            Show all
          </button>
        </div>
      ) : null}
    </div>
  );
}
