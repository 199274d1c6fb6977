/** How many whole seconds are left of a wait of `waitS` that began at `sinceMs`; 0 when it is over. */
export function secondsLeft(sinceMs: number, waitS: number, nowMs: number): number {
  return Math.max(0, Math.ceil((sinceMs + waitS * 1000 - nowMs) / 1000));
}

/** What a provider's refusal says in the address; null where there is none. It is from elsewhere: cut, and only text. */
export function refusalIn(hash: string): string | null {
  const text = new URLSearchParams(hash.replace(/^#/u, '')).get('error');
  return text === null || text === '' ? null : text.slice(0, 300);
}

const BROWSERS: readonly (readonly [RegExp, string])[] = [
  [/\bEdg\//u, 'Edge'],
  [/\bOPR\//u, 'Opera'],
  [/\bFirefox\//u, 'Firefox'],
  [/\bHeadlessChrome\//u, 'Chrome without a window'],
  [/\b(?:Chrome|Chromium)\//u, 'Chrome'],
  [/\bSafari\//u, 'Safari'],
];
const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/\bAndroid\b/u, 'Android'],
  [/\biPhone\b|\biPad\b/u, 'iOS'],
  [/\bWindows\b/u, 'Windows'],
  [/\bMac OS X\b/u, 'macOS'],
  [/\bLinux\b/u, 'Linux'],
];

/** Which browser, on what, a User-Agent most likely means; its first word where that is not known. */
export function browserOf(agent: string): string {
  const named = (table: readonly (readonly [RegExp, string])[]): string | undefined =>
    table.find(([pattern]) => pattern.test(agent))?.[1];
  const [browser, system] = [named(BROWSERS), named(SYSTEMS)];
  if (browser) return system ? `${browser} on ${system}` : browser;
  return agent.trim() === '' ? 'unknown' : (agent.trim().split(/[\s/]/u)[0] ?? '').slice(0, 60);
}
