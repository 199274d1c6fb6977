import { expect, it } from 'vitest';
import type { ServiceGraph } from '../api/traces';
import { edgePath, placeServices } from './graph';

const RATE = { spans: 1, rate: 1, errors: 0, error_ratio: 0, mean_ns: 1, quantiles_ns: {} };

function graph(...calls: readonly string[]): ServiceGraph {
  const edges = calls.map((call) => {
    const [caller = '', callee = ''] = call.split('>');
    return { ...RATE, caller, callee };
  });
  const services = new Set(edges.flatMap(({ caller, callee }) => [caller, callee]));
  return { nodes: [...services].map((service) => ({ ...RATE, service })), edges, one_in: 1 };
}

function columns(of: ServiceGraph): Record<string, number> {
  return Object.fromEntries([...placeServices(of).places].map(([name, { column }]) => [name, column]));
}

it('who calls stands left of whom it calls', () =>
  expect(columns(graph('front>cart', 'front>pay', 'cart>db'))).toEqual({ front: 0, cart: 1, pay: 1, db: 2 }));

it('edges go to the right, back, or out of their column and in again: never behind a box between', () => {
  const box = (left: number, top: number) => ({ left, top, width: 100, height: 20 });
  expect(edgePath(box(0, 0), box(150, 40))).toBe('M100 10C125 10 125 50 150 50');
  expect(edgePath(box(150, 40), box(0, 0))).toBe('M150 50C125 50 125 10 100 10');
  expect(edgePath(box(150, 0), box(150, 80))).toBe('M150 10C106 10 106 90 150 90');
});

it('services that call one another in a circle are all there', () =>
  expect(Object.keys(columns(graph('a>b', 'b>c', 'c>a')))).toHaveLength(3));
