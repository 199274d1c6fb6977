import { useVirtualizer } from '@tanstack/react-virtual';
import clsx from 'clsx';
import { memo, useEffect, useId, useRef, type KeyboardEvent, type ReactElement } from 'react';
import type { RunStep } from '../api/runs';
import { formatInstant, formatSeconds } from '../design/format';
import { usePageClock } from '../design/hooks';
import { StatusDot } from '../design/StatusChip';
import { rowAfterKey } from '../design/table/columns';
import { visibleText } from '../design/value';
import { Value } from '../design/Value';
import { barsOf, placeOn, type Axis, type Forecast } from './gantt';
import { percent, toneOf } from './parts';
import { againstTypical, lookOf } from './state';
import styles from './gantt.module.css';

const ROW_PX = 26;
const AXIS_PX = 24;
const MOST_PX = 420;
const OVERSCAN = 12;
const TICKS = 4;

function Ticks({ axis }: { axis: Axis }): ReactElement {
  const lasts = axis.toMs - axis.fromMs;
  return (
    <div className={clsx(styles.line, styles.axis)} aria-hidden="true">
      <span>step</span>
      <span className={styles.ticks}>
        {Array.from({ length: TICKS }, (_, i) => (
          <span key={i} style={{ left: percent(i / TICKS) }}>
            {formatSeconds((lasts * i) / TICKS / 1000, 2)}
          </span>
        ))}
      </span>
      <span className={styles.figure}>took</span>
    </div>
  );
}

const Row = memo(function Row(props: {
  step: RunStep;
  axis: Axis;
  ahead: Forecast | undefined;
  critical: boolean;
  nowMs: number;
  utc: boolean;
}): ReactElement {
  const { step, axis, ahead, critical, nowMs, utc } = props;
  const bars = barsOf(step);
  const coming =
    ahead && placeOn(axis, Math.max(ahead.fromMs, step.start_ms === null ? 0 : nowMs), ahead.toMs);
  const end = step.end_ms ?? nowMs;
  const length = step.start_ms === null ? null : Math.max(0, step.duration_ms ?? end - step.start_ms);
  const running = step.start_ms !== null && step.end_ms === null && !step.duration_ms;
  const usual = againstTypical(length, step.typical_ms);
  return (
    <>
      <span className={styles.what}>
        <StatusDot status={lookOf(step.state).status} label={lookOf(step.state).name} />
        <span className="ellipsis" title={visibleText(step.name || step.id)}>
          <Value text={step.name || step.id} />
        </span>
        {step.attempts > 1 ? (
          <span className={styles.tries} title={`Attempt ${step.attempt} of ${step.attempts}`}>
            ×{step.attempts}
          </span>
        ) : null}
      </span>
      <span className={styles.track}>
        {coming ? (
          <i
            className={styles.coming}
            title={`Expected until ${formatInstant(Math.floor(ahead.toMs / 1000) * 1000, utc)}`}
            style={{ left: percent(coming.left), width: percent(coming.width) }}
          />
        ) : null}
        {bars.map((bar, i) => {
          const place = placeOn(axis, bar.fromMs, bar.toMs ?? nowMs);
          if (place === null) return null;
          const isLast = i === bars.length - 1;
          const text = `${lookOf(bar.state).name}, attempt ${bar.attempt}: ${formatInstant(bar.fromMs, utc)}, ${formatSeconds(((bar.toMs ?? nowMs) - bar.fromMs) / 1000)}`;
          return (
            <i
              key={bar.attempt}
              className={clsx(
                styles.bar,
                toneOf(bar.state),
                bar.toMs === null && styles.open,
                !isLast && styles.earlier,
              )}
              style={{ left: percent(place.left), width: percent(place.width) }}
              title={text}
            >
              {bar.toMs === null && step.progress !== null ? (
                <i
                  className={styles.done}
                  style={{ width: percent(Math.min(1, Math.max(0, step.progress))) }}
                />
              ) : null}
            </i>
          );
        })}
        {critical && bars.length > 0 ? (
          <i className={styles.critical} style={criticalPlace(axis, bars, nowMs)} />
        ) : null}
      </span>
      <span className={styles.figure} title={usual}>
        {length === null ? (
          <span className="dim">{lookOf(step.state).name.toLowerCase()}</span>
        ) : (
          formatSeconds((running ? Math.floor(length / 1000) * 1000 : length) / 1000)
        )}
      </span>
    </>
  );
});

