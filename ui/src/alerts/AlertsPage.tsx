import { SegmentedControl } from '@mantine/core';
import clsx from 'clsx';
import { useCallback, useMemo, useState, type ReactElement } from 'react';
import type { Search } from '../address/context';
import { useAddress } from '../address/hooks';
import { PageLink } from '../address/PageLink';
import type { AlertView } from '../api/alerts';
import { Button } from '../design/Button';
import { Drawer } from '../design/Drawer';
import { EmptyState } from '../design/EmptyState';
import { FilterBar } from '../design/FilterBar';
import { labelNames, parseFilters, writeFilters } from '../design/filter';
import { formatCount } from '../design/format';
import { Unreadable } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import { StatusDot } from '../design/StatusChip';
import type { TableColumn } from '../design/table/columns';
import { DataTable } from '../design/table/DataTable';
import { toasts } from '../design/toasts';
import { LabelSet, Value } from '../design/Value';
import { Body, Page, PageHead, Toolbar } from '../page/Page';
import { TimeControls } from '../page/TimeControls';
import { useMay } from '../session/session';
import { whyNot } from '../session/lacking';
import { matchersOf } from '../silences/matchers';
import { SilenceForm } from '../silences/SilenceForm';
import {
  ALERT_NAME,
  commonLabels,
  countViews,
  filterAlerts,
  groupAlerts,
  isIn,
  SEVERITY,
  severityOf,
  summaryOf,
  VIEWS,
  type AlertGroup,
  type View,
} from './alerts';
import { Acknowledge, Ago, SeverityChip, StateChip } from './parts';
import styles from './alerts.module.css';
import { useAlerts } from './useAlerts';

const NO_ALERTS: readonly AlertView[] = [];
const NONE: ReadonlySet<string> = new Set();
/** Groups that are listed before the rest is asked for. */
const FIRST_GROUPS = 12;
const NAMES: Readonly<Record<View, string>> = {
  burning: 'Burning',
  pending: 'Pending',
  acknowledged: 'Acknowledged',
  held: 'Held back',
  all: 'All',
};
const SEVERITY_RANK = { critical: 0, warning: 1, info: 2 } as const;

const COLUMNS: readonly TableColumn<AlertView>[] = [
  {
    id: 'severity',
    title: 'severity',
    chars: 12,
    value: ({ labels }) => SEVERITY_RANK[severityOf(labels) as keyof typeof SEVERITY_RANK],
    cell: (alert) => <SeverityChip alert={alert} />,
  },
  {
    id: 'alert',
    title: 'alert',
    chars: 44,
    least: 18,
    value: ({ labels }) => labels[ALERT_NAME] ?? '',
    cell: (alert) => (
      <span className={styles.what}>
        <PageLink page="alert" search={{ id: alert.fingerprint }}>
          <Value text={alert.labels[ALERT_NAME] ?? alert.fingerprint} />
        </PageLink>
        {summaryOf(alert) === '' ? null : (
          <span className={clsx('dim', styles.summary)} title={summaryOf(alert)}>
            <Value text={summaryOf(alert)} />
          </span>
        )}
      </span>
    ),
  },
  {
    id: 'labels',
    title: 'labels',
    chars: 40,
    least: 15,
    value: ({ labels }) => JSON.stringify(labels),
    cell: ({ labels }) => <LabelSet labels={labels} without={[ALERT_NAME, SEVERITY]} />,
  },
  {
    id: 'state',
    title: 'state',
    chars: 24,
    least: 14,
    value: ({ state }) => state,
    cell: (alert) => <StateChip alert={alert} />,
  },
  {
    id: 'since',
    title: 'since',
    kind: 'number',
    chars: 10,
    value: ({ since }) => Date.parse(since),
    cell: ({ since }) => <Ago at={since} />,
  },
  {
    id: 'value',
    title: 'value',
    kind: 'number',
    value: ({ value }) => (value === null ? null : Number(value)),
    exact: ({ value }) => value ?? '',
    optional: true,
  },
  {
    id: 'receivers',
    title: 'receivers',
    value: ({ receivers }) => receivers.join(', '),
    optional: true,
  },
];

