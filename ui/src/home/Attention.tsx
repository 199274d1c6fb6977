import { Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { Icon } from '../design/Icon';
import type { Finding } from './verdict';

/**
 * One line that says all is well, or what is not. Always as high as at least one line, so nothing jumps.
 *
 * `unmeasured` is undefined until everything has been read; all is well only when it is empty.
 */
export function Attention({
  findings,
  unmeasured,
}: {
  findings: readonly Finding[];
  unmeasured: readonly string[] | undefined;
}): ReactElement {
  if (findings.length === 0)
    return (
      <div className="attention panel">
        <span className={unmeasured?.length === 0 ? 'dot good' : 'dot'} />
        <span className="dim">{calm(unmeasured)}</span>
      </div>
    );
  return (
    <div className="attention panel" role="status">
      {findings.map((finding) => (
        <span key={finding.text} className={`pill ${finding.level}`} title={finding.detail}>
          <Icon name={finding.level === 'bad' ? 'error' : 'warning'} size={14} />
          <FindingText finding={finding} />
        </span>
      ))}
    </div>
  );
}

function calm(unmeasured: readonly string[] | undefined): string {
  if (unmeasured === undefined) return 'Looking at the host, Pharos and its targets…';
  if (unmeasured.length === 0) return 'Nothing here needs attention.';
  return `Nothing found that needs attention. No values of: ${unmeasured.join(', ')}.`;
}

function FindingText({ finding }: { finding: Finding }): ReactElement {
  if (finding.page) return <Link to={finding.page}>{finding.text}</Link>;
  if (finding.host !== undefined)
    return (
      <Link to="/" search={(before: Record<string, unknown>) => ({ ...before, host: finding.host })}>
        {finding.text}
      </Link>
    );
  if (finding.expr === undefined) return <span>{finding.text}</span>;
  return (
    <Link to="/explore" search={{ q0: finding.expr } as never}>
      {finding.text}
    </Link>
  );
}
