import clsx from 'clsx';
import type { Search } from '../address/context';
import { PageLink } from '../address/PageLink';
import type { ReactElement } from 'react';
import { Icon } from '../design/Icon';
import type { PageId } from '../address/places';
import type { Finding } from './verdict';
import styles from './home.module.css';

/**
 * One line that says all is well, or what is not. Always as high as at least one line, so nothing jumps.
 *
 * `unmeasured` is undefined until everything has been read; all is well only when it is empty.
 */
export function Attention({
  findings,
  unmeasured,
  young,
}: {
  findings: readonly Finding[];
  unmeasured: readonly string[] | undefined;
  /** The data are so young that what has no value yet will have one soon. */
  young: boolean;
}): ReactElement {
  if (findings.length === 0)
    return (
      <div className={clsx('panel', styles.attention)}>
        <span className={unmeasured?.length === 0 ? 'dot good' : 'dot'} />
        <span className="dim">{calm(unmeasured, young)}</span>
      </div>
    );
  return (
    <div className={clsx('panel', styles.attention)} role="status">
      {findings.map((finding) => (
        <span key={finding.text} className={`pill ${finding.level}`} title={finding.detail}>
          <Icon name={finding.level === 'bad' ? 'error' : 'warning'} size={14} />
          <FindingText finding={finding} />
        </span>
      ))}
    </div>
  );
}

function calm(unmeasured: readonly string[] | undefined, young: boolean): string {
  if (unmeasured === undefined) return 'Looking at the host, Pharos and its targets…';
  if (unmeasured.length === 0) return 'The host, Pharos and its targets need no attention.';
  if (young) return `Collecting the first samples of: ${unmeasured.join(', ')}…`;
  return `Nothing that is known of them needs attention. No values of: ${unmeasured.join(', ')}.`;
}

function FindingText({ finding }: { finding: Finding }): ReactElement {
  const leads = leadsTo(finding);
  if (leads === null) return <span>{finding.text}</span>;
  return (
    <PageLink page={leads[0]} search={leads[1]}>
      {finding.text}
    </PageLink>
  );
}

/** The page that shows more of it. */
function leadsTo({ page, host, expr }: Finding): [PageId, Search] | null {
  if (page !== undefined) return [page, {}];
  if (host !== undefined) return ['home', { host }];
  return expr === undefined ? null : ['explore', { q0: expr }];
}
