import { SegmentedControl } from '@mantine/core';
import { useMemo, type ReactElement } from 'react';
import type { Search } from '../address/context';
import { useAddress } from '../address/hooks';
import type { AlertView } from '../api/alerts';
import { keptGroup, runningGroups, type RunningGroup } from '../api/rules';
import { useAsked } from '../api/useAsked';
import { useAlerts } from '../alerts/useAlerts';
import { Button } from '../design/Button';
import { CodeView } from '../design/CodeView';
import { Drawer } from '../design/Drawer';
import { EmptyState } from '../design/EmptyState';
import { FilterBar } from '../design/FilterBar';
import { labelNames, parseFilters, writeFilters } from '../design/filter';
import { formatCount } from '../design/format';
import { Icon } from '../design/Icon';
import { Note, Unreadable } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import type { TableColumn } from '../design/table/columns';
import { DataTable } from '../design/table/DataTable';
import { Expression, LabelSet, Value } from '../design/Value';
import { Body, Page, PageHead, Toolbar } from '../page/Page';
import { TimeControls } from '../page/TimeControls';
import { useMay } from '../session/session';
import { whyNot } from '../session/lacking';
import { tidied, writeGroup } from './draft';
import { ConditionForm } from './ConditionForm';
import { GroupEditor, said } from './GroupEditor';
import { GroupHistory } from './GroupHistory';
import { evaluatedMs, LastEvaluated, StandingChip } from './parts';
import { RuleDetails } from './RuleDetails';
import {
  countViews,
  filterRows,
  groupKey,
  namespaceOf,
  rowsOf,
  standingOf,
  VIEWS,
  type RuleRow,
  type View,
} from './rows';
import styles from './rules.module.css';

const NO_GROUPS: readonly RunningGroup[] = [];
const TAKEN_OVER_MS = 1_500;
const NO_ALERTS: readonly AlertView[] = [];
const NAMES: Readonly<Record<View, string>> = {
  all: 'All',
  firing: 'Firing',
  pending: 'Pending',
  failing: 'Failing',
  inactive: 'Quiet',
};

const COLUMNS: readonly TableColumn<RuleRow>[] = [
  {
    id: 'state',
    title: 'state',
    chars: 21,
    value: ({ rule }) => standingOf(rule),
    cell: ({ rule }) => <StandingChip rule={rule} />,
  },
  {
    id: 'rule',
    title: 'rule',
    chars: 34,
    least: 22,
    value: ({ rule }) => rule.name,
    cell: ({ rule }) => (
      <span className={styles.name}>
        <Value text={rule.name} />
        {rule.lastError === undefined ? null : (
          <span className={styles.fault} title={rule.lastError}>
            <span className={styles.cut}>
              <Icon name="error" size={13} /> <Value text={rule.lastError} />
            </span>
          </span>
        )}
      </span>
    ),
  },
  {
    id: 'group',
    title: 'group',
    chars: 16,
    least: 10,
    value: ({ namespace, group }) => groupKey(namespace, group),
    cell: ({ group, namespace }) => (
      <span className={styles.name}>
        <Value text={group} />
        <span className="dim">
          <Value text={namespace} />
        </span>
      </span>
    ),
  },
  {
    id: 'query',
    title: 'expression',
    chars: 40,
    least: 16,
    value: ({ rule }) => rule.query,
    cell: ({ rule }) => (
      <span className={styles.query} title={rule.query}>
        <Expression text={rule.query} />
      </span>
    ),
  },
  {
    id: 'labels',
    title: 'labels',
    chars: 26,
    least: 22,
    value: ({ rule }) => JSON.stringify(rule.labels),
    cell: ({ rule }) => <LabelSet labels={rule.labels} />,
  },
  {
    id: 'last',
    title: 'evaluated',
    kind: 'number',
    chars: 11,
    value: ({ rule }) => evaluatedMs(rule),
    cell: ({ rule }) => <LastEvaluated rule={rule} />,
  },
  {
    id: 'took',
    title: 'took',
    kind: 'number',
    unit: 'seconds',
    value: ({ rule }) => (rule.evaluationTime > 0 ? rule.evaluationTime : null),
  },
  {
    id: 'for',
    title: 'for',
    kind: 'number',
    unit: 'seconds',
    value: ({ rule }) => rule.duration ?? null,
    optional: true,
  },
  {
    id: 'every',
    title: 'every',
    kind: 'number',
    unit: 'seconds',
    value: ({ intervalS }) => intervalS,
    optional: true,
  },
];

