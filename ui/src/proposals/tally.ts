import type { Proposal } from '../api/governance';
import type { Fields } from '../design/diff';

/** How many approve, of how many who must. */
export function tally({ votes, quorum }: Pick<Proposal, 'votes' | 'quorum'>): string {
  const count = votes.filter(({ approves }) => approves).length;
  const against = votes.length - count;
  const said = quorum === null ? `${count} approve` : `${count} of ${quorum} approve`;
  return against === 0 ? said : `${said}, ${against} against`;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What a proposal would change, as fields before and after. */
export function changeOf({ before, change }: Pick<Proposal, 'before' | 'change'>): {
  before: Fields | null;
  after: Fields | null;
} {
  const { bounds } = change;
  if (isFields(bounds) && isFields(before)) return { before, after: bounds };
  if (isFields(before)) return { before, after: change };
  return { before: before === null ? null : { now: before }, after: change };
}
