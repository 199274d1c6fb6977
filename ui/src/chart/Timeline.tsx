import clsx from 'clsx';
import { useRef, useState, type CSSProperties, type KeyboardEvent, type ReactElement } from 'react';
import { timeTicks } from './ticks';
import { formatInstant, formatSeconds } from '../design/format';
import { usePageClock } from '../design/hooks';
import { placeBar, type TimelineBar, type TimelineRow } from './timeline';
import { Value } from '../design/Value';
import { visibleText } from '../design/value';
import styles from './timeline.module.css';

const TICKS = 9;

function describeBar(bar: TimelineBar, utc: boolean): string {
  const label = visibleText(bar.label);
  const from = formatInstant(bar.fromMs, utc);
  if (bar.toMs === null) return `${label}: since ${from}`;
  return `${label}: ${from}, for ${formatSeconds((bar.toMs - bar.fromMs) / 1000)}`;
}

/**
 * Rows of bars on one time axis, drawn by the page itself, so that each can be focused and read. One tab stop; the
 * arrows go from bar to bar, Enter opens one.
 */
export function Timeline(props: {
  label: string;
  rows: readonly TimelineRow[];
  fromMs: number;
  toMs: number;
  onOpen?: (bar: TimelineBar) => void;
}): ReactElement {
  const { label, rows, fromMs, toMs, onOpen } = props;
  const { utc } = usePageClock();
  const axis = { fromMs, toMs };
  const list = useRef<HTMLDivElement>(null);
  const [stop, setStop] = useState<string | null>(null);
  const shown = rows.flatMap((row) => row.bars.filter((bar) => placeBar(bar, axis) !== null));
  const tabStop = shown.some((bar) => bar.id === stop) ? stop : (shown[0]?.id ?? null);
  const move = (event: KeyboardEvent): void => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = shown[shown.findIndex((bar) => bar.id === tabStop) + step];
    if (!next) return;
    setStop(next.id);
    list.current?.querySelectorAll<HTMLElement>('button').forEach((button) => {
      if (button.dataset.bar === next.id) button.focus();
    });
  };
  const ticks = timeTicks(fromMs / 1000, toMs / 1000, TICKS, utc);
  const at = (seconds: number): CSSProperties => ({
    left: `${((seconds * 1000 - fromMs) / (toMs - fromMs)) * 100}%`,
  });
  return (
    <div className={styles.timeline} role="group" aria-label={label}>
      <div className={styles.axis} aria-hidden="true">
        <span />
        <div className={styles.track}>
          {ticks.slice(1, -1).map((tick) => (
            <span key={tick.seconds} className={styles.tick} style={at(tick.seconds)}>
              {tick.label}
            </span>
          ))}
        </div>
      </div>
      <div ref={list} role="list" onKeyDown={move}>
        {rows.map((row) => (
          <div key={row.id} className={styles.row} role="listitem">
            <span className={styles.name} style={{ paddingLeft: `${(row.depth ?? 0) * 14}px` }}>
              <Value text={row.label} />
            </span>
            <div className={styles.track}>
              {ticks.map((tick) => (
                <i key={tick.seconds} className={styles.line} style={at(tick.seconds)} />
              ))}
              {row.bars.map((bar) => {
                const place = placeBar(bar, axis);
                if (!place) return null;
                const said = describeBar(bar, utc);
                return (
                  <button
                    key={bar.id}
                    type="button"
                    data-bar={bar.id}
                    className={clsx(
                      styles.bar,
                      bar.faint && styles.faint,
                      place.cutLeft && styles.cutLeft,
                      place.cutRight && styles.cutRight,
                    )}
                    style={{
                      left: `${place.left}%`,
                      width: `${place.width}%`,
                      ...(bar.color === undefined ? {} : { '--bar': bar.color }),
                    }}
                    aria-label={said}
                    title={said}
                    tabIndex={bar.id === tabStop ? 0 : -1}
                    onFocus={() => setStop(bar.id)}
                    onClick={() => onOpen?.(bar)}
                  />
                );
              })}
            </div>
          </div>
        ))}
      </div>
    </div>
  );
}
