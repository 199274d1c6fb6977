import type { ReactElement } from 'react';

// Outlines on a 24 x 24 grid, drawn for Pharos.
const PATHS = {
  home: 'M4 11.5 12 4l8 7.500M6 10v10h4.500v-6h3v6H18V10',
  explore: 'M4 19V5M4 19h16M7.500 15l3.500-5 3.500 3L19 6.500',
  targets:
    'M12 3v3M12 18v3M3 12h3M18 12h3M12 6a6 6 0 1 0 0 12 6 6 0 0 0 0-12M12 11a1 1 0 1 0 0 2 1 1 0 0 0 0-2',
  cardinality: 'M5 20v-5M10 20V9M15 20v-8M20 20V4',
  search: 'M10.500 4a6.500 6.500 0 1 0 0 13 6.500 6.500 0 0 0 0-13M15.500 15.500 20 20',
  sun: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8M12 2v2.500M12 19.500V22M2 12h2.500M19.500 12H22M5 5l1.700 1.700M17.300 17.300 19 19M19 5l-1.700 1.700M6.700 17.300 5 19',
  moon: 'M19.500 14.500A8 8 0 0 1 9.500 4.500a8 8 0 1 0 10 10',
  monitor: 'M4 5h16v11H4zM9 20h6M12 16v4',
  menu: 'M4 7h16M4 12h16M4 17h16',
  close: 'M6 6l12 12M18 6 6 18',
  play: 'M7 5l12 7-12 7z',
  pause: 'M8 5v14M16 5v14',
  refresh: 'M19.500 12a7.500 7.500 0 1 1-2.300-5.400L20 9M20 4v5h-5',
  copy: 'M9 9h10.500v10.500H9zM15 9V4.500H4.500V15H9',
  check: 'M5 12.500 10 17.500 19.500 7',
  link: 'M10 14a4 4 0 0 0 5.700 0l3-3A4 4 0 0 0 13 5.300l-1 1M14 10a4 4 0 0 0-5.700 0l-3 3a4 4 0 0 0 5.700 5.700l1-1',
  download: 'M12 4v11M7.500 11 12 15.500 16.500 11M5 20h14',
  plus: 'M12 5v14M5 12h14',
  trash: 'M5 7h14M10 7V4.500h4V7M7 7l1 13h8l1-13M10.500 11v5.500M13.500 11v5.500',
  clock: 'M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16M12 8v4.500l3 2',
  history: 'M4.500 12A7.500 7.500 0 1 0 7 6.400L4 9M4 4.500V9h4.500M12 8v4.500l3 1.500',
  chevronDown: 'M6 9.500l6 6 6-6',
  chevronLeft: 'M14.500 6l-6 6 6 6',
  chevronRight: 'M9.500 6l6 6-6 6',
  zoomOut: 'M10.500 4a6.500 6.500 0 1 0 0 13 6.500 6.500 0 0 0 0-13M15.500 15.500 20 20M8 10.500h5',
  warning: 'M12 4 2.500 20h19zM12 10v4.500M12 17.200v.3',
  info: 'M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16M12 11v5.500M12 7.700v.3',
  error: 'M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16M12 7.500v5.500M12 16v.3',
  send: 'M4 12 20 5l-5 15-3.500-6.500zM11.500 13.500 20 5',
  keyboard: 'M3 7h18v10H3zM6.500 10.300h.1M10 10.300h.1M13.500 10.300h.1M17 10.300h.1M8 14h8',
  format: 'M5 6h14M5 10.500h9M5 15h14M5 19.500h6',
  table: 'M4 5h16v14H4zM4 10h16M10 10v9',
  columns: 'M4 5h16v14H4zM9.300 5v14M14.700 5v14',
  filter: 'M4 5.500h16l-6.300 7.300v6L10.300 17v-4.200z',
  calendar: 'M4.500 6h15v14h-15zM4.500 10.500h15M8.500 3.500V7M15.500 3.500V7',
  bell: 'M6 16.500V11a6 6 0 0 1 12 0v5.500l1.500 1.500h-15zM10.500 20.500h3',
  mute: 'M6 16.500V11a6 6 0 0 1 9.500-4.800M18 10.500v6l1.500 1.500H7.500M10.500 20.500h3M4 4l16 16',
  hand: 'M4.500 13 9 17.500 12 14M11.500 17l1.500 1.500L20.500 9',
  question:
    'M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16M9.700 9.700a2.400 2.400 0 1 1 3.500 2.100c-.8.5-1.200 1-1.200 2M12 16.700v.3',
  hourglass: 'M7 4h10M7 20h10M8 4c0 5 8 5.500 8 8s-8 3-8 8M16 4c0 5-8 5.500-8 8s8 3 8 8',
  dash: 'M7 12h10',
  more: 'M6 12h.1M12 12h.1M18 12h.1',
  external: 'M13 5h6v6M19 5l-9 9M16 14v5H5V8h5',
} as const;

export type IconName = keyof typeof PATHS;

/** An outline icon; decoration only, the button around it carries the name. */
export function Icon({
  name,
  size = 16,
  spin = false,
}: {
  name: IconName;
  size?: number;
  spin?: boolean;
}): ReactElement {
  return (
    <svg
      className={spin ? 'spin' : undefined}
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth={1.8}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
