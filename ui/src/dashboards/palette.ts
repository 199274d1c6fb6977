import { summaries } from '../api/dashboards';
import type { PaletteSource } from '../page/offers';

/** Dashboards by their titles, folders and tags. */
const source: PaletteSource = {
  load: async (asking) =>
    (await summaries({}, asking)).dashboards.map(({ uid, title, folder_title: folder, tags }) => ({
      group: 'Dashboards',
      label: title,
      also: [folder, ...tags].join(' '),
      hint: folder,
      search: {},
      to: { path: '/dashboards/$uid', params: { uid } },
    })),
};

export default source;
