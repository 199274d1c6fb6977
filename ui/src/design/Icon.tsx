import type { ReactElement } from 'react';

// Outlines on a 24 x 24 grid, drawn for Pharos: those that the frame of every page needs; `Glyph` has all.
export const PATHS = {
  home: 'M4 11.5 12 4l8 7.5M6 10v10h4.5v-6h3v6H18V10',
  dashboards: 'M4 4h7v9H4zM13 4h7v5h-7zM13 11h7v9h-7zM4 15h7v5H4z',
  explore: 'M4 19V5M4 19h16M7.5 15l3.5-5 3.5 3L19 6.5',
  logs: 'M4 6h16M4 10.5h10M4 15h16M4 19.5h7',
  targets: 'M12 3v3M12 18v3M3 12h3M18 12h3M12 6a6 6 0 1 0 0 12 6 6 0 0 0 0-12M12 12h.1',
  alerts: 'M6 17V11a6 6 0 0 1 12 0v6l1.5 2h-15zM10 19a2 2 0 0 0 4 0',
  silences: 'M6 17V11a6 6 0 0 1 9.5-4.9M18 11v6l1.5 2h-15M4 4l16 16',
  cardinality: 'M5 20v-5M10 20V9M15 20v-8M20 20V4',
  search: 'M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13M15.5 15.5 20 20',
  sun: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8M12 2v2.5M12 19.5V22M2 12h2.5M19.5 12H22M5 5l1.7 1.7M17.3 17.3 19 19M19 5l-1.7 1.7M6.7 17.3 5 19',
  moon: 'M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10',
  monitor: 'M4 5h16v11H4zM9 20h6M12 16v4',
  menu: 'M4 7h16M4 12h16M4 17h16',
  close: 'M6 6l12 12M18 6 6 18',
  refresh: 'M19.5 12a7.5 7.5 0 1 1-2.3-5.4L20 9V4M20 9h-5',
  copy: 'M9 9h10.5v10.5H9zM15 9V4.5H4.5V15H9',
  check: 'M5 12.5 10 17.5 19.5 7',
  plus: 'M12 5v14M5 12h14',
  clock: 'M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16M12 8v4.5l3 2',
  chevronLeft: 'M14.5 6l-6 6 6 6',
  chevronRight: 'M9.5 6l6 6-6 6',
  warning: 'M12 4 2.5 20h19zM12 10v4.5M12 17.2v.3',
  info: 'M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16M12 11v5.5M12 7.7v.3',
  error: 'M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16M12 7.5v5.5M12 16v.3',
  keyboard: 'M3 7h18v10H3zM6.5 10.3h.1M10 10.3h.1M13.5 10.3h.1M17 10.3h.1M8 14h8',
  people:
    'M9 5a3.3 3.3 0 1 0 0 6.6A3.3 3.3 0 0 0 9 5M3 19c0-6.5 12-6.5 12 0M15.5 5.5a3 3 0 0 1 0 5.6M17.5 14c2.3.7 3.5 2.5 3.5 5',
  person: 'M12 4.5a3.8 3.8 0 1 0 0 7.6 3.8 3.8 0 0 0 0-7.6M5 20c0-7.5 14-7.5 14 0',
  tenants: 'M4 9 12 5l8 4-8 4zM4 14l8 4 8-4',
  traces: 'M4 6h10M8 12h9M12 18h8',
  runs: 'M7 4.5 19 12 7 19.5z',
  workflows: 'M3 5h7v5H3zM14 14h7v5h-7zM6.5 10v6.5H14',
  table: 'M4 5h16v14H4zM4 10h16M10 10v9',
} as const;

export type IconName = keyof typeof PATHS;

/** An outline of one path; decoration only, the button around it carries the name. */
export function Outline({
  path,
  size = 16,
  spin = false,
}: {
  path: string;
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
      <path d={path} />
    </svg>
  );
}

/** An icon of the frame. */
export function Icon({ name, ...look }: { name: IconName; size?: number; spin?: boolean }): ReactElement {
  return <Outline path={PATHS[name]} {...look} />;
}
