// Where services stand in a map of who calls whom: callers left of those they call, as far as calls go in one direction.

import type { ServiceGraph } from '../api/traces';

export interface Placed {
  readonly service: string;
  readonly column: number;
  readonly line: number;
}

interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** How far an edge within a column stands out of it. */
const BULGE = 44;

/** The line of an edge from one box to another: beside the boxes, never behind those between the two. */
export function edgePath(from: Box, to: Box): string {
  const middle = (box: Box): number => box.top + box.height / 2;
  const begin = to.left > from.left ? from.left + from.width : from.left;
  const end = to.left < from.left ? to.left + to.width : to.left;
  const bend = to.left === from.left ? from.left - BULGE : (begin + end) / 2;
  return `M${begin} ${middle(from)}C${bend} ${middle(from)} ${bend} ${middle(to)} ${end} ${middle(to)}`;
}

/** The place of each service; `columns` and `lines` are how many there are. */
export function placeServices(graph: {
  readonly nodes: readonly Pick<ServiceGraph['nodes'][number], 'service'>[];
  readonly edges: readonly Pick<ServiceGraph['edges'][number], 'caller' | 'callee'>[];
}): {
  places: ReadonlyMap<string, Placed>;
  columns: number;
  lines: number;
} {
  const services = graph.nodes.map((node) => node.service);
  const callers = new Map<string, string[]>();
  const callees = new Map<string, string[]>();
  for (const { caller, callee } of graph.edges) {
    callers.set(callee, [...(callers.get(callee) ?? []), caller]);
    callees.set(caller, [...(callees.get(caller) ?? []), callee]);
  }
  const column = new Map<string, number>();
  const begin = services.filter((one) => !callers.has(one));
  // Where all are called by one another, whoever calls most begins.
  const first = [...services].sort((a, b) => (callees.get(b)?.length ?? 0) - (callees.get(a)?.length ?? 0));
  for (const start of [...begin, ...first]) {
    if (column.has(start)) continue;
    column.set(start, 0);
    const waiting = [start];
    for (let at = waiting.shift(); at !== undefined; at = waiting.shift())
      for (const next of callees.get(at) ?? []) {
        if (column.has(next)) continue;
        column.set(next, (column.get(at) ?? 0) + 1);
        waiting.push(next);
      }
  }
  const places = new Map<string, Placed>();
  const byColumn = new Map<number, string[]>();
  for (const [service, at] of column) byColumn.set(at, [...(byColumn.get(at) ?? []), service]);
  let lines = 1;
  for (const [at, members] of [...byColumn].sort(([a], [b]) => a - b)) {
    const middle = (service: string): number => {
      const known = (callers.get(service) ?? []).flatMap((one) => places.get(one)?.line ?? []);
      return known.length === 0 ? 0 : known.reduce((a, b) => a + b, 0) / known.length;
    };
    members
      .sort((a, b) => middle(a) - middle(b) || a.localeCompare(b))
      .forEach((service, line) => places.set(service, { service, column: at, line }));
    lines = Math.max(lines, members.length);
  }
  return { places, columns: byColumn.size, lines };
}

/** Who calls a service and whom it calls, as a graph of its own. */
export function neighbours(graph: ServiceGraph, service: string): ServiceGraph {
  const edges = graph.edges.filter(({ caller, callee }) => caller === service || callee === service);
  const near = new Set([service, ...edges.flatMap(({ caller, callee }) => [caller, callee])]);
  return { ...graph, edges, nodes: graph.nodes.filter((node) => near.has(node.service)) };
}
