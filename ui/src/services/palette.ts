import { SERVICE } from '../address/places';
import { traceServices } from '../api/traces';
import type { PaletteSource } from '../page/offers';
import { serviceNames } from './load';

const HOUR_S = 3_600;

/** Services by their names, those of spans and those of scrape jobs. */
const source: PaletteSource = {
  load: async (asking, may) => {
    const end = Date.now() / 1000;
    const [traced, scraped] = await Promise.all([
      may('traces.view') ? traceServices({ start: end - HOUR_S, end }, asking) : null,
      may('metrics.view') ? serviceNames(end, asking) : [],
    ]);
    return [...new Set([...(traced?.data ?? []), ...scraped])].map((service) => ({
      group: 'Services',
      label: service,
      search: {},
      to: { path: SERVICE, params: { service } },
    }));
  },
};

export default source;
