// What Explore adds to the palette: queries run before, and metrics of which to draw a graph.

import { metricNames } from '../api/calls';
import type { Found, PaletteSource } from '../page/offers';
import { readHistory } from './history';
import { rankMetrics } from './rank';

const MOST_PAST = 5;
const MOST_METRICS = 12;

const source: PaletteSource = {
  load: async (asking) => (await metricNames(asking)).data,
  find: (typed, names = []) => {
    const of = (group: string) => (expr: string) => ({ group, label: expr, search: { q0: expr } }) as const;
    const past: readonly Found[] = readHistory()
      .filter((expr) => expr.toLowerCase().includes(typed))
      .slice(0, MOST_PAST)
      .map(of('Past queries'));
    return [...past, ...rankMetrics(names, typed, MOST_METRICS).map(of('Metrics'))];
  },
};

export default source;
