import { useMemo, useState, type ReactElement } from 'react';
import type { Search } from '../address/context';
import { useAddress } from '../address/hooks';
import { expireSilence, silences, type Silence } from '../api/alerting';
import { useAsked } from '../api/useAsked';
import type { AlertView } from '../api/alerts';
import { Button } from '../design/Button';
import { Drawer } from '../design/Drawer';
import { EmptyState } from '../design/EmptyState';
import { holdsWords } from '../design/filter';
import { formatInstant, formatSeconds } from '../design/format';
import { useNow, usePageClock } from '../design/hooks';
import type { Status } from '../design/status';
import { StatusChip } from '../design/StatusChip';
import type { TableColumn } from '../design/table/columns';
import { DataTable } from '../design/table/DataTable';
import { toasts } from '../design/toasts';
import { Value } from '../design/Value';
import { FilteredList } from '../page/FilteredList';
import { ConfirmDeed } from '../session/ConfirmDeed';
import { readMatchers, writeMatchers } from './matchers';
import { SilenceForm, type Draft } from './SilenceForm';
import styles from './silences.module.css';

const NONE: readonly Silence[] = [];
const STATUS: Readonly<Record<Silence['state'], Status>> = {
  active: 'muted',
  pending: 'pending',
  expired: 'no-data',
};
const ORDER: readonly Silence['state'][] = ['active', 'pending', 'expired'];

function wordsOf({ matchers, created_by: by, comment }: Silence): string {
  return `${writeMatchers(matchers)} ${by} ${comment}`;
}

/** The silences that hold every word: those in force first, of them those that end soonest; ended ones newest first. */
function sorted(all: readonly Silence[], wanted: string): Silence[] {
  const holds = holdsWords(wanted);
  return all
    .filter((one) => holds(wordsOf(one)))
    .sort((a, b) => {
      const by = ORDER.indexOf(a.state) - ORDER.indexOf(b.state);
      const ends = Date.parse(a.ends) - Date.parse(b.ends);
      return by || (a.state === 'expired' ? -ends : ends);
    });
}

function MatcherChips({ silence }: { silence: Silence }): ReactElement {
  return (
    <span className={styles.chips}>
      {silence.matchers.map(({ name, op, value }) => (
        <span className={styles.chip} key={`${name}${op}${value}`}>
          <Value text={name} />
          {op}
          <Value text={value} />
        </span>
      ))}
    </span>
  );
}

function Ends({ silence }: { silence: Silence }): ReactElement {
  const now = useNow(10_000);
  const { utc } = usePageClock();
  const endsMs = Date.parse(silence.ends);
  const startsMs = Date.parse(silence.starts);
  const text =
    silence.state === 'pending'
      ? `begins in ${formatSeconds(Math.max(0, Math.round((startsMs - now) / 1000)))}`
      : silence.state === 'active'
        ? `in ${formatSeconds(Math.max(0, Math.round((endsMs - now) / 1000)))}`
        : formatInstant(Math.floor(endsMs / 60_000) * 60_000, utc);
  return <span title={formatInstant(Math.floor(endsMs / 1000) * 1000, utc)}>{text}</span>;
}

/** What the form begins with, by the address: a silence to change, matchers to begin with, or nothing. */
function draftOf(search: Search, all: readonly Silence[]): Draft | null {
  if (search.edit !== undefined) {
    const found = all.find(({ id }) => id === search.edit);
    if (found)
      return {
        ...(found.state === 'expired' ? {} : { id: found.id }),
        matchers: found.matchers,
        comment: found.comment,
        endsMs: found.state === 'expired' ? null : Date.parse(found.ends),
      };
  }
  if (search.new === undefined) return null;
  const matchers = readMatchers(search.new);
  return {
    matchers: matchers.length > 0 ? matchers : [{ name: 'alertname', op: '=', value: '' }],
    comment: '',
    endsMs: null,
  };
}

