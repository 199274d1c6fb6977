import { useMemo, useState, type ReactElement, type ReactNode } from 'react';
import { useAddress } from '../address/hooks';
import { PageLink } from '../address/PageLink';
import { decide, type ActionResponse, type ResponseStatus } from '../api/responses';
import { ALERT_NAME } from '../alerts/alerts';
import { Ago } from '../alerts/parts';
import { Button } from '../design/Button';
import { Drawer } from '../design/Drawer';
import { EmptyState } from '../design/EmptyState';
import { TextField } from '../design/fields';
import { holdsWords } from '../design/filter';
import { formatInstant } from '../design/format';
import { usePageClock } from '../design/hooks';
import { NoValue } from '../design/NoValue';
import { Note } from '../design/parts';
import type { Status } from '../design/status';
import { StatusChip } from '../design/StatusChip';
import type { TableColumn } from '../design/table/columns';
import { DataTable } from '../design/table/DataTable';
import { toasts } from '../design/toasts';
import { Expression, LabelSet, Value } from '../design/Value';
import { useDeed } from '../session/useDeed';
import styles from './responses.module.css';

const LOOKS: Readonly<Record<ResponseStatus, readonly [Status, string]>> = {
  waiting: ['pending', 'waits for approval'],
  ready: ['info', 'about to be done'],
  running: ['info', 'is being done'],
  done: ['ok', 'done'],
  failed: ['critical', 'failed'],
  interrupted: ['warning', 'interrupted'],
  rejected: ['muted', 'rejected'],
  expired: ['no-data', 'nobody approved it'],
  skipped: ['no-data', 'done shortly before'],
  rehearsed: ['unknown', 'dry run'],
};

function Standing({ status }: { status: ResponseStatus }): ReactElement {
  const [look, words] = LOOKS[status];
  return <StatusChip status={look}>{words}</StatusChip>;
}

/** Has a response that waits be carried out, or not. */
function Decide({ of, whyNot }: { of: ActionResponse; whyNot: string | null }): ReactElement {
  const { tenant } = useAddress();
  const [reason, setReason] = useState('');
  const deed = useDeed();
  const run = async (verdict: 'approve' | 'reject'): Promise<void> => {
    if (await deed.run(() => decide(of.id, verdict, reason.trim(), { tenant })))
      toasts.show({ level: 'ok', text: verdict === 'approve' ? 'It is approved' : 'It is rejected' });
  };
  return (
    <div className="form">
      <TextField label="Reason" value={reason} onChange={setReason} />
      {deed.error ? <Note level="bad">{deed.error.message}</Note> : null}
      <div className="form-actions">
        <Button whyNot={whyNot} disabled={deed.busy} onClick={() => void run('reject')}>
          Reject
        </Button>
        <Button
          className="button primary"
          whyNot={whyNot}
          disabled={deed.busy}
          onClick={() => void run('approve')}
        >
          Approve
        </Button>
      </div>
    </div>
  );
}

function Details({ of, whyNot }: { of: ActionResponse; whyNot: string | null }): ReactElement {
  const { utc } = usePageClock();
  const when = (text: string | null): ReactNode =>
    text === null ? null : formatInstant(Math.floor(Date.parse(text) / 1000) * 1000, utc);
  const facts: readonly (readonly [string, ReactNode])[] = [
    ['State', <Standing status={of.status} />],
    ['Action', <Value text={`${of.action}, version ${of.version}`} />],
    [
      'Alert',
      <PageLink page="alert" search={{ id: of.fingerprint }}>
        <Value text={of.labels[ALERT_NAME] ?? of.fingerprint} />
      </PageLink>,
    ],
    ['Labels', <LabelSet labels={of.labels} />],
    ['Because it is', of.step],
    ['Since', when(of.created)],
    ['Begun', when(of.started)],
    ['Ended', when(of.ended)],
    ['Decided by', of.decided_by === '' ? null : <Value text={of.decided_by} />],
    ['What came of it', of.outcome === '' ? null : <Value text={of.outcome} mono />],
  ];
  return (
    <div className={styles.stack}>
      <dl className={styles.facts}>
        {facts
          .filter(([, value]) => value !== null)
          .map(([name, value]) => [<dt key={`${name}?`}>{name}</dt>, <dd key={name}>{value}</dd>])}
      </dl>
      <section aria-label="Evidence from before">
        <h2>Evidence from before</h2>
        {of.evidence.length === 0 ? (
          <p className="dim">None was asked for, or it was not done yet.</p>
        ) : (
          <ul className={styles.evidence}>
            {of.evidence.map(({ query, answer, at }) => (
              <li key={`${at} ${query}`}>
                <p>
                  <Expression text={query} /> <span className="dim">{when(at)}</span>
                </p>
                <p>
                  <Value text={answer} mono />
                </p>
              </li>
            ))}
          </ul>
        )}
      </section>
      {of.status === 'waiting' ? <Decide of={of} whyNot={whyNot} /> : null}
    </div>
  );
}

