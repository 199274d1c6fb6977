import type { ReactElement } from 'react';
import { serviceGraph, type SpanRate, type TraceRange } from '../api/traces';
import { useAsked } from '../api/useAsked';
import { EmptyState } from '../design/EmptyState';
import { formatSeconds, formatValue } from '../design/format';
import { Unreadable } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import { visibleText } from '../design/value';
import { Value } from '../design/Value';
import { edgePath, neighbours, placeServices, type Placed } from './graph';
import styles from './traces.module.css';

const BOX = { width: 214, height: 52 };
/** From this share of failed calls on an edge is drawn as one that fails. */
const FAILING = 0.05;
const GAP = { x: 72, y: 22 };

function said(one: SpanRate): string {
  const p95 = one.quantiles_ns['0.95'];
  return [
    formatValue(one.rate, 'per-second'),
    `${formatValue(one.error_ratio, 'ratio')} errors`,
    ...(p95 === undefined ? [] : [`p95 ${formatSeconds(p95 / 1e9)}`]),
  ].join(', ');
}

/** Who calls whom: rate, errors and the duration of most. */
export function ServiceMap(props: {
  range: TraceRange;
  colors: ReadonlyMap<string, string>;
  /** The service that is in the middle: only who calls it and whom it calls is shown. All without it. */
  around?: string;
  onService: (service: string) => void;
}): ReactElement {
  const { range, colors, around, onService } = props;
  const answer = useAsked({
    key: ['service-graph', range],
    ask: async (asking) => (await serviceGraph(range, asking)).data,
    keep: true,
  });
  const graph = answer.data && (around === undefined ? answer.data : neighbours(answer.data, around));
  if (graph === undefined)
    return answer.error ? (
      <Unreadable what="The service map" error={answer.error} asOfMs={0} />
    ) : (
      <Skeleton kind="chart" label="The service map" height={300} />
    );
  if (graph.nodes.length === 0)
    return (
      <EmptyState reason="out-of-range" title="No service has spans here">
        Choose a longer time.
      </EmptyState>
    );
  const { places, columns, lines } = placeServices(graph);
  const x = (column: number): number => column * (BOX.width + GAP.x);
  const y = (line: number): number => line * (BOX.height + GAP.y);
  const width = x(columns) - GAP.x;
  const height = y(lines) - GAP.y;
  const most = graph.edges.reduce((found, edge) => Math.max(found, edge.rate), 1e-9);
  return (
    <div className={styles.graph} tabIndex={0} role="group" aria-label="Service map">
      <div className={styles.graphBody} style={{ width, height }}>
        <svg width={width} height={height} aria-hidden="true">
          <marker
            id="service-map-end"
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
          {graph.edges.map((edge) => {
            const from = places.get(edge.caller);
            const to = places.get(edge.callee);
            if (!from || !to) return null;
            const box = ({ column, line }: Placed) => ({ left: x(column), top: y(line), ...BOX });
            return (
              <path
                key={`${edge.caller}\n${edge.callee}`}
                d={edgePath(box(from), box(to))}
                markerEnd="url(#service-map-end)"
                className={edge.error_ratio >= FAILING ? styles.edgeFailed : styles.edge}
                strokeWidth={1 + 3 * Math.sqrt(edge.rate / most)}
              >
                <title>{visibleText(`${edge.caller} calls ${edge.callee}: ${said(edge)}`)}</title>
              </path>
            );
          })}
        </svg>
        {graph.nodes.map((node) => {
          const place = places.get(node.service);
          if (!place) return null;
          return (
            <button
              key={node.service}
              type="button"
              className={styles.node}
              aria-current={node.service === around ? 'true' : undefined}
              style={{
                left: x(place.column),
                top: y(place.line),
                width: BOX.width,
                height: BOX.height,
                borderLeftColor: colors.get(node.service),
              }}
              title={visibleText(`${node.service}: ${said(node)}`)}
              onClick={() => onService(node.service)}
            >
              <b className="ellipsis">
                <Value text={node.service} />
              </b>
              <span className="dim ellipsis">
                {formatValue(node.rate, 'per-second')} · p95{' '}
                {formatSeconds((node.quantiles_ns['0.95'] ?? 0) / 1e9)}
                {node.errors > 0 ? (
                  <span className={styles.bad}> · {formatValue(node.error_ratio, 'ratio', 2)}</span>
                ) : null}
              </span>
            </button>
          );
        })}
      </div>
      {graph.one_in > 1 ? (
        <p className="dim">Calls are estimated from one in {graph.one_in} traces.</p>
      ) : null}
      <table className="visually-hidden">
        <caption>Who calls whom</caption>
        <tbody>
          {graph.edges.map((edge) => (
            <tr key={`${edge.caller}\n${edge.callee}`}>
              <th scope="row">{visibleText(`${edge.caller} calls ${edge.callee}`)}</th>
              <td>{said(edge)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
