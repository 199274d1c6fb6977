import clsx from 'clsx';
import { useMemo, useState, type ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import { testReceiver, type Receiver, type Trial } from '../api/receivers';
import { Ago } from '../alerts/parts';
import { Button } from '../design/Button';
import { EmptyState } from '../design/EmptyState';
import { NoValue } from '../design/NoValue';
import { Note } from '../design/parts';
import { StatusChip } from '../design/StatusChip';
import type { TableColumn } from '../design/table/columns';
import { DataTable } from '../design/table/DataTable';
import { Value } from '../design/Value';
import { useDeed } from '../session/useDeed';
import { rowsOf, statusOf, wordOf, type ReceiverRow } from './receivers';
import styles from './receivers.module.css';

/** What came of the last test. */
function Results({ receiver, results }: { receiver: string; results: readonly Trial[] }): ReactElement {
  return (
    <section
      className={clsx('panel card', styles.broken)}
      aria-label="What came of the test"
      aria-live="polite"
    >
      <header>
        <h2>
          The test of <Value text={receiver} />
        </h2>
      </header>
      <ul className={styles.results}>
        {results.map(({ integration, sent, answer, took_ms: took }) => (
          <li key={integration}>
            <StatusChip status={sent ? 'ok' : 'critical'}>{sent ? 'delivered' : 'not delivered'}</StatusChip>
            <Value text={integration} mono />
            <span className="dim">after {took} ms:</span>
            {answer === '' ? <span className="dim">no words</span> : <Value text={answer} />}
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Who is told, how that goes, and a test of each. */
export function ReceiverTable(props: {
  receivers: readonly Receiver[];
  words: string;
  /** Why none may be tested; null where they may. */
  whyNot: string | null;
}): ReactElement {
  const { receivers, words, whyNot } = props;
  const { tenant } = useAddress();
  const { busy, error, run } = useDeed();
  const [tested, setTested] = useState<{ receiver: string; results: readonly Trial[] } | null>(null);
  const rows = useMemo(() => rowsOf(receivers, words), [receivers, words]);
  const columns = useMemo<readonly TableColumn<ReceiverRow>[]>(() => {
    const test = async ({ receiver, integration }: ReceiverRow): Promise<void> => {
      setTested(null);
      const found = await run(() => testReceiver(receiver, integration?.name ?? null, { tenant }));
      if (found) setTested({ receiver, results: found.done.results });
    };
    return [
      {
        id: 'state',
        title: 'state',
        chars: 16,
        value: ({ integration }) => wordOf(integration),
        cell: ({ integration }) => (
          <StatusChip status={statusOf(integration)}>{wordOf(integration)}</StatusChip>
        ),
      },
      {
        id: 'receiver',
        title: 'receiver',
        chars: 24,
        least: 14,
        value: ({ receiver }) => receiver,
        cell: ({ receiver }) => <Value text={receiver} />,
      },
      {
        id: 'integration',
        title: 'by',
        chars: 16,
        least: 10,
        value: ({ integration }) => integration?.name ?? null,
      },
      {
        id: 'told',
        title: 'last delivered',
        kind: 'number',
        chars: 14,
        value: ({ integration }) => (integration?.told_at ? Date.parse(integration.told_at) : null),
        cell: ({ integration }) => (integration?.told_at ? <Ago at={integration.told_at} /> : <NoValue />),
      },
      {
        id: 'answer',
        title: 'what holds it up',
        chars: 40,
        least: 16,
        value: ({ integration }) => integration?.error ?? '',
        cell: ({ integration }) =>
          integration === null || integration.error === '' ? (
            <NoValue />
          ) : (
            <span className={styles.name}>
              <span className={styles.fault} title={integration.error}>
                <Value text={integration.error} />
              </span>
              {integration.tried_at ? (
                <span className="dim">
                  <Ago at={integration.tried_at} />
                </span>
              ) : null}
            </span>
          ),
      },
      {
        id: 'owed',
        title: 'owed',
        kind: 'number',
        value: ({ integration }) => integration?.owed ?? null,
      },
      {
        id: 'dead',
        title: 'not delivered',
        kind: 'number',
        value: ({ integration }) => integration?.dead ?? null,
      },
      {
        id: 'resolved',
        title: 'told when over',
        value: ({ integration }) => (integration ? (integration.send_resolved ? 'yes' : 'no') : null),
        optional: true,
      },
      {
        id: 'deeds',
        title: '',
        chars: 8,
        value: () => null,
        cell: (row) =>
          row.integration === null ? null : (
            <Button
              className="button quiet"
              aria-label={`Test ${row.receiver} ${row.integration.name}`}
              whyNot={whyNot}
              disabled={busy}
              title="Send a message that says that it is a test"
              onClick={() => void test(row)}
            >
              Test
            </Button>
          ),
      },
    ];
  }, [tenant, whyNot, busy, run]);
  return (
    <>
      {error ? <Note level="bad">The test was not made: {error.message}</Note> : null}
      {tested ? <Results receiver={tested.receiver} results={tested.results} /> : null}
      <section className="panel card">
        <DataTable
          label="Receivers"
          tall
          columns={columns}
          rows={rows}
          total={rowsOf(receivers, '').length}
          rowKey={({ key }) => key}
          empty={
            receivers.length === 0 ? (
              <EmptyState reason="none-yet" title="Nobody is told">
                Name receivers and routes in an alertmanager.yml: under Configuration here, or start Pharos
                with one.
              </EmptyState>
            ) : (
              <EmptyState reason="filtered" title="No receiver fits these words" />
            )
          }
        />
      </section>
    </>
  );
}
