import { summaries } from '../api/dashboards';
import type { PaletteSource } from '../page/offers';

const MOST = 6;
const BETWEEN = '\n';

/** Dashboards by their titles. */
const source: PaletteSource = {
  load: async (asking) =>
    (await summaries({}, asking)).dashboards.map(({ title, folder_title: folder }) =>
      [title, folder].join(BETWEEN),
    ),
  find: (typed, loaded) => {
    const words = typed.split(/\s+/u).filter((word) => word !== '');
    if (words.length === 0) return [];
    return (loaded ?? [])
      .filter((text) => words.every((word) => text.toLowerCase().includes(word)))
      .slice(0, MOST)
      .map((text) => {
        const [title = ''] = text.split(BETWEEN);
        return { group: 'Dashboards', label: title, search: { filter: title } };
      });
  },
};

export default source;
