import { useMemo, useState, type ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import { PageLink } from '../address/PageLink';
import { discardLetter, replayLetter, type Letter } from '../api/receivers';
import { Ago } from '../alerts/parts';
import { Button } from '../design/Button';
import { formatCount } from '../design/format';
import { Note } from '../design/parts';
import { StatusChip } from '../design/StatusChip';
import type { TableColumn } from '../design/table/columns';
import { DataTable } from '../design/table/DataTable';
import { toasts } from '../design/toasts';
import { Value } from '../design/Value';
import { ConfirmDeed } from '../session/ConfirmDeed';
import { useDeed } from '../session/useDeed';
import { sortLetters } from './receivers';
import styles from './receivers.module.css';

/** Alerts of a letter that are named. */
const NAMED = 3;

function About({ letter }: { letter: Letter }): ReactElement {
  const { alerts, alert_count: count, status } = letter;
  return (
    <span className={styles.name}>
      {alerts.slice(0, NAMED).map(({ fingerprint, labels }) => (
        <PageLink page="alert" search={{ id: fingerprint }} key={fingerprint}>
          <Value text={labels['alertname'] ?? fingerprint} />
        </PageLink>
      ))}
      <span className="dim">
        {status}
        {count > NAMED ? `, ${formatCount(count - NAMED)} more` : ''}
      </span>
    </span>
  );
}

/** What is owed and what could not be delivered, to be sent again or let go of. */
export function Letters(props: {
  letters: readonly Letter[];
  count: number;
  /** Why none may be sent again; null where they may. */
  whyNot: string | null;
}): ReactElement {
  const { letters, count, whyNot } = props;
  const { tenant } = useAddress();
  const [discarding, setDiscarding] = useState<Letter | null>(null);
  const { busy, error, run } = useDeed();
  const rows = useMemo(() => sortLetters(letters), [letters]);
  const columns = useMemo<readonly TableColumn<Letter>[]>(() => {
    const again = async (letter: Letter): Promise<void> => {
      if (await run(() => replayLetter(letter.id, { tenant })))
        toasts.show({ level: 'ok', text: 'The message is tried again now' });
    };
    return [
      {
        id: 'state',
        title: 'state',
        chars: 15,
        value: ({ state }) => state,
        cell: ({ state, tries }) => (
          <StatusChip status={state === 'dead' ? 'critical' : tries > 0 ? 'warning' : 'pending'}>
            {state === 'dead' ? 'not delivered' : 'owed'}
          </StatusChip>
        ),
      },
      {
        id: 'receiver',
        title: 'receiver',
        chars: 20,
        least: 12,
        value: ({ receiver, integration }) => `${receiver} ${integration}`,
        cell: ({ receiver, integration }) => (
          <span className={styles.name}>
            <Value text={receiver} />
            <span className="dim">
              <Value text={integration} />
            </span>
          </span>
        ),
      },
      {
        id: 'alerts',
        title: 'alerts',
        chars: 24,
        least: 14,
        value: ({ alert_count: alerts }) => alerts,
        cell: (letter) => <About letter={letter} />,
      },
      {
        id: 'error',
        title: 'what the other side said',
        chars: 40,
        least: 18,
        value: ({ error: said }) => said,
        cell: ({ error: said }) =>
          said === '' ? (
            <span className="dim">not tried yet</span>
          ) : (
            <span className={styles.fault} title={said}>
              <Value text={said} />
            </span>
          ),
      },
      { id: 'tries', title: 'tries', kind: 'number', value: ({ tries }) => tries },
      {
        id: 'since',
        title: 'since',
        kind: 'number',
        chars: 10,
        value: ({ created_at: at }) => Date.parse(at),
        cell: ({ created_at: at }) => <Ago at={at} />,
      },
      {
        id: 'deeds',
        title: '',
        chars: 26,
        least: 26,
        value: () => null,
        cell: (letter) =>
          letter.state === 'dead' ? (
            <span className="row">
              <Button
                className="button quiet"
                whyNot={whyNot}
                disabled={busy}
                onClick={() => void again(letter)}
              >
                Send again
              </Button>
              <Button className="button quiet" whyNot={whyNot} onClick={() => setDiscarding(letter)}>
                Discard
              </Button>
            </span>
          ) : null,
      },
    ];
  }, [tenant, whyNot, busy, run]);
  return (
    <section className="panel card" aria-label="Messages">
      <header>
        <h2>Owed and not delivered</h2>
      </header>
      {error ? <Note level="bad">{error.message}</Note> : null}
      <DataTable
        label="Messages that are owed"
        tall
        columns={columns}
        rows={rows}
        total={count}
        rowKey={({ id }) => id}
        empty={<p className="dim">Nothing is owed: every message was delivered.</p>}
      />
      {discarding ? (
        <ConfirmDeed
          title="Discard this message?"
          action="Discard"
          said="The message is discarded"
          run={() => discardLetter(discarding.id, { tenant })}
          onClose={() => setDiscarding(null)}
        >
          <p>
            <Value text={discarding.receiver} /> will not be told of it any more. The alerts&rsquo; timelines
            keep that, and who did it.
          </p>
        </ConfirmDeed>
      ) : null}
    </section>
  );
}
