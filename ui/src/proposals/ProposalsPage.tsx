import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState, type ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import {
  decide,
  proposal as oneProposal,
  proposals,
  protections,
  type Proposal,
  type ProposalStatus,
  type Protection,
} from '../api/governance';
import { Button } from '../design/Button';
import { Diff } from '../design/Diff';
import { Drawer } from '../design/Drawer';
import { EmptyState } from '../design/EmptyState';
import { TextAreaField } from '../design/fields';
import { formatInstant, formatSeconds } from '../design/format';
import { useNow, usePageClock } from '../design/hooks';
import { Note, Unreadable } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import type { Status } from '../design/status';
import { StatusChip } from '../design/StatusChip';
import type { TableColumn } from '../design/table/columns';
import { DataTable } from '../design/table/DataTable';
import { Value } from '../design/Value';
import { NoValue } from '../design/NoValue';
import { Body, Page, PageHead } from '../page/Page';
import { impliedTenant, useMay, useSession } from '../session/session';
import { whyNot } from '../session/lacking';
import { useDeed } from '../session/useDeed';
import { Protections } from './Protections';
import { ruleOf } from '../governance/rules';
import { aboutOf, changeOf, tally } from './tally';
import styles from './proposals.module.css';

const NO_RULES: readonly Protection[] = [];
const PAGE = 100;

const STATUS: Readonly<Record<ProposalStatus, Status>> = {
  open: 'pending',
  applied: 'ok',
  rejected: 'critical',
  withdrawn: 'muted',
  expired: 'no-data',
  outdated: 'no-data',
  failed: 'warning',
};

/** The minute that `ms` is in: nobody votes by the second. */
function minute(ms: number): number {
  return Math.floor(ms / 60_000) * 60_000;
}

function Decision({ proposal, needsReason }: { proposal: Proposal; needsReason: boolean }): ReactElement {
  const { tenant } = useAddress();
  const { me } = useSession();
  const may = useMay();
  const [reason, setReason] = useState('');
  const deed = useDeed();
  const own = me !== null && proposal.who.endsWith(`:${me.identity.id}`);
  const why = own
    ? 'Others decide on what you propose; you may withdraw it.'
    : whyNot(may, 'governance.approve', 'Proposals are approved');
  const run = (verdict: 'approve' | 'reject' | 'withdraw'): void => {
    void deed.run(() =>
      decide(proposal.id, verdict, reason.trim(), { tenant: proposal.tenant_id ?? tenant }),
    );
  };
  return (
    <div className="form">
      {why === null ? null : <p className="dim">{why}</p>}
      {why === null || own ? (
        <TextAreaField
          label="Reason"
          hint={needsReason && !own ? 'Votes on this policy need one' : 'If there is one: it is kept'}
          value={reason}
          onChange={setReason}
        />
      ) : null}
      {deed.error ? <Note level="bad">{deed.error.message}</Note> : null}
      <div className="form-actions">
        {own ? (
          <button type="button" className="button" disabled={deed.busy} onClick={() => run('withdraw')}>
            Withdraw
          </button>
        ) : (
          <>
            <Button
              whyNot={why}
              disabled={deed.busy || (needsReason && reason.trim() === '')}
              onClick={() => run('reject')}
            >
              Reject
            </Button>
            <Button
              className="button primary"
              whyNot={why}
              disabled={deed.busy || (needsReason && reason.trim() === '')}
              onClick={() => run('approve')}
            >
              Approve
            </Button>
          </>
        )}
      </div>
    </div>
  );
}

function Details({
  proposal,
  rules,
  onClose,
}: {
  proposal: Proposal | undefined;
  rules: readonly Protection[];
  onClose: () => void;
}): ReactElement {
  const { utc } = usePageClock();
  const change = proposal ? changeOf(proposal) : null;
  return (
    <Drawer open={proposal !== undefined} onClose={onClose} title={proposal?.action ?? ''} wide>
      {proposal && change ? (
        <div className="form">
          <p>
            <StatusChip status={STATUS[proposal.status]}>{proposal.status}</StatusChip>{' '}
            {proposal.tenant_id === null ? 'Of the whole server' : <Value text={proposal.tenant_id} />}, by{' '}
            <Value text={proposal.name} />, {formatInstant(minute(proposal.created_ms), utc)}
          </p>
          <blockquote className={styles.reason}>
            <Value text={proposal.reason} />
          </blockquote>
          <Diff before={change.before} after={change.after} />
          {proposal.outcome === '' ? null : (
            <Note level="info">
              <Value text={proposal.outcome} />
            </Note>
          )}
          <section aria-label="Votes">
            <h2>{tally(proposal, rules)}</h2>
            {proposal.lacking.length > 0 ? (
              <Note level="info">
                It waits for the vote of somebody who has {proposal.lacking.join(', ')} themselves: nobody
                gives what they do not have.
              </Note>
            ) : null}
            {proposal.status === 'open' ? (
              <p className="dim">Open until {formatInstant(minute(proposal.expires_ms), utc)}</p>
            ) : null}
            <ul className={styles.votes}>
              {proposal.votes.map((vote) => (
                <li key={vote.who}>
                  <StatusChip status={vote.approves ? 'ok' : 'critical'}>
                    {vote.approves ? 'approves' : 'rejects'}
                  </StatusChip>
                  <span>
                    <Value text={vote.name} />{' '}
                    <span className="dim">{formatInstant(minute(vote.at_ms), utc)}</span>
                    {vote.reason === '' ? null : (
                      <div>
                        <Value text={vote.reason} />
                      </div>
                    )}
                  </span>
                </li>
              ))}
            </ul>
          </section>
          {proposal.status === 'open' ? (
            <Decision
              key={proposal.id}
              proposal={proposal}
              needsReason={ruleOf(rules, proposal.policy, proposal.tenant_id)?.reasons ?? false}
            />
          ) : null}
        </div>
      ) : null}
    </Drawer>
  );
}

