import { useDebouncedValue } from '@mantine/hooks';
import { useMemo, useState, type ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import type { AlertView } from '../api/alerts';
import { faultsOf } from '../api/faults';
import {
  dependencies,
  dropDependency,
  previewDependency,
  putDependency,
  type Dependency,
  type DependencyDocument,
} from '../api/holds';
import type { SilenceMatcher } from '../api/alerting';
import { useAsked } from '../api/useAsked';
import { Definitions, type FormEnds } from '../definitions/Definitions';
import { EmptyState } from '../design/EmptyState';
import { MultiChoiceField, TextField } from '../design/fields';
import { holdsWords, labelNames } from '../design/filter';
import { NoValue } from '../design/NoValue';
import { Note } from '../design/parts';
import type { TableColumn } from '../design/table/columns';
import { Value } from '../design/Value';
import { FilteredList } from '../page/FilteredList';
import { DeedForm } from '../session/DeedForm';
import { useDeed } from '../session/useDeed';
import { Hides } from '../silences/Hides';
import { Matchers } from '../silences/Matchers';
import { faultOf, readTexts, writeTexts } from '../silences/matchers';
import { HoldVersions } from './HoldVersions';
import { Texts } from '../silences/Texts';
import styles from './maintenance.module.css';

const NONE: readonly Dependency[] = [];
const BLANK: readonly SilenceMatcher[] = [{ name: 'alertname', op: '=', value: '' }];
const FIELDS = ['parent', 'child', 'equal', 'reason'] as const;

/** Makes or changes a dependency. Mounted when it opens. */
function DependencyForm(
  props: {
    /** Null for a new one. */
    kept: Dependency | null;
    known: readonly AlertView[];
  } & FormEnds,
): ReactElement {
  const { kept, known, onDone, onCancel } = props;
  const { tenant } = useAddress();
  const parents = readTexts(kept?.parent ?? []);
  const children = readTexts(kept?.child ?? []);
  const [name, setName] = useState(kept?.name ?? '');
  const [parent, setParent] = useState(kept === null ? BLANK : parents.matchers);
  const [child, setChild] = useState(kept === null ? BLANK : children.matchers);
  const [equal, setEqual] = useState<readonly string[]>(kept?.equal ?? []);
  const [reason, setReason] = useState(kept?.reason ?? '');
  const deed = useDeed();
  const document: DependencyDocument = {
    parent: [...writeTexts(parent), ...parents.rest],
    child: [...writeTexts(child), ...children.rest],
    equal,
    reason: reason.trim(),
  };
  const names = labelNames(known);
  const unfit = (list: readonly SilenceMatcher[], rest: readonly string[]): string | null =>
    rest.length > 0 && list.length === 0 ? null : faultOf(list);
  const whole = unfit(parent, parents.rest) === null && unfit(child, children.rest) === null;
  const [settled] = useDebouncedValue(document, 300);
  const preview = useAsked({
    key: ['dependency preview', whole ? JSON.stringify(settled) : ''],
    ask: (asking) =>
      whole
        ? previewDependency(settled, asking)
        : Promise.resolve({ parents: [], children: [], held_back: [], labels: {} }),
    keep: true,
    retry: false,
  });
  const said = faultsOf(deed.error ?? (whole ? preview.error : null));
  const rest = said.rest(...FIELDS);
  const found = whole && !preview.error ? preview.data : undefined;
  const left = [...parents.rest, ...children.rest];
  const send = async (): Promise<void> => {
    const wanted = { ...document, version: kept?.version ?? 0 };
    if (await deed.run(() => putDependency(name.trim(), wanted, { tenant }))) onDone();
  };
  return (
    <DeedForm
      deed={deed}
      action={kept === null ? 'Make the dependency' : 'Change the dependency'}
      ready={whole && name.trim() !== ''}
      fault={rest}
      send={send}
      onCancel={onCancel}
    >
      {kept === null ? (
        <TextField
          label="Name"
          required
          placeholder="routers"
          value={name}
          onChange={deed.edit(setName)}
          data-autofocus
        />
      ) : null}
      <Matchers
        title="While these fire"
        names={names}
        matchers={parent}
        error={said.at('parent')}
        onChange={deed.edit(setParent)}
      />
      <Matchers
        title="nobody is told of these"
        names={names}
        matchers={child}
        error={said.at('child')}
        onChange={deed.edit(setChild)}
      />
      <MultiChoiceField
        label="Where both share"
        hint="Labels whose values are the same in both, as the site of a router and of what is behind it"
        error={said.at('equal')}
        free
        options={names.map((value) => ({ value }))}
        values={equal}
        onChange={deed.edit(setEqual)}
      />
      {left.length > 0 ? (
        <Note level="info">
          These stay as they are: <code>{left.join(', ')}</code>
        </Note>
      ) : null}
      {found ? (
        <>
          <p className="dim">
            Of the alerts that there are now {found.parents.length} would hold back, {found.children.length}{' '}
            depend on others.
          </p>
          <Hides
            fingerprints={found.held_back}
            labels={found.labels}
            none="No alert that there is now would be held back."
            some="that there are now would be held back:"
          />
        </>
      ) : whole ? null : (
        <p className="dim">{unfit(parent, parents.rest) ?? unfit(child, children.rest)}</p>
      )}
      <TextField
        label="Reason"
        placeholder="Services are reached through the router of their site"
        error={said.at('reason')}
        value={reason}
        onChange={deed.edit(setReason)}
      />
    </DeedForm>
  );
}

const COLUMNS: readonly TableColumn<Dependency>[] = [
  {
    id: 'name',
    title: 'name',
    chars: 20,
    least: 12,
    value: ({ name }) => name,
    cell: ({ name }) => <Value text={name} />,
  },
  {
    id: 'parent',
    title: 'while these fire',
    chars: 32,
    least: 16,
    value: ({ parent }) => parent.join(', '),
    cell: ({ parent }) => <Texts texts={parent} />,
  },
  {
    id: 'child',
    title: 'nobody is told of',
    chars: 32,
    least: 16,
    value: ({ child }) => child.join(', '),
    cell: ({ child }) => <Texts texts={child} />,
  },
  {
    id: 'equal',
    title: 'both share',
    chars: 14,
    value: ({ equal }) => equal.join(', '),
    cell: ({ equal }) =>
      equal.length === 0 ? <span className="dim">nothing</span> : <Value text={equal.join(', ')} />,
  },
  {
    id: 'reason',
    title: 'reason',
    chars: 26,
    least: 12,
    value: ({ reason }) => reason,
    cell: ({ reason }) => (reason === '' ? <NoValue /> : <Value text={reason} />),
  },
  { id: 'by', title: 'by', optional: true, value: ({ by }) => by, cell: ({ by }) => <Value text={by} /> },
];

/** What depends on what: while the one fails nobody is told of the other. */
export function Dependencies(props: {
  known: readonly AlertView[];
  refreshMs: number;
  whyNot: string | null;
  create: ReactElement;
}): ReactElement {
  const { known, refreshMs, whyNot, create } = props;
  const { search, tenant } = useAddress();
  const answer = useAsked({ key: ['dependencies'], ask: dependencies, refreshMs });
  const all = answer.data?.data;
  const wanted = search.filter ?? '';
  const rows = useMemo(() => {
    const holds = holdsWords(wanted);
    return (all ?? NONE).filter((one) =>
      holds([one.name, one.reason, one.by, ...one.parent, ...one.child].join(' ')),
    );
  }, [all, wanted]);
  return (
    <FilteredList
      what="dependencies"
      placeholder="Name, label, reason, or person"
      answer={answer}
      className={styles.stack}
    >
      <Definitions
        label="Dependencies"
        one="dependency"
        title="dependency"
        all={all}
        rows={rows}
        columns={COLUMNS}
        none={
          <EmptyState reason="none-yet" title="Nothing depends on anything yet" actions={create}>
            When a router fails, what is behind it is not worth a page each: while the alerts of the one fire,
            nobody is told of those of the other.
          </EmptyState>
        }
        whyNot={whyNot}
        form={(kept, ends) => <DependencyForm key={kept?.name ?? ''} kept={kept} known={known} {...ends} />}
        versions={(name) => (
          <HoldVersions kind="dependencies" name={name} whyNot={whyNot} put={putDependency} />
        )}
        drop={(name) => dropDependency(name, { tenant })}
        lost={() => 'what it holds back now is told, where it still fires. Its versions are kept.'}
      />
    </FilteredList>
  );
}
