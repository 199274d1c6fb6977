import type { AuditSearch } from '../api/governance';
import type { Filter } from '../design/filter';

/** What conditions can be about. */
export const NAMES = ['who', 'action', 'object'] as const;

/** What conditions and a range of time ask of the server; conditions it does not know are left out. */
export function searchOf(
  filters: readonly Filter[],
  range: { fromMs: number; toMs: number } | null,
): AuditSearch {
  const found: AuditSearch = {};
  for (const { name, operator, value } of filters)
    if (operator === '=' && (NAMES as readonly string[]).includes(name))
      found[name as (typeof NAMES)[number]] = value;
  // To the minute: a range that ends now would be another question every moment.
  const whole = (ms: number): number => Math.ceil(ms / 60_000) * 60;
  return range === null ? found : { ...found, start: whole(range.fromMs), end: whole(range.toMs) };
}
