// What Explore adds to the palette: queries run before, and metrics of which to draw a graph.

import { metricNames } from '../api/calls';
import type { Offer, PaletteSource } from '../page/offers';
import { readHistory } from './history';

function of(group: string): (expr: string) => Offer {
  return (expr) => ({ group, label: expr, search: { q0: expr } });
}

const source: PaletteSource = {
  known: () => readHistory().map(of('Past queries')),
  load: async (asking) => (await metricNames(asking)).data.map(of('Metrics')),
};

export default source;