/** The editor of one group, once it is known what the group is. */
function Editing(props: {
  namespace: string;
  group: string;
  onDone: (text: string) => void;
  onCancel: () => void;
}): ReactElement {
  const { namespace, group, onDone, onCancel } = props;
  const answer = useAsked({
    key: ['rule group', namespace, group],
    ask: (asking) => keptGroup(namespace, group, asking),
    refetchOnWindowFocus: false,
    staleTime: Infinity,
    gcTime: 0,
  });
  if (answer.error) return <Note level="bad">The group cannot be read: {answer.error.message}</Note>;
  if (!answer.data) return <Skeleton kind="text" label="The group" rows={6} />;
  if (answer.data.source === 'condition')
    return (
      <>
        <ConditionForm id={group} onDone={onDone} onCancel={onCancel} />
        <details>
          <summary>The rule that it is</summary>
          <CodeView text={writeGroup(tidied(answer.data.group))} label="the rule" language="yaml" wrap />
        </details>
      </>
    );
  // What was read when it was opened: what others save meanwhile is a conflict, not a change under one's hands.
  return (
    <>
      <GroupEditor kept={answer.data} onDone={onDone} onCancel={onCancel} />
      {answer.data.source === 'kept' ? (
        <GroupHistory namespace={namespace} group={group} onDone={onDone} />
      ) : null}
    </>
  );
}

function Nothing({
  any,
  create,
  onClear,
}: {
  any: boolean;
  create: ReactElement;
  onClear: () => void;
}): ReactElement {
  if (!any)
    return (
      <EmptyState reason="none-yet" title="There are no rules yet" actions={create}>
        Rules say when something is an alert, and what is recorded. Make a group here, or name files of rules:
        <code> rule_files</code> in prometheus.yml, <code>rules</code> in pharos.yml.
      </EmptyState>
    );
  return (
    <EmptyState
      reason="filtered"
      title="No rule fits these filters"
      actions={
        <button type="button" className="button" onClick={onClear}>
          Show all rules
        </button>
      }
    />
  );
}

