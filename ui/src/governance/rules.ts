// What changes of protected policies need.

import type { Place, Protection } from '../api/governance';
import { formatDuration } from '../time/durations';

/** What can be protected, and what that is. */
export const POLICIES = [
  { value: 'roles', note: 'who has which role, and what roles allow' },
  { value: 'limits', note: 'what a tenant may send, keep and ask' },
  { value: 'retention', note: 'how long data are kept' },
] as const;

/** The rule that holds for a policy at a place: its own, or that of all; undefined where none protects it. */
export function ruleOf(rules: readonly Protection[], policy: string, place: Place): Protection | undefined {
  const fits = rules.filter((one) => one.policy === policy);
  return fits.find((one) => one.tenant_id === place) ?? fits.find((one) => one.tenant_id === null);
}

/** What a change needs, in words. */
export function needsOf({ approvals, percent, lasts_ms: ms }: Protection): string {
  const people = `${approvals} ${approvals === 1 ? 'approval' : 'approvals'}`;
  const share = percent > 0 ? ` and those of ${percent} % of who may approve` : '';
  return `${people}${share} within ${formatDuration(ms)}`;
}