export default function ProposalsPage(): ReactElement {
  const { tenant, search, setOwn } = useAddress();
  const now = useNow(10_000);
  const { me } = useSession();
  const may = useMay();
  const all = me?.everywhere.includes('governance.propose') ?? false;
  const [pages, setPages] = useState<readonly string[]>([]);
  const before = pages.at(-1);
  const answer = useQuery({
    queryKey: [tenant, 'proposals', all, before],
    queryFn: ({ signal }) => proposals(all, { before, limit: PAGE }, { tenant, signal }),
    placeholderData: keepPreviousData,
    refetchInterval: 15_000,
  });
  const ruled = useQuery({
    queryKey: [tenant, 'protections'],
    queryFn: ({ signal }) => protections({ tenant, signal }),
  });
  const rules = ruled.data?.data ?? NO_RULES;
  const rows = answer.data?.data.proposals;
  const more = answer.data?.data.before ?? null;
  const listed = rows?.find(({ id }) => id === search.of);
  // One that a link leads to may stand on another page.
  const alone = useQuery({
    queryKey: [tenant, 'proposal', search.of],
    queryFn: ({ signal }) => oneProposal(search.of ?? '', { tenant, signal }),
    enabled: rows !== undefined && search.of !== undefined && listed === undefined,
  });
  const columns: readonly TableColumn<Proposal>[] = [
    {
      id: 'status',
      title: 'state',
      chars: 12,
      value: ({ status }) => status,
      cell: ({ status }) => <StatusChip status={STATUS[status]}>{status}</StatusChip>,
    },
    { id: 'action', title: 'change', value: aboutOf, cell: (one) => <Value text={aboutOf(one)} /> },
    { id: 'tenant', title: 'tenant', value: ({ tenant_id: id }) => id ?? 'the whole server' },
    {
      id: 'who',
      title: 'by',
      titled: true,
      value: ({ name }) => name,
      cell: ({ name }) => <Value text={name} />,
    },
    {
      id: 'reason',
      title: 'reason',
      titled: true,
      value: ({ reason }) => reason,
      cell: ({ reason }) => <Value text={reason} />,
    },
    { id: 'votes', title: 'approved', chars: 16, value: (one) => tally(one, rules) },
    {
      id: 'expires',
      title: 'expires',
      titled: true,
      chars: 12,
      value: (one) => (one.status === 'open' ? one.expires_ms : null),
      cell: (one) =>
        one.status === 'open' ? (
          `in ${formatSeconds(Math.max(0, Math.round((one.expires_ms - now) / 60_000) * 60))}`
        ) : (
          <NoValue />
        ),
    },
  ];
  return (
    <Page>
      <PageHead
        title="Proposals"
        about={rows ? `${rows.filter(({ status }) => status === 'open').length} to decide` : null}
      />
      <Body>
        <Unreadable what="The proposals" error={answer.error} asOfMs={answer.dataUpdatedAt} />
        {answer.isPending ? <Skeleton kind="table" label="The proposals" rows={4} /> : null}
        {rows ? (
          <section className="panel card">
            <DataTable
              label="Proposals"
              tall
              columns={columns}
              rows={rows}
              rowKey={({ id }) => id}
              onOpen={({ id }) => setOwn({ of: id })}
              empty={
                <EmptyState reason="none-yet" title="Nothing is proposed">
                  Changes of protected policies wait here for those who approve them.
                </EmptyState>
              }
            />
            {more === null && pages.length === 0 ? null : (
              <div className="form-actions">
                <button
                  type="button"
                  className="button"
                  disabled={pages.length === 0}
                  onClick={() => setPages(pages.slice(0, -1))}
                >
                  Newer
                </button>
                <button
                  type="button"
                  className="button"
                  disabled={more === null}
                  onClick={() => more !== null && setPages([...pages, more])}
                >
                  Older
                </button>
              </div>
            )}
          </section>
        ) : null}
        <Unreadable what="The proposal" error={alone.error} asOfMs={alone.dataUpdatedAt} />
        <Unreadable what="What is protected" error={ruled.error} asOfMs={ruled.dataUpdatedAt} />
        {ruled.data ? (
          <Protections
            rules={rules}
            tenant={tenant ?? (me ? impliedTenant(me, []) : null) ?? 'default'}
            everywhere={me?.everywhere.includes('governance.approve') ?? false}
            whyNot={whyNot(may, 'governance.approve', 'Policies are protected')}
          />
        ) : null}
        <Details
          proposal={listed ?? (search.of === undefined ? undefined : alone.data?.data)}
          rules={rules}
          onClose={() => setOwn({ of: undefined })}
        />
      </Body>
    </Page>
  );
}
