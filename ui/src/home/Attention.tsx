import { Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { Icon } from '../design/Icon';
import type { Finding } from './verdict';

/** One line that says all is well, or what is not. Always as high as at least one line, so nothing jumps. */
export function Attention({
  findings,
  ready,
}: {
  findings: readonly Finding[];
  ready: boolean;
}): ReactElement {
  if (findings.length === 0)
    return (
      <div className="attention panel">
        <span className={ready ? 'dot good' : 'dot'} />
        <span className="dim">
          {ready ? 'Nothing here needs attention.' : 'Looking at the host, Pharos and its targets…'}
        </span>
      </div>
    );
  return (
    <div className="attention panel" role="status">
      {findings.map((finding) => (
        <span key={finding.text} className={`pill ${finding.level}`}>
          <Icon name={finding.level === 'bad' ? 'error' : 'warning'} size={14} />
          <FindingText finding={finding} />
        </span>
      ))}
    </div>
  );
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
