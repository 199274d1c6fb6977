// What a day of a strip is called and how it is shaded.

export type Shade = 'good' | 'fair' | 'poor' | 'none';

const GOOD = 0.9995;
const FAIR = 0.98;

export function shadeOf(uptime: number | null): Shade {
  if (uptime === null) return 'none';
  return uptime >= GOOD ? 'good' : uptime >= FAIR ? 'fair' : 'poor';
}

/** In percent, cut and not rounded: what was down for a moment is not 100 %. */
export function uptimeText(uptime: number | null): string {
  if (uptime === null) return 'not measured';
  return `${String(Math.floor(uptime * 100_000 + 1e-6) / 1000)} % up`;
}