export default function RulesPage(): ReactElement {
  const { search, refreshMs, setOwn } = useAddress();
  const may = useMay();
  const answer = useAsked({ key: ['rules'], ask: runningGroups, refreshMs });
  const alerts = useAlerts(refreshMs);
  const groups = answer.data?.data.groups ?? NO_GROUPS;
  const all = useMemo(() => rowsOf(groups), [groups]);
  const view: View = VIEWS.find((one) => one === search.view) ?? 'all';
  const words = search.filter ?? '';
  const where = search.where ?? '';
  const filters = useMemo(() => parseFilters(where), [where]);
  const counts = useMemo(() => countViews(all), [all]);
  const names = useMemo(() => labelNames(all.map(({ rule }) => rule)), [all]);
  const rows = useMemo(() => filterRows(all, { view, words, filters }), [all, view, words, filters]);
  const set = (own: Search): void => setOwn(own, true);
  const opened = search.rule === undefined ? undefined : all.find(({ key }) => key === search.rule);
  const edited = groups.find(({ name, file }) => groupKey(namespaceOf(file), name) === search.edit);
  const why = whyNot(may, 'alerts.configure', 'Rules are changed');
  const close = (): void => setOwn({ edit: undefined, new: undefined, expr: undefined });
  const done = (text: string): void => {
    said(text);
    close();
    // What was kept is taken over a moment later.
    window.setTimeout(() => void answer.refetch(), TAKEN_OVER_MS);
  };
  const create = (
    <Button className="button primary" whyNot={why} onClick={() => setOwn({ new: '', rule: undefined })}>
      New group
    </Button>
  );
  const isCondition = search.new === 'condition';
  const isEditing = search.new !== undefined || search.edit !== undefined;
  return (
    <Page>
      <PageHead
        title="Rules"
        about={
          answer.data
            ? `${formatCount(all.length)} in ${formatCount(groups.length)} ${groups.length === 1 ? 'group' : 'groups'}`
            : null
        }
        actions={
          <>
            <Button whyNot={why} onClick={() => setOwn({ new: 'condition', rule: undefined })}>
              New condition
            </Button>
            {create}
          </>
        }
        time={<TimeControls busy={answer.isFetching} onNow={() => void answer.refetch()} />}
      />
      <Toolbar label="Filters">
        <SegmentedControl
          size="xs"
          aria-label="State"
          data={VIEWS.map((value) => ({ value, label: `${NAMES[value]} ${formatCount(counts[value])}` }))}
          value={view}
          onChange={(value) => set({ view: value === 'all' ? undefined : value })}
        />
        <div className={styles.filter}>
          <FilterBar
            label="Filter rules"
            placeholder="Name, expression, file, or label=value"
            filters={filters}
            onFilters={(next) => set({ where: writeFilters(next) || undefined })}
            words={words}
            onWords={(next) => set({ filter: next || undefined })}
            names={names}
          />
        </div>
      </Toolbar>
      <Body>
        <Unreadable what="The rules" error={answer.error} asOfMs={answer.dataUpdatedAt} />
        {answer.isPending ? <Skeleton kind="table" label="The rules" rows={6} /> : null}
        {answer.data ? (
          <section className="panel card">
            <DataTable
              label="Rules"
              tall
              columns={COLUMNS}
              rows={rows}
              total={all.length}
              rowKey={({ key }) => key}
              onOpen={({ key }) => setOwn({ rule: key })}
              empty={
                <Nothing
                  any={all.length > 0}
                  create={create}
                  onClear={() => set({ filter: undefined, where: undefined, view: undefined })}
                />
              }
            />
          </section>
        ) : null}
      </Body>
      <Drawer
        open={opened !== undefined && !isEditing}
        onClose={() => setOwn({ rule: undefined })}
        title={opened ? <Value text={opened.rule.name} /> : ''}
      >
        {opened ? (
          <RuleDetails
            key={opened.key}
            row={opened}
            known={alerts.data?.data.alerts ?? NO_ALERTS}
            whyNot={why}
            onEdit={(edit) => setOwn({ edit })}
          />
        ) : null}
      </Drawer>
      <Drawer
        open={isEditing && (search.new !== undefined || answer.data !== undefined)}
        onClose={close}
        wide
        title={
          search.new !== undefined ? (
            isCondition ? (
              'New condition'
            ) : (
              'New group of rules'
            )
          ) : edited ? (
            <Value text={edited.name} />
          ) : (
            'No such group'
          )
        }
      >
        {why !== null ? (
          <Note level="info">{why}</Note>
        ) : search.new !== undefined ? (
          isCondition ? (
            <ConditionForm id={null} onDone={done} onCancel={close} />
          ) : (
            <GroupEditor kept={null} expr={search.expr ?? ''} onDone={done} onCancel={close} />
          )
        ) : edited ? (
          <Editing
            key={search.edit}
            namespace={namespaceOf(edited.file)}
            group={edited.name}
            onDone={done}
            onCancel={close}
          />
        ) : (
          <EmptyState reason="no-such" title="There is no such group any more" />
        )}
      </Drawer>
    </Page>
  );
}