/** Silences: those in force, to come and over. */
export function SilenceList(props: {
  known: readonly AlertView[];
  refreshMs: number;
  whyNot: string | null;
  create: ReactElement;
}): ReactElement {
  const { known, refreshMs, whyNot, create } = props;
  const { search, tenant, setOwn } = useAddress();
  const [ending, setEnding] = useState<Silence | null>(null);
  const answer = useAsked({ key: ['silences'], ask: silences, refreshMs });
  const all = answer.data?.data.silences;
  const rows = useMemo(() => sorted(all ?? NONE, search.filter ?? ''), [all, search.filter]);
  const draft = draftOf(search, all ?? NONE);
  const close = (): void => setOwn({ new: undefined, edit: undefined });
  const columns = useMemo<readonly TableColumn<Silence>[]>(
    () => [
      {
        id: 'state',
        title: 'state',
        chars: 12,
        value: ({ state }) => ORDER.indexOf(state),
        cell: ({ state }) => <StatusChip status={STATUS[state]}>{state}</StatusChip>,
      },
      {
        id: 'matchers',
        title: 'alerts with',
        value: ({ matchers }) => writeMatchers(matchers),
        cell: (one) => <MatcherChips silence={one} />,
        chars: 44,
        least: 16,
      },
      {
        id: 'hides',
        title: 'hides',
        kind: 'number',
        value: (one) => (one.state === 'expired' ? null : one.hides),
      },
      {
        id: 'comment',
        title: 'reason',
        value: ({ comment }) => comment,
        cell: ({ comment }) => <Value text={comment} />,
        chars: 30,
        least: 12,
      },
      {
        id: 'by',
        title: 'by',
        value: ({ created_by: by }) => by,
        cell: ({ created_by: by }) => <Value text={by} />,
      },
      {
        id: 'ends',
        title: 'ends',
        chars: 18,
        value: ({ ends }) => Date.parse(ends),
        cell: (one) => <Ends silence={one} />,
      },
      {
        id: 'deeds',
        title: '',
        chars: 18,
        value: () => null,
        cell: (one) => (
          <span className="row">
            <Button className="button quiet" whyNot={whyNot} onClick={() => setOwn({ edit: one.id })}>
              {one.state === 'expired' ? 'Again' : 'Change'}
            </Button>
            {one.state === 'expired' ? null : (
              <Button className="button quiet" whyNot={whyNot} onClick={() => setEnding(one)}>
                End
              </Button>
            )}
          </span>
        ),
      },
    ],
    [setOwn, whyNot],
  );
  return (
    <FilteredList
      what="silences"
      placeholder="Label, reason, or person"
      answer={answer}
      className={styles.stack}
    >
      {all === undefined ? null : (
        <section className="panel card">
          <DataTable
            label="Silences"
            tall
            columns={columns}
            rows={rows}
            total={all.length}
            rowKey={({ id }) => id}
            empty={
              all.length === 0 ? (
                <EmptyState reason="none-yet" title="Nothing is silenced" actions={create}>
                  A silence holds back what is told of alerts that it fits, for a time. They are measured all
                  the same, and when they are over that is told.
                </EmptyState>
              ) : (
                <EmptyState reason="filtered" title="No silence fits these words" />
              )
            }
          />
        </section>
      )}
      <Drawer open={draft !== null} onClose={close} title={draft?.id ? 'Change a silence' : 'New silence'}>
        {draft ? (
          <SilenceForm
            key={`${search.edit ?? ''} ${search.new ?? ''}`}
            draft={draft}
            known={known}
            onCancel={close}
            onDone={() => {
              toasts.show({
                level: 'ok',
                text: draft.id ? 'The silence is changed' : 'The silence is in force',
              });
              close();
            }}
          />
        ) : null}
      </Drawer>
      {ending ? (
        <ConfirmDeed
          title="End this silence?"
          action="End the silence"
          said="The silence has ended"
          run={() => expireSilence(ending.id, { tenant })}
          onClose={() => setEnding(null)}
        >
          <p>Alerts that it holds back are told again at once, where they still fire.</p>
          <MatcherChips silence={ending} />
        </ConfirmDeed>
      ) : null}
    </FilteredList>
  );
}
