import type { ReactElement } from 'react';
import { Outline, PATHS } from './Icon';

// What components need besides the icons of the frame, which are loaded with every page.
const MORE = {
  chevronDown: 'M6 9.5l6 6 6-6',
  trash: 'M5 7h14M10 7V4.5h4V7M7 7l1 13h8l1-13M10.5 11v5.5M13.5 11v5.5',
  download: 'M12 4v11M7.5 11 12 15.5 16.5 11M5 20h14',
  format: 'M5 6h14M5 10.5h9M5 15h14M5 19.5h6',
  history: 'M4.5 12A7.5 7.5 0 1 0 7 6.4L4 9M4 4.5V9h4.5M12 8v4.5l3 1.5',
  external: 'M13 5h6v6M19 5l-9 9M16 14v5H5V8h5',
  zoomOut: 'M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13M15.5 15.5 20 20M8 10.5h5',
  send: 'M4 12 20 5l-5 15-3.5-6.5zM11.5 13.5 20 5',
  link: 'M10 14a4 4 0 0 0 5.7 0l3-3A4 4 0 0 0 13 5.3l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3a4 4 0 0 0 5.7 5.7l1-1',
  columns: 'M4 5h16v14H4zM9.3 5v14M14.7 5v14',
  filter: 'M4 5.5h16l-6.3 7.3v6L10.3 17v-4.2z',
  calendar: 'M4.5 6h15v14h-15zM4.5 10.5h15M8.5 3.5V7M15.5 3.5V7',
  bell: 'M6 16.5V11a6 6 0 0 1 12 0v5.5l1.5 1.5h-15zM10.5 20.5h3',
  mute: 'M6 16.5V11a6 6 0 0 1 9.5-4.8M18 10.5v6l1.5 1.5H7.5M10.5 20.5h3M4 4l16 16',
  hand: 'M4.5 13 9 17.5 12 14M11.5 17l1.5 1.5L20.5 9',
  lock: 'M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3',
  question: 'M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16M9.7 9.7a2.4 2.4 0 1 1 3.5 2.1c-.8.5-1.2 1-1.2 2M12 16.7v.3',
  hourglass: 'M7 4h10M7 20h10M8 4c0 5 8 5.5 8 8s-8 3-8 8M16 4c0 5-8 5.5-8 8s8 3 8 8',
  dash: 'M7 12h10',
  move: 'M9 6h.1M15 6h.1M9 12h.1M15 12h.1M9 18h.1M15 18h.1',
  arrowUp: 'M12 19V5M6 11l6-6 6 6',
  arrowDown: 'M12 5v14M6 13l6 6 6-6',
  more: 'M5 12h1M12 12h1M19 12h1',
} as const;

const ALL = { ...PATHS, ...MORE };

export type GlyphName = keyof typeof ALL;

/** Any icon. */
export function Glyph({ name, size = 16 }: { name: GlyphName; size?: number }): ReactElement {
  return <Outline path={ALL[name]} size={size} />;
}
