import { useState, type ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import { letters, type Letter, type Receiver } from '../api/receivers';
import { useAsked } from '../api/useAsked';
import { Button } from '../design/Button';
import { FilterBar } from '../design/FilterBar';
import { formatCount } from '../design/format';
import { Note, Unreadable } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import { Tabs } from '../design/Tabs';
import { Body, Page, PageHead } from '../page/Page';
import { TimeControls } from '../page/TimeControls';
import { useMay } from '../session/session';
import { whyNot } from '../session/lacking';
import { AddReceiver } from './AddReceiver';
import { Configuration } from './Configuration';
import { Letters } from './Letters';
import { ReceiverTable } from './ReceiverTable';
import { Routing } from './Routing';
import styles from './receivers.module.css';
import { useReceivers } from './useReceivers';

const NO_RECEIVERS: readonly Receiver[] = [];
const NO_LETTERS: readonly Letter[] = [];
const VIEWS = ['receivers', 'routing', 'configuration'] as const;

/** How delivery goes, in a few words. */
function aboutOf(dead: number, owed: number): string {
  const parts = [
    ...(dead > 0 ? [`${formatCount(dead)} not delivered`] : []),
    ...(owed > 0 ? [`${formatCount(owed)} owed`] : []),
  ];
  return parts.length === 0 ? 'nothing is owed' : parts.join(', ');
}

export default function ReceiversPage(): ReactElement {
  const { search, refreshMs, setOwn } = useAddress();
  const may = useMay();
  const answer = useReceivers(refreshMs);
  const owed = useAsked({ key: ['letters'], ask: letters, refreshMs });
  const why = whyNot(may, 'alerts.configure', 'Receivers are changed and tested');
  const [isAdding, setAdding] = useState(false);
  const view = VIEWS.find((one) => one === search.view) ?? 'receivers';
  const all = answer.data?.data.receivers ?? NO_RECEIVERS;
  const waiting = owed.data?.data.letters ?? NO_LETTERS;
  const dead = waiting.filter(({ state }) => state === 'dead').length;
  const words = search.filter ?? '';
  const isNobodyTold =
    answer.data !== undefined && all.every(({ integrations }) => integrations.length === 0);
  const list = (
    <div className={styles.stack}>
      <FilterBar
        label="Filter receivers"
        placeholder="Name, or what failed"
        words={words}
        onWords={(next) => setOwn({ filter: next || undefined }, true)}
      />
      <Unreadable what="The receivers" error={answer.error} asOfMs={answer.dataUpdatedAt} />
      {isNobodyTold ? (
        <Note level="warn">
          Nobody is told of alerts yet.{' '}
          <Button whyNot={why} onClick={() => setAdding(true)}>
            Add a receiver
          </Button>
        </Note>
      ) : null}
      {answer.isPending ? <Skeleton kind="table" label="The receivers" rows={4} /> : null}
      {answer.data ? <ReceiverTable receivers={all} words={words} whyNot={why} /> : null}
      <Unreadable what="The messages that are owed" error={owed.error} asOfMs={owed.dataUpdatedAt} />
      {owed.data ? <Letters letters={waiting} count={owed.data.data.count} whyNot={why} /> : null}
    </div>
  );
  return (
    <Page>
      <PageHead
        title="Receivers"
        about={owed.data && !isNobodyTold ? aboutOf(dead, waiting.length - dead) : null}
        time={
          <TimeControls
            busy={answer.isFetching || owed.isFetching}
            onNow={() => {
              void answer.refetch();
              void owed.refetch();
            }}
          />
        }
      />
      <Body>
        <Tabs
          label="Parts"
          value={view}
          onChange={(id) => setOwn({ view: id === 'receivers' ? undefined : id }, true)}
          tabs={[
            { id: 'receivers', label: 'Receivers', count: all.length, content: list },
            { id: 'routing', label: 'Routing', content: <Routing /> },
            { id: 'configuration', label: 'Configuration', content: <Configuration whyNot={why} /> },
          ]}
        />
      </Body>
      {isAdding ? <AddReceiver onClose={() => setAdding(false)} /> : null}
    </Page>
  );
}
