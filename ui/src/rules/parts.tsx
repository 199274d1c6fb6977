import type { ReactElement } from 'react';
import type { Rule } from '../api/rules';
import { formatAgo, formatInstant, formatSeconds } from '../design/format';
import { useNow, usePageClock } from '../design/hooks';
import { StatusChip } from '../design/StatusChip';
import { standingOf, statusOf } from './rows';

/** How it stands with a rule. */
export function StandingChip({ rule }: { rule: Rule }): ReactElement {
  const standing = standingOf(rule);
  return (
    <StatusChip status={statusOf(rule)}>{standing === 'new' ? 'not yet evaluated' : standing}</StatusChip>
  );
}

/** The instant of the last evaluation in milliseconds; NaN before the first. */
export function evaluatedMs({ lastEvaluation }: Pick<Rule, 'lastEvaluation'>): number {
  const ms = Date.parse(lastEvaluation);
  return ms > 0 ? ms : Number.NaN;
}

/** When it was evaluated last; the hover says it exactly. */
export function LastEvaluated({ rule }: { rule: Rule }): ReactElement {
  const now = useNow(1_000);
  const { utc } = usePageClock();
  const ms = evaluatedMs(rule);
  return (
    <span title={Number.isNaN(ms) ? 'never' : formatInstant(Math.floor(ms / 1000) * 1000, utc)}>
      {formatAgo(ms, now)}
    </span>
  );
}

/** When it was evaluated last, and how long that took. */
export function Evaluated({ rule }: { rule: Rule }): ReactElement {
  return (
    <>
      <LastEvaluated rule={rule} />
      {Number.isNaN(evaluatedMs(rule)) ? null : `, took ${formatSeconds(rule.evaluationTime)}`}
    </>
  );
}
