/** How many whole seconds are left of a wait of `waitS` that began at `sinceMs`; 0 when it is over. */
export function secondsLeft(sinceMs: number, waitS: number, nowMs: number): number {
  return Math.max(0, Math.ceil((sinceMs + waitS * 1000 - nowMs) / 1000));
}

/** What a provider's refusal says in the address; null where there is none. It is from elsewhere: cut, and only text. */
export function refusalIn(hash: string): string | null {
  const text = new URLSearchParams(hash.replace(/^#/u, '')).get('error');
  return text === null || text === '' ? null : text.slice(0, 300);
}
