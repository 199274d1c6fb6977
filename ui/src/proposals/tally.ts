import type { Json, Proposal, Protection } from '../api/governance';
import type { Fields } from '../design/diff';
import { ruleOf } from '../governance/rules';

/** How many approve, of how many who must: a number, or a share of those who may. */
export function tally(
  { votes, policy, tenant_id: tenant }: Pick<Proposal, 'votes' | 'policy' | 'tenant_id'>,
  rules: readonly Protection[],
): string {
  const rule = ruleOf(rules, policy, tenant);
  const count = votes.filter(({ approves }) => approves).length;
  const against = votes.length - count;
  const needed =
    rule === undefined
      ? ''
      : rule.percent > 0
        ? ` of ${rule.approvals} and ${rule.percent} % of those who may`
        : ` of ${rule.approvals}`;
  return `${count}${needed} approve${against === 0 ? '' : `, ${against} against`}`;
}

/** What a proposal is about, in a line of a list. */
export function aboutOf({
  action,
  subject,
  change,
}: Pick<Proposal, 'action' | 'subject' | 'change'>): string {
  const { bounds, name, policy } = change;
  if (typeof change.role !== 'string') {
    const of = isFields(bounds)
      ? Object.entries(bounds).map(
          ([bound, most]) => `${bound} ${most === null ? 'as for everybody' : JSON.stringify(most)}`,
        )
      : [name ?? policy].filter((one) => typeof one === 'string');
    return of.length === 0 ? action : `${action}: ${of.join(', ')}`;
  }
  const person = subject ?? 'somebody who is no more';
  return action === 'roles.withdraw' ? `${change.role} from ${person}` : `${change.role} to ${person}`;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What a proposal would change, as fields before and after. */
export function changeOf({
  action,
  before,
  change,
  subject,
}: Pick<Proposal, 'action' | 'before' | 'change' | 'subject'>): {
  before: Fields | null;
  after: Fields | null;
} {
  const { bounds, role, user_id: userId, ...unnamed } = change;
  // People know each other by names.
  const rest = userId === undefined ? unnamed : { person: subject ?? userId, ...unnamed };
  if (typeof role === 'string' && Array.isArray(before)) {
    const others = before.filter((one: Json): one is string => typeof one === 'string' && one !== role);
    return {
      before: { ...rest, roles: before },
      after: { ...rest, roles: action === 'roles.withdraw' ? others : [...others, role].sort() },
    };
  }
  if (Array.isArray(change.permissions) && Array.isArray(before))
    return { before: { permissions: before }, after: change };
  if (isFields(bounds) && isFields(before)) return { before, after: bounds };
  if (isFields(before)) return { before, after: change };
  return { before: before === null ? null : { now: before }, after: change };
}