/** The groups, the worst first; a press shows one alone. */
function Groups(props: {
  groups: readonly AlertGroup[];
  label: string;
  chosen: string | null;
  onChoose: (value: string | undefined) => void;
}): ReactElement {
  const { groups, label, chosen, onChoose } = props;
  const [all, setAll] = useState(false);
  const listed = groups.filter(({ value }, i) => all || i < FIRST_GROUPS || value === chosen);
  return (
    <ul className={styles.groups} aria-label={`Groups by ${label}`}>
      {listed.map(({ value, count, worst }) => (
        <li key={value}>
          <button
            type="button"
            className={clsx('button', styles.group)}
            aria-pressed={value === chosen}
            onClick={() => onChoose(value === chosen ? undefined : value)}
          >
            <StatusDot status={worst ?? 'no-data'} label={value} />
            <span className="ellipsis">
              {value === '' ? <span className="dim">no {label}</span> : <Value text={value} />}
            </span>
            <span className="dim">{formatCount(count)}</span>
          </button>
        </li>
      ))}
      {listed.length < groups.length ? (
        <li>
          <button type="button" className="button quiet" onClick={() => setAll(true)}>
            {groups.length - listed.length} more
          </button>
        </li>
      ) : null}
    </ul>
  );
}

/** Why no alert is listed: there is none, or none of the view, or none that fits what is looked for. */
function Nothing(props: {
  view: View;
  any: boolean;
  narrowed: boolean;
  /** How many of each view fit what is looked for: what a message tells of may be acknowledged by now. */
  fitting: Readonly<Record<View, number>>;
  onView: (view: View) => void;
  onClear: () => void;
}): ReactElement {
  const { view, any, narrowed, fitting, onView, onClear } = props;
  const elsewhere = VIEWS.filter((one) => one !== 'all' && one !== view && fitting[one] > 0);
  if (!any)
    return (
      <EmptyState
        reason="none-yet"
        title="Nothing burns"
        actions={
          <>
            <PageLink className="button" page="rules" search={{}}>
              Rules
            </PageLink>
            <PageLink className="button" page="receivers" search={{}}>
              Who is told
            </PageLink>
          </>
        }
      >
        No alert is pending, firing or held back. Alerts come from rule files, from rules made here, and from
        other servers that send to this one as to an Alertmanager.
      </EmptyState>
    );
  return (
    <EmptyState
      reason="filtered"
      title={titleOf(view, narrowed)}
      actions={
        <>
          {elsewhere.map((one) => (
            <button key={one} type="button" className="button primary" onClick={() => onView(one)}>
              {NAMES[one]} {formatCount(fitting[one])}
            </button>
          ))}
          <button type="button" className="button" onClick={onClear}>
            Show all alerts
          </button>
        </>
      }
    >
      {elsewhere.length > 0 && narrowed ? 'There are alerts that fit in another state.' : null}
    </EmptyState>
  );
}

function titleOf(view: View, narrowed: boolean): string {
  if (view === 'burning') return narrowed ? 'Nothing burns that fits these filters' : 'Nothing burns';
  return narrowed ? 'No alert fits these filters' : `No alert is ${NAMES[view].toLowerCase()}`;
}

/** What is done to the chosen alerts together. */
function Bulk(props: {
  chosen: readonly AlertView[];
  onAcknowledge: () => void;
  onSilence: () => void;
}): ReactElement {
  const { chosen, onAcknowledge, onSilence } = props;
  const may = useMay();
  const takes = whyNot(may, 'alerts.acknowledge', 'Alerts are acknowledged');
  const mutes = whyNot(may, 'alerts.silence', 'Silences are made');
  const none =
    chosen.length === 0 ? 'Choose alerts first: Space, Ctrl- or Shift-click, Ctrl-A for all' : null;
  const count = chosen.length === 0 ? '' : ` ${formatCount(chosen.length)}`;
  return (
    <span className={styles.bulk}>
      <Button whyNot={takes ?? none} title="Say that you see to them" onClick={onAcknowledge}>
        Acknowledge{count}
      </Button>
      <Button whyNot={mutes ?? none} title="Hold back what is told of them" onClick={onSilence}>
        Silence{count}
      </Button>
    </span>
  );
}

type Doing = 'acknowledge' | 'silence' | null;

