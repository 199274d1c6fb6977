// What each page adds to the palette: loaded with it, for the first load has no use for them.

import type { PageId } from '../address/places';
import type { PaletteSource } from '../page/offers';

export const SOURCES: Readonly<Partial<Record<PageId, () => Promise<{ default: PaletteSource }>>>> = {
  dashboards: () => import('../dashboards/palette'),
  services: () => import('../services/palette'),
  hosts: () => import('../hosts/palette'),
  alerts: () => import('../alerts/palette'),
  explore: () => import('../explore/palette'),
  runs: () => import('../runs/palette'),
};
