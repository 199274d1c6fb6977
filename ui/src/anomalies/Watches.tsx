import { useMemo, useState, type ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import { anomalyWatches, dropAnomalyWatch, putAnomalyWatch, type AnomalyWatch } from '../api/anomalies';
import { useAsked } from '../api/useAsked';
import { Button } from '../design/Button';
import { Drawer } from '../design/Drawer';
import { EmptyState } from '../design/EmptyState';
import { CheckField, TextField } from '../design/fields';
import { holdsWords } from '../design/filter';
import { Note } from '../design/parts';
import type { TableColumn } from '../design/table/columns';
import { DataTable } from '../design/table/DataTable';
import { toasts } from '../design/toasts';
import { Expression, Value } from '../design/Value';
import { FilteredList } from '../page/FilteredList';
import { ConfirmDeed } from '../session/ConfirmDeed';
import { DeedForm } from '../session/DeedForm';
import { whyNot } from '../session/lacking';
import { useMay } from '../session/session';
import { useDeed } from '../session/useDeed';
import styles from './anomalies.module.css';

const NONE: readonly AnomalyWatch[] = [];

/** Has series watched, or watched otherwise. Mounted when it opens. */
function WatchForm(props: {
  /** Null for a new one. */
  kept: AnomalyWatch | null;
  series: string;
  onClose: () => void;
}): ReactElement {
  const { kept, onClose } = props;
  const { tenant } = useAddress();
  const [name, setName] = useState(kept?.name ?? '');
  const [series, setSeries] = useState(kept?.series ?? props.series);
  const [gaps, setGaps] = useState(kept?.gaps ?? false);
  const [alerts, setAlerts] = useState(kept?.alerts ?? true);
  const deed = useDeed();
  const send = async (): Promise<void> => {
    const wanted = { series: series.trim(), gaps, alerts };
    if (await deed.run(() => putAnomalyWatch(name.trim(), wanted, { tenant }))) {
      toasts.show({ level: 'ok', text: 'The series are watched' });
      onClose();
    }
  };
  return (
    <DeedForm
      deed={deed}
      action={kept === null ? 'Watch them' : 'Change the watch'}
      ready={name.trim() !== '' && series.trim() !== ''}
      send={send}
      onCancel={onClose}
    >
      {kept === null ? (
        <TextField
          label="Name"
          required
          placeholder="queues"
          value={name}
          onChange={deed.edit(setName)}
          data-autofocus
        />
      ) : null}
      <TextField
        label="Series"
        required
        mono
        hint="A selector, or any PromQL: each series of the answer is judged by itself. Of a counter, its rate is."
        placeholder={'queue_depth{job="api"}'}
        value={series}
        onChange={deed.edit(setSeries)}
      />
      <CheckField
        label="Samples that stop coming are an anomaly, too"
        checked={gaps}
        onChange={deed.edit(setGaps)}
      />
      <CheckField label="Alerts are made of what is found" checked={alerts} onChange={deed.edit(setAlerts)} />
    </DeedForm>
  );
}

/** What is watched: by somebody, by the settings, and by itself. */
export function Watches({ refreshMs }: { refreshMs: number }): ReactElement {
  const { search, setOwn, tenant } = useAddress();
  const may = useMay();
  const why = whyNot(may, 'alerts.configure', 'Watches are changed');
  const [dropping, setDropping] = useState<AnomalyWatch | null>(null);
  const answer = useAsked({ key: ['anomaly watches'], ask: anomalyWatches, refreshMs });
  const all = answer.data?.data;
  const wanted = search.filter ?? '';
  const rows = useMemo(() => {
    const holds = holdsWords(wanted);
    // Of what nobody named, only what there is.
    return (all ?? NONE).filter(
      (one) => (one.source !== 'automatic' || one.followed > 0) && holds(`${one.name} ${one.series}`),
    );
  }, [all, wanted]);
  const close = (): void => setOwn({ new: undefined, edit: undefined });
  const edited = all?.find((one) => one.name === search.edit && one.source === 'kept');
  const columns = useMemo<readonly TableColumn<AnomalyWatch>[]>(
    () => [
      {
        id: 'name',
        title: 'name',
        chars: 26,
        least: 14,
        value: ({ name }) => name,
        cell: ({ name }) => <Value text={name} />,
      },
      {
        id: 'series',
        title: 'series',
        chars: 50,
        least: 20,
        value: ({ query }) => query,
        cell: ({ query }) => <Expression text={query} />,
      },
      { id: 'followed', title: 'followed', kind: 'number', value: ({ followed }) => followed },
      {
        id: 'source',
        title: 'wanted by',
        titled: true,
        value: ({ source }) => ({ kept: 'somebody', file: 'the settings', automatic: 'itself' })[source],
      },
      {
        id: 'alerts',
        title: 'alerts',
        titled: true,
        value: ({ alerts }) => (alerts ? 'yes' : 'no'),
      },
      {
        id: 'deeds',
        title: '',
        chars: 18,
        value: () => null,
        cell: (row) =>
          row.source === 'kept' ? (
            <span className="row">
              <Button className="button quiet" whyNot={why} onClick={() => setOwn({ edit: row.name })}>
                Change
              </Button>
              <Button className="button quiet" whyNot={why} onClick={() => setDropping(row)}>
                Delete
              </Button>
            </span>
          ) : null,
      },
    ],
    [setOwn, why],
  );
  const create = (
    <Button className="button primary" whyNot={why} onClick={() => setOwn({ new: '' })}>
      Watch series
    </Button>
  );
  return (
    <FilteredList what="watches" placeholder="Name or PromQL" answer={answer} className={styles.stack}>
      <div className={styles.head}>{create}</div>
      {all === undefined ? null : (
        <section className="panel card">
          <DataTable
            label="Watches"
            tall
            columns={columns}
            rows={rows}
            rowKey={({ name }) => name}
            empty={
              wanted === '' ? (
                <EmptyState reason="none-yet" title="Nothing is watched yet">
                  Objectives and the golden signals of services are watched as soon as there are any.
                </EmptyState>
              ) : (
                <EmptyState reason="filtered" title="No watch fits these words" />
              )
            }
          />
        </section>
      )}
      <Drawer
        open={search.new !== undefined || edited !== undefined}
        onClose={close}
        title={edited === undefined ? 'Watch series' : <Value text={edited.name} />}
      >
        {why !== null ? (
          <Note level="info">{why}</Note>
        ) : (
          <WatchForm
            key={edited?.name ?? ''}
            kept={edited ?? null}
            series={search.new ?? ''}
            onClose={close}
          />
        )}
      </Drawer>
      {dropping === null ? null : (
        <ConfirmDeed
          title="Watch these no more?"
          action="Delete the watch"
          said="The watch is gone"
          run={() => dropAnomalyWatch(dropping.name, { tenant })}
          onClose={() => setDropping(null)}
        >
          <p>
            <Value text={dropping.name} />: what was learned is forgotten. What was found stays.
          </p>
        </ConfirmDeed>
      )}
    </FilteredList>
  );
}