export default function AlertsPage(): ReactElement {
  const { search, refreshMs, setOwn } = useAddress();
  const answer = useAlerts(refreshMs);
  const [selected, setSelected] = useState<ReadonlySet<string>>(NONE);
  const [doing, setDoing] = useState<Doing>(null);
  const all = answer.data?.data.alerts ?? NO_ALERTS;
  const view: View = VIEWS.find((one) => one === search.view) ?? 'burning';
  const by = search.by ?? ALERT_NAME;
  const where = search.where ?? '';
  const words = search.filter ?? '';
  const group = search.group ?? null;
  const filters = useMemo(() => parseFilters(where), [where]);
  const counts = useMemo(() => countViews(all), [all]);
  const names = useMemo(() => labelNames(all), [all]);
  const groups = useMemo(
    () =>
      groupAlerts(
        all.filter((alert) => isIn(alert, view)),
        by,
      ),
    [all, view, by],
  );
  const rows = useMemo(
    () =>
      filterAlerts(all, {
        view,
        words,
        filters,
        group: group === null ? null : { label: by, value: group },
      }),
    [all, view, words, filters, group, by],
  );
  const fitting = useMemo(
    () =>
      countViews(
        filterAlerts(all, {
          view: 'all',
          words,
          filters,
          group: group === null ? null : { label: by, value: group },
        }),
      ),
    [all, words, filters, group, by],
  );
  const chosen = useMemo(() => rows.filter(({ fingerprint }) => selected.has(fingerprint)), [rows, selected]);
  const set = useCallback((own: Search): void => setOwn(own, true), [setOwn]);
  const clear = (): void => set({ filter: undefined, where: undefined, group: undefined, view: 'all' });
  const done = (text: string): void => {
    toasts.show({ level: 'ok', text });
    setSelected(NONE);
    setDoing(null);
  };
  return (
    <Page>
      <PageHead
        title="Alerts"
        about={
          answer.data
            ? counts.burning === 0
              ? 'nothing burns'
              : `${formatCount(counts.burning)} burning`
            : null
        }
        time={<TimeControls busy={answer.isFetching} onNow={() => void answer.refetch()} />}
      />
      <Toolbar label="Filters">
        <SegmentedControl
          size="xs"
          aria-label="State"
          data={VIEWS.map((value) => ({ value, label: `${NAMES[value]} ${formatCount(counts[value])}` }))}
          value={view}
          onChange={(value) => set({ view: value === 'burning' ? undefined : value, group: undefined })}
        />
        <div className={styles.filter}>
          <FilterBar
            label="Filter alerts"
            placeholder="Words, or label=value"
            filters={filters}
            onFilters={(next) => set({ where: writeFilters(next) || undefined })}
            words={words}
            onWords={(next) => set({ filter: next || undefined })}
            names={names}
          />
        </div>
        <label className="row">
          <span className="dim">by</span>
          <select
            className="select"
            aria-label="Group by"
            value={by}
            onChange={(event) =>
              set({
                by: event.target.value === ALERT_NAME ? undefined : event.target.value,
                group: undefined,
              })
            }
          >
            {[...new Set([ALERT_NAME, SEVERITY, by, ...names])].map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
      </Toolbar>
      <Body>
        <Unreadable what="The alerts" error={answer.error} asOfMs={answer.dataUpdatedAt} />
        {answer.isPending ? <Skeleton kind="table" label="The alerts" rows={6} /> : null}
        {groups.length > 1 ? (
          <Groups groups={groups} label={by} chosen={group} onChoose={(value) => set({ group: value })} />
        ) : null}
        {answer.data ? (
          <section className="panel card">
            <DataTable
              label="Alerts"
              tall
              columns={COLUMNS}
              rows={rows}
              total={all.length}
              rowKey={({ fingerprint }) => fingerprint}
              selected={selected}
              onSelect={setSelected}
              tools={
                <Bulk
                  chosen={chosen}
                  onAcknowledge={() => setDoing('acknowledge')}
                  onSilence={() => setDoing('silence')}
                />
              }
              empty={
                <Nothing
                  view={view}
                  any={all.length > 0}
                  narrowed={words !== '' || filters.length > 0 || group !== null}
                  fitting={fitting}
                  onView={(value) => set({ view: value === 'burning' ? undefined : value })}
                  onClear={clear}
                />
              }
            />
          </section>
        ) : null}
      </Body>
      {doing === 'acknowledge' ? (
        <Acknowledge
          alerts={chosen}
          onClose={() => setDoing(null)}
          onDone={() => done(chosen.length === 1 ? 'Acknowledged' : `${chosen.length} alerts acknowledged`)}
        />
      ) : null}
      <Drawer open={doing === 'silence'} onClose={() => setDoing(null)} title="Silence alerts">
        {doing === 'silence' ? (
          <SilenceForm
            draft={{ matchers: matchersOf(commonLabels(chosen)), comment: '', endsMs: null }}
            known={all}
            onCancel={() => setDoing(null)}
            onDone={() => done('The silence is in force')}
          />
        ) : null}
      </Drawer>
    </Page>
  );
}
