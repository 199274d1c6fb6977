// What the page of runs adds to the palette: workflows of the last week, by name.

import { listWorkflows } from '../api/runs';
import type { PaletteSource } from '../page/offers';

const MOST = 6;
const WEEK_MS = 7 * 86_400_000;

const source: PaletteSource = {
  load: async (asking) => {
    const now = Date.now();
    const { data } = await listWorkflows('', { start: now - WEEK_MS, end: now }, asking);
    return data.workflows.map(({ workflow }) => workflow);
  },
  find: (typed, loaded) => {
    const words = typed.split(/\s+/u).filter((word) => word !== '');
    if (words.length === 0) return [];
    return (loaded ?? [])
      .filter((name) => words.every((word) => name.toLowerCase().includes(word)))
      .slice(0, MOST)
      .map((workflow) => ({ group: 'Runs of workflows', label: workflow, search: { workflow } }));
  },
};

export default source;
