import { describe, expect, it } from 'vitest';
import { countStates, layDag, type DagStep } from './dag';

function step(id: string, ...after: string[]): DagStep {
  return { id, state: 'succeeded', depends_on: after };
}

const columnsOf = (steps: readonly DagStep[]): Readonly<Record<string, number>> =>
  Object.fromEntries(layDag(steps).nodes.map(({ key, column }) => [key, column]));

describe('the graph of steps', () => {
  it('has each right of all that it waits for', () =>
    expect(columnsOf([step('d', 'a', 'c'), step('a'), step('b', 'a'), step('c', 'b')])).toEqual({
      a: 0,
      b: 1,
      c: 2,
      d: 3,
    }));
  it('has an edge for each that waits, once', () =>
    expect(layDag([step('a'), step('b', 'a', 'a', 'gone', 'b')]).edges).toEqual([{ from: 'a', to: 'b' }]));
  it('gives no place away twice', () => {
    const steps = [step('a'), step('b'), step('c', 'a'), step('d', 'b'), step('e', 'a', 'b')];
    const places = layDag(steps).nodes.map(({ column, line }) => `${column} ${line}`);
    expect(new Set(places).size).toBe(steps.length);
  });
  it('crosses no edges that need not cross', () => {
    const steps = [step('a'), step('b'), step('after b', 'b'), step('after a', 'a')];
    const lineOf = Object.fromEntries(layDag(steps).nodes.map(({ key, line }) => [key, line]));
    expect((lineOf['a'] ?? 0) < (lineOf['b'] ?? 0)).toBe((lineOf['after a'] ?? 0) < (lineOf['after b'] ?? 0));
  });
  it('has an end where steps wait for one another in a circle', () =>
    expect(layDag([step('a', 'c'), step('b', 'a'), step('c', 'b')]).nodes).toHaveLength(3));
  it('is empty of nothing', () => expect(layDag([])).toEqual({ nodes: [], edges: [], columns: 0, lines: 0 }));
});

describe('many steps that are alike', () => {
  const parts = Array.from({ length: 998 }, (_, i) => step(`part ${i}`, 'split'));
  const steps = [step('split'), ...parts, step('join', ...parts.map(({ id }) => id))];
  it('are one box', () => {
    const { nodes, edges } = layDag(steps);
    expect(nodes.map(({ steps: members }) => members.length)).toEqual([1, 998, 1]);
    expect(edges).toHaveLength(2);
  });
  it('are shown one by one when they are opened', () =>
    expect(layDag(steps, new Set(['part 0'])).nodes).toHaveLength(1_000));
  it('stay apart where nobody said what they wait for', () =>
    expect(layDag(parts.map(({ id }) => step(id))).nodes).toHaveLength(998));
  it('are counted by their states', () =>
    expect(countStates([step('a'), { ...step('b'), state: 'failed' }, step('c')], [0, 1, 2])).toEqual([
      ['succeeded', 2],
      ['failed', 1],
    ]));
});