/** What waits for approval first, then the newest. */
function sorted(all: readonly ActionResponse[], wanted: string): ActionResponse[] {
  const holds = holdsWords(wanted);
  const text = (one: ActionResponse): string =>
    `${one.action} ${LOOKS[one.status][1]} ${one.status} ${one.outcome} ${Object.entries(one.labels).join(' ')}`;
  const waits = (one: ActionResponse): number => (one.status === 'waiting' ? 0 : 1);
  return all
    .filter((one) => holds(text(one)))
    .sort((a, b) => waits(a) - waits(b) || Date.parse(b.created) - Date.parse(a.created));
}

const COLUMNS: readonly TableColumn<ActionResponse>[] = [
  {
    id: 'state',
    title: 'state',
    chars: 20,
    least: 20,
    value: ({ status }) => status,
    cell: ({ status }) => <Standing status={status} />,
  },
  {
    id: 'action',
    title: 'action',
    chars: 20,
    least: 12,
    value: ({ action }) => action,
    cell: ({ action }) => <Value text={action} />,
  },
  {
    id: 'alert',
    title: 'alert',
    chars: 34,
    least: 18,
    value: ({ labels }) => labels[ALERT_NAME] ?? '',
    cell: ({ labels, step }) => (
      <span>
        <Value text={labels[ALERT_NAME] ?? 'an alert'} /> <span className="dim">{step}</span>
      </span>
    ),
  },
  {
    id: 'outcome',
    title: 'what came of it',
    chars: 40,
    least: 16,
    value: ({ outcome }) => outcome,
    cell: ({ outcome }) => (outcome === '' ? <NoValue /> : <Value text={outcome} />),
  },
  {
    id: 'by',
    title: 'decided by',
    value: ({ decided_by: by }) => by,
    cell: ({ decided_by: by }) => (by === '' ? <NoValue /> : <Value text={by} />),
  },
  {
    id: 'created',
    title: 'since',
    kind: 'number',
    chars: 12,
    value: ({ created }) => Date.parse(created),
    cell: ({ created }) => <Ago at={created} />,
  },
];

/** What was, is or waits to be done, each with its evidence. */
export function Responses(props: {
  all: readonly ActionResponse[];
  words: string;
  whyNot: string | null;
}): ReactElement {
  const { all, words, whyNot } = props;
  const { search, setOwn } = useAddress();
  const rows = useMemo(() => sorted(all, words), [all, words]);
  const opened = all.find(({ id }) => id === search.response);
  return (
    <>
      <section className="panel card">
        <DataTable
          label="Responses"
          tall
          columns={COLUMNS}
          rows={rows}
          total={all.length}
          rowKey={({ id }) => id}
          onOpen={({ id }) => setOwn({ response: id })}
          empty={
            all.length === 0 ? (
              <EmptyState reason="none-yet" title="Nothing was done by itself yet">
                Actions answer what happens to alerts. What they did, with what was measured before, and what
                waits for somebody to approve it, stands here.
              </EmptyState>
            ) : (
              <EmptyState reason="filtered" title="No response fits these words" />
            )
          }
        />
      </section>
      <Drawer
        open={opened !== undefined}
        onClose={() => setOwn({ response: undefined })}
        title={opened ? <Value text={opened.action} /> : ''}
      >
        {opened ? <Details key={opened.id} of={opened} whyNot={whyNot} /> : null}
      </Drawer>
    </>
  );
}
