// What the page of runs adds to the palette: workflows of the last week, by name.

import { listWorkflows } from '../api/runs';
import type { PaletteSource } from '../page/offers';

const WEEK_MS = 7 * 86_400_000;

const source: PaletteSource = {
  load: async (asking) => {
    const now = Date.now();
    const { data } = await listWorkflows('', { start: now - WEEK_MS, end: now }, asking);
    return data.workflows.map(({ workflow }) => ({
      group: 'Runs of workflows',
      label: workflow,
      search: { workflow },
    }));
  },
};

export default source;
