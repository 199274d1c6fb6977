import { useElementSize } from '@mantine/hooks';
import clsx from 'clsx';
import { memo, useMemo, useState, type ReactElement } from 'react';
import type { RunStep } from '../api/runs';
import { formatCount, formatSeconds } from '../design/format';
import { STATUS_LOOKS } from '../design/status';
import { Glyph } from '../design/Glyph';
import { visibleText } from '../design/value';
import { Value } from '../design/Value';
import { edgePath } from '../traces/graph';
import { countStates, layDag, type DagNode } from './dag';
import { isFailure, lookOf } from './state';
import { toneOf } from './parts';
import styles from './dag.module.css';

const HEIGHT_PX = 40;
/** Room for what stands out of the last box. */
const EDGE_PX = 6;
const GAP = { x: 30, y: 12 };
/** Boxes are as wide as there is room for, within these. */
const WIDTHS_PX = [112, 176] as const;
/** More edges than this are not drawn: nobody could follow one. */
const MOST_EDGES = 3_000;

interface Place {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

function placeOf(node: DagNode, width: number): Place {
  return {
    left: node.column * (width + GAP.x),
    top: node.line * (HEIGHT_PX + GAP.y),
    width,
    height: HEIGHT_PX,
  };
}

function Box(props: {
  node: DagNode;
  place: Place;
  steps: readonly RunStep[];
  selected: string | null;
  onSelect: (id: string) => void;
  onOpen: (key: string) => void;
}): ReactElement | null {
  const { node, place, steps, selected, onSelect, onOpen } = props;
  const first = steps[node.steps[0] ?? -1];
  if (first === undefined) return null;
  if (node.steps.length > 1) {
    const counts = countStates(steps, node.steps);
    const worst = counts.find(([state]) => isFailure(state))?.[0] ?? counts[0]?.[0] ?? 'pending';
    const said = counts
      .map(([state, count]) => `${formatCount(count)} ${lookOf(state).name.toLowerCase()}`)
      .join(', ');
    return (
      <button
        type="button"
        className={clsx(styles.node, styles.many, toneOf(worst))}
        style={place}
        title={`${said}; press to see them one by one`}
        onClick={() => onOpen(node.key)}
      >
        <b className="ellipsis">{formatCount(node.steps.length)} like steps</b>
        <span className="dim ellipsis">{said}</span>
      </button>
    );
  }
  const { name, status } = lookOf(first.state);
  const label = first.name || first.id;
  return (
    <button
      type="button"
      className={clsx(styles.node, toneOf(first.state))}
      style={place}
      aria-pressed={first.id === selected}
      title={visibleText(`${label}: ${name}`)}
      onClick={() => onSelect(first.id)}
    >
      <b className="ellipsis">
        <Value text={label} />
      </b>
      <span className={styles.below}>
        <Glyph name={STATUS_LOOKS[status].icon} size={12} />
        <span className="ellipsis">
          {first.duration_ms === null ? name : formatSeconds(first.duration_ms / 1000)}
          {first.attempts > 1 ? ` · ×${first.attempts}` : ''}
        </span>
        {first.duration_ms === null ? null : <span className="visually-hidden">{name}</span>}
      </span>
    </button>
  );
}

/** Who waits for whom: each step right of all that it waits for; many that are alike are one box until it is pressed. */
export const Dag = memo(function Dag(props: {
  steps: readonly RunStep[];
  selected: string | null;
  onSelect: (id: string | null) => void;
}): ReactElement {
  const { steps, selected, onSelect } = props;
  const [opened, setOpened] = useState<ReadonlySet<string>>(new Set());
  // Where boxes stand does not change while states do.
  const shape = JSON.stringify(steps.map(({ id, depends_on: awaited }) => [id, awaited]));
  // eslint-disable-next-line react-hooks/exhaustive-deps
  const { nodes, edges, columns, lines } = useMemo(() => layDag(steps, opened), [shape, opened]);
  const { ref, width: room } = useElementSize();
  const [least, most] = WIDTHS_PX;
  const fitting = Math.floor((room - EDGE_PX - (columns - 1) * GAP.x) / Math.max(1, columns));
  const boxWidth = Math.min(most, Math.max(least, fitting));
  const width = columns * (boxWidth + GAP.x) - GAP.x;
  const height = lines * (HEIGHT_PX + GAP.y) - GAP.y;
  const places = new Map(nodes.map((node) => [node.key, placeOf(node, boxWidth)]));
  return (
    <div ref={ref} className={styles.graph} tabIndex={0} role="group" aria-label="Graph of steps">
      {opened.size === 0 ? null : (
        <button type="button" className="button quiet" onClick={() => setOpened(new Set())}>
          Fold like steps
        </button>
      )}
      <div className={styles.body} style={{ width, height }}>
        <svg width={width} height={height} aria-hidden="true">
          {edges.slice(0, MOST_EDGES).map(({ from, to }) => {
            const [begin, end] = [places.get(from), places.get(to)];
            if (!begin || !end) return null;
            const near = from === selected || to === selected;
            return (
              <path
                key={`${from}\n${to}`}
                d={edgePath(begin, end)}
                className={clsx(styles.edge, near && styles.near)}
              />
            );
          })}
        </svg>
        {nodes.map((node) => (
          <Box
            key={node.key}
            node={node}
            place={places.get(node.key) ?? placeOf(node, boxWidth)}
            steps={steps}
            selected={selected}
            onSelect={(id) => onSelect(id === selected ? null : id)}
            onOpen={(key) => setOpened((before) => new Set(before).add(key))}
          />
        ))}
      </div>
    </div>
  );
});
