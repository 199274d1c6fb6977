import { useMemo, type ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import type { AlertView } from '../api/alerts';
import type { Version } from '../api/oncall';
import { actionVersions, dropAction, putAction, type ActionDocument } from '../api/responses';
import { Definitions } from '../definitions/Definitions';
import { EmptyState } from '../design/EmptyState';
import { holdsWords } from '../design/filter';
import { StatusChip } from '../design/StatusChip';
import type { TableColumn } from '../design/table/columns';
import { Value } from '../design/Value';
import { History, written } from '../history/History';
import { Texts } from '../silences/Texts';
import { ActionForm } from './ActionForm';
import { sayAction } from './draft';

function of({ document }: Version): ActionDocument {
  return document as unknown as ActionDocument;
}

function Versions({ name, whyNot }: { name: string; whyNot: string | null }): ReactElement {
  const { tenant } = useAddress();
  return (
    <History
      id={['actions', name]}
      ask={async (asking) =>
        (await actionVersions(name, asking)).data.map((one) => ({ ...one, text: written(one.document) }))
      }
      whyNot={whyNot}
      restore={async (version, current, reason) => {
        const all = (await actionVersions(name, { tenant })).data;
        const found = all.find((one) => one.version === version);
        return putAction(name, { action: found ? of(found) : {}, version: current, reason }, { tenant });
      }}
    />
  );
}

const COLUMNS: readonly TableColumn<Version>[] = [
  {
    id: 'state',
    title: 'state',
    chars: 14,
    value: (one) => String(of(one).enabled ?? true),
    cell: (one) =>
      of(one).enabled === false ? (
        <StatusChip status="muted">off</StatusChip>
      ) : of(one).dry_run ? (
        <StatusChip status="unknown">dry run</StatusChip>
      ) : of(one).approval ? (
        <StatusChip status="pending">asks first</StatusChip>
      ) : (
        <StatusChip status="ok">in force</StatusChip>
      ),
  },
  {
    id: 'name',
    title: 'name',
    chars: 18,
    least: 12,
    value: ({ name }) => name,
    cell: ({ name }) => <Value text={name} />,
  },
  {
    id: 'upon',
    title: 'upon alerts with',
    chars: 30,
    least: 16,
    value: (one) => (of(one).matchers ?? []).join(', '),
    cell: (one) => <Texts texts={of(one).matchers ?? []} />,
  },
  {
    id: 'on',
    title: 'when they are',
    chars: 16,
    least: 10,
    value: (one) => (of(one).on ?? ['firing']).join(', '),
    cell: (one) => (of(one).on ?? ['firing']).join(', '),
  },
  {
    id: 'does',
    title: 'does',
    chars: 36,
    least: 16,
    value: (one) => sayAction(of(one)),
    cell: (one) => <Value text={sayAction(of(one))} />,
  },
];

/** The actions there are, and the form of one of them. */
export function Actions(props: {
  all: readonly Version[];
  known: readonly AlertView[] | null;
  words: string;
  whyNot: string | null;
  operates: string | null;
  create: ReactElement;
}): ReactElement {
  const { all, known, words, whyNot, operates, create } = props;
  const { tenant } = useAddress();
  const rows = useMemo(() => {
    const holds = holdsWords(words);
    return all.filter((one) => holds(`${one.name} ${one.by} ${JSON.stringify(one.document)}`));
  }, [all, words]);
  return (
    <Definitions
      label="Actions"
      one="action"
      title="action"
      all={all}
      rows={rows}
      columns={COLUMNS}
      none={
        <EmptyState reason="none-yet" title="Nothing is done by itself yet" actions={create}>
          An action answers what happens to alerts: it calls an address, runs an allowed command, or changes a
          Kubernetes cluster. It may ask somebody first.
        </EmptyState>
      }
      whyNot={whyNot}
      form={(kept, ends) => (
        <ActionForm key={kept?.name ?? ''} kept={kept} known={known} operates={operates} {...ends} />
      )}
      versions={(name) => <Versions name={name} whyNot={whyNot} />}
      drop={(name) => dropAction(name, { tenant })}
      lost={() => 'it answers nothing any more. Its versions and what it did are kept.'}
    />
  );
}