function criticalPlace(
  axis: Axis,
  bars: ReturnType<typeof barsOf>,
  nowMs: number,
): { left: string; width: string } {
  const from = bars[0]?.fromMs ?? axis.fromMs;
  const to = bars.reduce((last, bar) => Math.max(last, bar.toMs ?? nowMs), from);
  const place = placeOn(axis, from, to) ?? { left: 0, width: 0 };
  return { left: percent(place.left), width: percent(place.width) };
}

/**
 * The steps of a run on its time axis, a bar for each attempt; faint what is expected. One tab stop: the arrows choose a
 * step, Escape none. Only the rows in view are in the page.
 */
export function Gantt(props: {
  steps: readonly RunStep[];
  axis: Axis;
  ahead: ReadonlyMap<string, Forecast>;
  critical: ReadonlySet<string>;
  /** The chosen step's id. */
  selected: string | null;
  onSelect: (id: string | null) => void;
  nowMs: number;
}): ReactElement {
  const { steps, axis, ahead, critical, selected, onSelect, nowMs } = props;
  const { utc } = usePageClock();
  const id = useId();
  const box = useRef<HTMLDivElement>(null);
  // The virtualizer hands out functions that must not be memoized, which the compiler's rule cannot know.
  // eslint-disable-next-line react-hooks/incompatible-library
  const rows = useVirtualizer({
    count: steps.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW_PX,
    scrollPaddingStart: AXIS_PX,
    overscan: OVERSCAN,
  });
  const at = steps.findIndex((step) => step.id === selected);
  useEffect(() => {
    if (at >= 0) rows.scrollToIndex(at, { align: 'auto' });
    // Only when another one is chosen: a list that is renewed stays where it is.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [selected]);
  const onKey = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Escape' && selected !== null) {
      onSelect(null);
      event.preventDefault();
      return;
    }
    const page = Math.floor((box.current?.clientHeight ?? MOST_PX) / ROW_PX) - 2;
    const next = rowAfterKey(event.key, at, steps.length, Math.max(1, page));
    const step = next === null ? undefined : steps[next];
    if (step === undefined) return;
    event.preventDefault();
    onSelect(step.id);
  };
  const seen = rows.getVirtualItems();
  const now = placeOn(axis, nowMs, nowMs);
  return (
    <div
      ref={box}
      className={styles.scroll}
      style={{ height: Math.min(MOST_PX, steps.length * ROW_PX + AXIS_PX + 2) }}
      role="listbox"
      aria-label="Steps"
      tabIndex={0}
      aria-activedescendant={seen.some(({ index }) => index === at) ? `${id}-${at}` : undefined}
      onKeyDown={onKey}
    >
      <Ticks axis={axis} />
      <div className={styles.rows} role="none" style={{ height: rows.getTotalSize() }}>
        {now !== null && now.left < 1 ? (
          <div className={clsx(styles.line, styles.nowLine)} aria-hidden="true">
            <span />
            <span className={styles.ticks}>
              <i title="now" style={{ left: percent(now.left) }} />
            </span>
            <span />
          </div>
        ) : null}
        {seen.map(({ index, start }) => {
          const step = steps[index];
          if (step === undefined) return null;
          const isLive = step.start_ms !== null && step.end_ms === null;
          return (
            <div
              key={step.id}
              id={`${id}-${index}`}
              role="option"
              aria-selected={index === at}
              className={clsx(styles.line, styles.item, index === at && styles.selected)}
              style={{ transform: `translateY(${start}px)` }}
              onClick={() => onSelect(index === at ? null : step.id)}
            >
              <Row
                step={step}
                axis={axis}
                ahead={ahead.get(step.id)}
                critical={critical.has(step.id)}
                // What is over is not drawn anew with every second.
                nowMs={isLive || ahead.has(step.id) ? nowMs : 0}
                utc={utc}
              />
            </div>
          );
        })}
      </div>
    </div>
  );
}
