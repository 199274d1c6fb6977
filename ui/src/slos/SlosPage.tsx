import { useMemo, type ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import { PageLink } from '../address/PageLink';
import { dropSlo, putSlo, slos, sloVersions, type Slo } from '../api/slos';
import { useAsked } from '../api/useAsked';
import { Button } from '../design/Button';
import { Drawer } from '../design/Drawer';
import { EmptyState } from '../design/EmptyState';
import { holdsWords } from '../design/filter';
import { formatThings } from '../design/format';
import { Note } from '../design/parts';
import type { TableColumn } from '../design/table/columns';
import { DataTable } from '../design/table/DataTable';
import { Value } from '../design/Value';
import { History, written } from '../history/History';
import { FilteredList } from '../page/FilteredList';
import { Body, Page, PageHead } from '../page/Page';
import { TimeControls } from '../page/TimeControls';
import { ConfirmDeed } from '../session/ConfirmDeed';
import { whyNot } from '../session/lacking';
import { useMay } from '../session/session';
import { budgetColumns, StandChip } from './parts';
import { percent, STANDS, standOf } from './slo';
import { SloForm } from './SloForm';
import { SloReportView } from './SloReportView';
import styles from './slos.module.css';

const NONE: readonly Slo[] = [];

const COLUMNS: readonly TableColumn<Slo>[] = [
  {
    id: 'name',
    title: 'objective',
    chars: 30,
    least: 18,
    value: ({ service, name }) => `${service} ${name}`,
    cell: (slo) => (
      <PageLink page="slo" search={{ slo: slo.id }} className={styles.name}>
        <Value text={slo.name} />
        <small className="dim">
          <Value text={slo.service === '' ? slo.language : slo.service} />
        </small>
      </PageLink>
    ),
  },
  {
    id: 'state',
    title: 'state',
    chars: 15,
    value: (slo) => STANDS[standOf(slo)] ?? '',
    cell: (slo) => <StandChip slo={slo} />,
  },
  ...budgetColumns<Slo>(({ name }) => name),
  {
    id: 'target',
    title: 'target',
    kind: 'number',
    value: ({ target_percent: target }) => target,
    cell: ({ target_percent: target, window }) => `${target} % / ${window}`,
    chars: 14,
  },
  {
    id: 'coverage',
    title: 'measured',
    kind: 'number',
    value: ({ coverage }) => coverage,
    cell: ({ coverage }) => percent(coverage),
    chars: 8,
  },
];

/** All objectives, those with the least budget left first; one of them by the address. */
export default function SlosPage(): ReactElement {
  const { search } = useAddress();
  return search.slo === undefined ? <SloList /> : <OneSlo id={search.slo} />;
}

function useDefinitions(): { why: string | null; close: () => void } {
  const { setOwn } = useAddress();
  const may = useMay();
  return {
    why: whyNot(may, 'alerts.configure', 'Objectives are changed'),
    close: () => setOwn({ new: undefined, edit: undefined, history: undefined, drop: undefined }),
  };
}

function SloList(): ReactElement {
  const { search, refreshMs, setOwn } = useAddress();
  const { why, close } = useDefinitions();
  const answer = useAsked({ key: ['slos'], ask: slos, refreshMs });
  const all = answer.data?.data;
  const wanted = search.filter ?? '';
  const rows = useMemo(() => {
    const holds = holdsWords(wanted);
    return (all ?? NONE).filter((one) =>
      holds(
        [one.name, one.service, one.description, STANDS[standOf(one)], ...Object.values(one.labels)].join(
          ' ',
        ),
      ),
    );
  }, [all, wanted]);
  const create = (
    <Button className="button primary" whyNot={why} onClick={() => setOwn({ new: '' })}>
      New objective
    </Button>
  );
  const spent = (all ?? NONE).filter((one) => standOf(one) === 'critical').length;
  return (
    <Page>
      <PageHead
        title="SLOs"
        about={
          all === undefined
            ? null
            : `${formatThings(all.length, 'objective')}${spent === 0 ? '' : `, ${spent} without budget`}`
        }
        actions={create}
        time={<TimeControls busy={answer.isFetching} onNow={() => void answer.refetch()} />}
      />
      <Body>
        <FilteredList
          what="objectives"
          placeholder="Name, service, state, or label"
          answer={answer}
          className={styles.stack}
        >
          {all === undefined ? null : (
            <section className="panel card">
              <DataTable
                label="Objectives"
                tall
                columns={COLUMNS}
                rows={rows}
                total={all.length}
                rowKey={({ id }) => id}
                onOpen={({ id }) => setOwn({ slo: id })}
                empty={
                  all.length === 0 ? (
                    <EmptyState reason="none-yet" title="There is no objective yet" actions={create}>
                      An objective says how good a service has to be: 99.9 % of requests without an error, in
                      30 days. What may be bad is its budget, and alerts tell when it goes too fast. Files of
                      OpenSLO, Sloth and Pyrra are read by the setting <code>slos</code>.
                    </EmptyState>
                  ) : (
                    <EmptyState reason="filtered" title="No objective fits these words" />
                  )
                }
              />
            </section>
          )}
        </FilteredList>
      </Body>
      <Drawer open={search.new !== undefined} onClose={close} title="New objective" wide>
        {why === null ? (
          <SloForm kept={null} onDone={close} onCancel={close} />
        ) : (
          <Note level="info">{why}</Note>
        )}
      </Drawer>
    </Page>
  );
}

function OneSlo({ id }: { id: string }): ReactElement {
  const { search, refreshMs, setOwn, tenant } = useAddress();
  const { why, close } = useDefinitions();
  const answer = useAsked({ key: ['slos'], ask: slos, refreshMs });
  const slo = answer.data?.data.find((one) => one.id === id);
  const isKept = slo?.version !== null && slo !== undefined;
  const versions = useAsked({
    key: ['slo definition', slo?.name, slo?.version],
    ask: async (asking) => (slo === undefined ? [] : (await sloVersions(slo.name, asking)).data),
    enabled: isKept && search.edit !== undefined,
  });
  const newest = versions.data?.[0];
  const deeds = isKept ? (
    <>
      {(['edit', 'history', 'drop'] as const).map((deed) => (
        <Button key={deed} whyNot={deed === 'history' ? null : why} onClick={() => setOwn({ [deed]: '' })}>
          {{ edit: 'Change', history: 'Versions', drop: 'Delete' }[deed]}
        </Button>
      ))}
    </>
  ) : null;
  return (
    <Page>
      <PageHead
        title={slo?.name ?? id}
        breadcrumb={[{ name: 'SLOs', page: 'slo', search: {} }]}
        about={slo === undefined ? null : <StandChip slo={slo} />}
        actions={deeds}
        time={<TimeControls busy={answer.isFetching} onNow={() => void answer.refetch()} />}
      />
      <Body>
        {answer.data !== undefined && slo === undefined ? (
          <EmptyState
            reason="no-such"
            title={`There is no objective ${id}`}
            actions={
              <PageLink page="slo" search={{}} className="button">
                All objectives
              </PageLink>
            }
          />
        ) : (
          <SloReportView id={id} refreshMs={refreshMs} />
        )}
      </Body>
      <Drawer open={search.edit !== undefined && isKept} onClose={close} title="Change the objective" wide>
        {why !== null ? (
          <Note level="info">{why}</Note>
        ) : newest?.definition ? (
          <SloForm
            key={newest.version}
            kept={{ name: newest.name, version: newest.version, definition: newest.definition }}
            onDone={close}
            onCancel={close}
          />
        ) : null}
      </Drawer>
      <Drawer open={search.history !== undefined && isKept} onClose={close} title="Versions">
        {slo === undefined || search.history === undefined ? null : (
          <History
            id={['slo', slo.name]}
            ask={async (asking) =>
              (await sloVersions(slo.name, asking)).data.map((one) => ({
                ...one,
                text: written(one.definition),
              }))
            }
            whyNot={why}
            restore={async (version, current, reason) => {
              const found = (await sloVersions(slo.name, { tenant })).data.find(
                (one) => one.version === version,
              );
              return putSlo(
                slo.name,
                { definition: found?.definition ?? {}, version: current, reason },
                { tenant },
              );
            }}
          />
        )}
      </Drawer>
      {search.drop === undefined || slo === undefined ? null : (
        <ConfirmDeed
          title="Delete this objective?"
          action="Delete the objective"
          said="The objective is gone"
          run={async () => {
            await dropSlo(slo.name, { tenant });
            setOwn({ slo: undefined, drop: undefined });
          }}
          onClose={close}
        >
          <p>
            <Value text={slo.name} /> is watched no more, and its alerts end. What was recorded of it and its
            versions are kept.
          </p>
        </ConfirmDeed>
      )}
    </Page>
  );
}
