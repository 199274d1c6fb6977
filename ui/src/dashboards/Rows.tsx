import clsx from 'clsx';
import { useRef, useState, type KeyboardEvent, type PointerEvent, type ReactElement } from 'react';
import type { PanelModel, RowModel } from '../api/dashboards';
import { Glyph } from '../design/Glyph';
import { visibleText } from '../design/value';
import { Value } from '../design/Value';
import {
  afterKeyAt,
  compact,
  COLUMNS,
  depthOf,
  fit,
  GAP_PX,
  heightPx,
  inOneColumn,
  placeOf,
  put,
  UNIT_PX,
  type Box,
} from './layout';
import styles from './dashboard.module.css';

/** Narrower than this panels stand below each other. */
export const NARROW_PX = 640;

export interface Size {
  width: number;
  height: number;
}

interface GridProps {
  row: RowModel;
  width: number;
  /** Panels can be moved and sized; it is told where all of the row are then. */
  onMove?: (boxes: readonly Box[]) => void;
  draw: (panel: PanelModel, size: Size, tools: ReactElement | null) => ReactElement;
}

interface Drag {
  key: string;
  boxes: readonly Box[];
}

/** Where `panels` stand among each other. */
export function boxesOf(panels: readonly PanelModel[]): Box[] {
  // As Grafana has it: what would overlap goes down, and nothing leaves room above it.
  return compact(panels.map(({ key, grid }) => ({ key, ...fit(grid) })));
}

function Grid({ row, width, onMove, draw }: GridProps): ReactElement {
  const [drag, setDrag] = useState<Drag | null>(null);
  const began = useRef<{ x: number; y: number; box: Box; boxes: readonly Box[]; sizing: boolean } | null>(
    null,
  );
  const narrow = width < NARROW_PX;
  const own = boxesOf(row.panels);
  const boxes = drag?.boxes ?? (narrow ? inOneColumn(own) : own);
  const column = (width + GAP_PX) / COLUMNS;

  const begin = (event: PointerEvent<HTMLElement>, key: string, sizing: boolean): void => {
    const box = own.find((one) => one.key === key);
    if (!box || event.button !== 0) return;
    event.preventDefault();
    event.currentTarget.setPointerCapture(event.pointerId);
    began.current = { x: event.clientX, y: event.clientY, box, boxes: own, sizing };
    setDrag({ key, boxes: own });
  };
  const move = (event: PointerEvent): void => {
    const from = began.current;
    if (!from) return;
    const dx = Math.round((event.clientX - from.x) / column);
    const dy = Math.round((event.clientY - from.y) / (UNIT_PX + GAP_PX));
    const { box } = from;
    const to = from.sizing
      ? { ...box, w: box.w + dx, h: box.h + dy }
      : { ...box, x: box.x + dx, y: box.y + dy };
    setDrag({ key: box.key, boxes: put(from.boxes, box.key, to) });
  };
  const end = (): void => {
    const from = began.current;
    began.current = null;
    if (from && drag && JSON.stringify(drag.boxes) !== JSON.stringify(from.boxes)) onMove?.(drag.boxes);
    setDrag(null);
  };
  const onKey = (event: KeyboardEvent, key: string): void => {
    const to = afterKeyAt(own, key, event.key, event.shiftKey);
    if (!to) return;
    event.preventDefault();
    if (to !== own) onMove?.(to);
  };
  return (
    <div className={styles.grid} style={{ height: Math.max(0, heightPx(depthOf(boxes))) }}>
      {row.panels.map((panel) => {
        const box = boxes.find(({ key }) => key === panel.key);
        if (!box) return null;
        const place = placeOf(box, width);
        const movable = onMove !== undefined && !narrow;
        const name = visibleText(panel.title || `Panel ${panel.id ?? ''}`);
        const tools = movable ? (
          <button
            type="button"
            className={clsx('plain', styles.handle)}
            aria-label={`Move ${name}: arrows; with Shift they size it`}
            title="Drag to move. Arrows move, with Shift they size."
            onPointerDown={(event) => begin(event, panel.key, false)}
            onPointerMove={move}
            onPointerUp={end}
            onPointerCancel={end}
            onKeyDown={(event) => onKey(event, panel.key)}
          >
            <Glyph name="move" size={16} />
          </button>
        ) : null;
        return (
          <div
            key={panel.key}
            className={clsx(styles.place, drag?.key === panel.key && styles.moving)}
            style={place}
          >
            {draw(panel, { width: place.width, height: place.height }, tools)}
            {movable ? (
              <span
                className={styles.sizer}
                aria-hidden="true"
                onPointerDown={(event) => begin(event, panel.key, true)}
                onPointerMove={move}
                onPointerUp={end}
                onPointerCancel={end}
              />
            ) : null}
          </div>
        );
      })}
    </div>
  );
}

/** The rows of a tab: headings that open and close, below each its panels. */
export function Rows(props: {
  rows: readonly RowModel[];
  width: number;
  collapsed: Readonly<Record<string, boolean>>;
  onCollapse: (key: string, collapsed: boolean) => void;
  onMove?: (row: RowModel, boxes: readonly Box[]) => void;
  draw: GridProps['draw'];
  /** What can be done with a row. */
  tools?: (row: RowModel) => ReactElement | null;
}): ReactElement {
  const { rows, width, collapsed, onCollapse, onMove, draw, tools } = props;
  return (
    <div className={styles.rows}>
      {rows.map((row) => {
        const closed = row.header && (collapsed[row.key] ?? row.collapsed);
        return (
          <div key={row.key}>
            {row.header ? (
              <div className={styles.rowHead}>
                <h2>
                  <button
                    type="button"
                    className={clsx('plain', styles.toggle)}
                    aria-expanded={!closed}
                    onClick={() => onCollapse(row.key, !closed)}
                  >
                    <Glyph name={closed ? 'chevronRight' : 'chevronDown'} size={14} />
                    {row.title === '' ? 'Row' : <Value text={row.title} />}
                  </button>
                </h2>
                {closed ? (
                  <span className="dim">
                    {row.panels.length} {row.panels.length === 1 ? 'panel' : 'panels'}
                  </span>
                ) : null}
                {tools?.(row)}
              </div>
            ) : null}
            {closed ? null : (
              <Grid
                row={row}
                width={width}
                draw={draw}
                {...(onMove ? { onMove: (boxes: readonly Box[]) => onMove(row, boxes) } : {})}
              />
            )}
          </div>
        );
      })}
    </div>
  );
}
