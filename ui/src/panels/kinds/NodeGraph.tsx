import { useId, type ReactElement } from 'react';
import { visibleText } from '../../design/value';
import { Value } from '../../design/Value';
import { edgePath, placeServices, type Placed } from '../../traces/graph';
import type { KindProps } from '../context';
import { cellText, lengthOf } from '../frame';
import type { ShownFrame } from '../overrides';
import { show, type Looks } from '../shown';
import { NoData } from './NoData';
import styles from './charts.module.css';

const BOX = { width: 176, height: 50 };
const GAP = { x: 64, y: 18 };
const MOST = 200;

function has(frame: ShownFrame, ...names: readonly string[]): boolean {
  return names.every((name) => frame.fields.some((field) => field.name.toLowerCase() === name));
}

/** The cell of a column by its name, as its configuration has it shown. */
function at(frame: ShownFrame, name: string, row: number, looks: Looks): string {
  const field = frame.fields.find((one) => one.name.toLowerCase() === name);
  return field ? show(field.config, field.values[row] ?? null, looks).text : '';
}

/** Who calls whom, or whatever nodes and edges a query answers. */
export default function NodeGraph(props: KindProps): ReactElement {
  const { frames, looks, height, title } = props;
  const arrow = useId();
  const nodeFrame =
    frames.find((frame) => frame.kind === 'nodes') ??
    frames.find((frame) => has(frame, 'id') && !has(frame, 'source'));
  const edgeFrame =
    frames.find((frame) => frame.kind === 'edges') ?? frames.find((frame) => has(frame, 'source', 'target'));
  if (!nodeFrame || lengthOf(nodeFrame) === 0) return <NoData frames={frames} height={height} />;
  const count = Math.min(MOST, lengthOf(nodeFrame));
  const id = nodeFrame.fields.find((one) => one.name.toLowerCase() === 'id');
  const nodes = Array.from({ length: count }, (_, row) => ({ service: cellText(id?.values[row]), row }));
  const raw = (frame: ShownFrame, name: string, row: number): string =>
    cellText(frame.fields.find((one) => one.name.toLowerCase() === name)?.values[row]);
  const edges = edgeFrame
    ? Array.from({ length: lengthOf(edgeFrame) }, (_, row) => ({
        caller: raw(edgeFrame, 'source', row),
        callee: raw(edgeFrame, 'target', row),
        row,
      }))
    : [];
  const { places, columns, lines } = placeServices({
    nodes,
    edges: edges.filter(
      ({ caller, callee }) =>
        nodes.some(({ service }) => service === caller) && nodes.some(({ service }) => service === callee),
    ),
  });
  const x = (column: number): number => column * (BOX.width + GAP.x);
  const y = (line: number): number => line * (BOX.height + GAP.y);
  const box = ({ column, line }: Placed) => ({ left: x(column), top: y(line), ...BOX });
  return (
    <div
      className={styles.graph}
      style={{ height }}
      tabIndex={0}
      role="group"
      aria-label={title || 'Node graph'}
    >
      <div className={styles.graphBody} style={{ width: x(columns) - GAP.x, height: y(lines) - GAP.y }}>
        <svg width={x(columns) - GAP.x} height={y(lines) - GAP.y} aria-hidden="true">
          <marker
            id={arrow}
            className={styles.edgeEnd}
            viewBox="0 0 8 8"
            refX={8}
            refY={4}
            markerWidth={9}
            markerHeight={9}
            markerUnits="userSpaceOnUse"
            orient="auto"
          >
            <path d="M0 0 8 4 0 8z" />
          </marker>
          {edges.map(({ caller, callee, row }) => {
            const [from, to] = [places.get(caller), places.get(callee)];
            if (!from || !to || !edgeFrame) return null;
            const said = [at(edgeFrame, 'mainstat', row, looks), at(edgeFrame, 'secondarystat', row, looks)]
              .filter((text) => text !== '')
              .join(', ');
            return (
              <path
                key={row}
                d={edgePath(box(from), box(to))}
                markerEnd={`url(#${arrow})`}
                className={styles.edge}
                strokeWidth={1.4}
              >
                <title>{visibleText(`${caller} → ${callee} ${said}`)}</title>
              </path>
            );
          })}
        </svg>
        {nodes.map(({ service, row }) => {
          const place = places.get(service);
          if (!place) return null;
          const name = at(nodeFrame, 'title', row, looks) || service;
          const said = [at(nodeFrame, 'mainstat', row, looks), at(nodeFrame, 'secondarystat', row, looks)]
            .filter((text) => text !== '')
            .join(' · ');
          return (
            <div
              key={row}
              className={styles.node}
              style={{ left: x(place.column), top: y(place.line), ...BOX }}
              title={visibleText(`${name} ${said}`)}
            >
              <b className="ellipsis">
                <Value text={name} />
              </b>
              {said === '' ? null : <span className="dim ellipsis">{visibleText(said)}</span>}
            </div>
          );
        })}
      </div>
    </div>
  );
}
