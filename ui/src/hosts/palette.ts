import { HOST } from '../address/places';
import type { PaletteSource } from '../page/offers';
import { loadHosts } from './load';

const QUARTER_MS = 900_000;

/** Hosts by their names, jobs and instances. */
const source: PaletteSource = {
  load: async (asking) => {
    const toMs = Date.now();
    const { hosts } = await loadHosts({ fromMs: toMs - QUARTER_MS, toMs }, asking, 'names');
    return hosts.map(({ name, labels: { job, instance } }) => ({
      group: 'Hosts',
      label: name,
      also: `${job} ${instance}`,
      hint: instance === name ? job : instance,
      search: {},
      to: { path: HOST, params: { host: name } },
    }));
  },
};

export default source;
