import { useVirtualizer } from '@tanstack/react-virtual';
import clsx from 'clsx';
import { useEffect, useRef, useState, type ReactElement, type ReactNode } from 'react';
import type { LogLine } from '../api/logs';
import { usePageClock } from '../design/hooks';
import { Glyph } from '../design/Glyph';
import { Icon } from '../design/Icon';
import { visibleText } from '../design/value';
import { Value } from '../design/Value';
import { LineDetails, type FieldActions } from './LineDetails';
import { clockOf, lineKey, valueOf } from './query';
import styles from './logs.module.css';

const ROW_PX = 24;
const OVERSCAN = 12;
/** So near the end of the list the next page is asked for. */
const NEAR_END = 30;
const SHOWN_CHARACTERS = 600;

/** Lines in a list of which only what is in view is in the page; a click opens a line. */
export function LineList(
  props: FieldActions & {
    label: string;
    lines: readonly LogLine[];
    onAround?: (line: LogLine) => void;
    /** The list is near its end. */
    onEnd?: () => void;
    /** Whether the list stands at its beginning. */
    onTop?: (top: boolean) => void;
    marked?: string;
    /** The line, by its origin and time, that is open until the reader closes it. */
    named?: string;
    foot?: ReactNode;
  },
): ReactElement {
  const { label, lines, onAround, onEnd, onTop, marked, named, foot, ...actions } = props;
  const { utc } = usePageClock();
  const scroll = useRef<HTMLDivElement>(null);
  // What was opened, and of what is open by itself what was closed.
  const [toggled, setToggled] = useState<ReadonlySet<string>>(new Set());
  // The virtualizer hands out functions that must not be memoized, which the compiler's rule cannot know.
  // eslint-disable-next-line react-hooks/incompatible-library
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => ROW_PX,
    overscan: OVERSCAN,
  });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (lines.length > 0 && last >= lines.length - NEAR_END) onEnd?.();
  }, [last, lines.length, onEnd]);
  const toggle = (key: string): void => {
    const next = new Set(toggled);
    if (!next.delete(key)) next.add(key);
    setToggled(next);
  };
  return (
    <>
      <div className={styles.heads}>
        <span className={styles.clock}>time</span>
        <span className={styles.level}>level</span>
        {actions.columns.map((name) => (
          <span key={name} className={styles.column}>
            <span className="ellipsis">
              <Value text={name} />
            </span>
            <button
              type="button"
              className="plain"
              title={`Without the column ${visibleText(name)}`}
              aria-label={`Without the column ${visibleText(name)}`}
              onClick={() => actions.onColumn(name)}
            >
              <Icon name="close" size={11} />
            </button>
          </span>
        ))}
        <span className={styles.body}>line</span>
      </div>
      <div
        ref={scroll}
        className={styles.list}
        role="region"
        aria-label={label}
        tabIndex={0}
        onScroll={(event) => onTop?.(event.currentTarget.scrollTop < ROW_PX)}
      >
        <div className={styles.rows} style={{ height: virtual.getTotalSize() }}>
          {items.map((item) => {
            const line = lines[item.index];
            if (!line) return null;
            const key = lineKey(line);
            const isNamed = named !== undefined && named === `${line.origin}.${line.ts_ns}`;
            const isOpen = toggled.has(key) !== isNamed;
            const body = line.body.slice(0, SHOWN_CHARACTERS);
            return (
              <div
                key={item.index}
                ref={virtual.measureElement}
                data-index={item.index}
                data-level={line.level}
                className={clsx(
                  styles.line,
                  isOpen && styles.open,
                  (key === marked || isNamed) && styles.marked,
                )}
                style={{ transform: `translateY(${item.start}px)` }}
              >
                <button
                  type="button"
                  className={clsx('plain', styles.lineHead)}
                  aria-expanded={isOpen}
                  onClick={() => toggle(key)}
                >
                  <Glyph name={isOpen ? 'chevronDown' : 'chevronRight'} size={12} />
                  <span className={styles.clock}>{clockOf(line.ts_ns, utc)}</span>
                  <span className={styles.level}>{line.level}</span>
                  {actions.columns.map((name) => {
                    const value = valueOf(line, name);
                    return (
                      <span key={name} className={clsx('ellipsis', styles.column)} title={name}>
                        {value === null ? <span className="dim">–</span> : <Value text={value} />}
                      </span>
                    );
                  })}
                  <span className={clsx('ellipsis', styles.body)}>
                    <Value text={body} mono />
                  </span>
                </button>
                {isOpen ? (
                  <LineDetails
                    line={line}
                    {...actions}
                    {...(onAround ? { onAround: () => onAround(line) } : {})}
                  />
                ) : null}
              </div>
            );
          })}
        </div>
        {foot}
      </div>
    </>
  );
}
