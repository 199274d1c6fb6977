import { useNavigate } from '@tanstack/react-router';
import { lazy, Suspense, useCallback, useMemo, useState, type ReactElement } from 'react';
import { LONGEST_MS, writeSpike } from '../explain/spike';
import { contextOf } from '../address/context';
import { useAddress } from '../address/hooks';
import { EXPLAIN, PATHS } from '../address/places';
import type { Dashboard, PanelModel, RowModel, TabModel } from '../api/dashboards';
import type { Annotation } from '../chart/marks';
import { EmptyState } from '../design/EmptyState';
import { useScheme } from '../design/hooks';
import { Icon } from '../design/Icon';
import type { MenuEntry } from '../design/Menu';
import { Skeleton } from '../design/Skeleton';
import { objects, textAt } from '../panels/json';
import { namedColor } from '../panels/palette';
import { hasData } from '../panels/PanelBody';
import type { Span } from '../time/range';
import type { Board, Frame } from './board';
import { findPanel, movePanels } from './draft';
import { Inspect } from './Inspect';
import { exchanged, type Box } from './layout';
import { addPanel, LINES, METRICS } from './newPanel';
import { PanelCard } from './PanelCard';
import { boxesOf, NARROW_PX, Rows, type Size } from './Rows';
import { filled, type View } from './state';
import { useAdded } from './useAdded';
import type { Draft } from './useDraft';

export interface SurfaceProps {
  dashboard: Dashboard;
  draft: Draft;
  board: Board;
  frame: Frame;
  view: View;
  tab: TabModel | undefined;
  span: Span;
  nowMs: number;
  width: number;
  onView: (view: Partial<View>) => void;
}

const RowTools = lazy(() => import('./editing/RowTools'));
const PanelEditor = lazy(() => import('./editing/PanelEditor'));

const NO_MARKS: readonly Annotation[] = [];

/** The marks of a dashboard on a panel's time axis. */
function useAnnotations(frame: Frame): (panel: PanelModel) => readonly Annotation[] {
  const scheme = useScheme();
  const all = useMemo(
    () =>
      frame.annotations.map(({ name, color, panels, events }) => ({
        panels,
        marks: events.map(({ time, end, title, text, tags }): Annotation => ({
          fromMs: time,
          ...(end === null || end <= time ? {} : { toMs: end }),
          text: [title || name, text, tags.join(', ')].filter((part) => part !== '').join(': '),
          color: namedColor(color || 'blue', scheme),
        })),
      })),
    [frame.annotations, scheme],
  );
  return useMemo(() => {
    const ids = new Set(tabPanels(frame.tabs).map(({ id }) => id));
    const byId = new Map(
      [...ids].map((id) => [
        id,
        all
          .filter(
            ({ panels }) => panels === null || (id !== null && panels.ids.includes(id)) !== panels.exclude,
          )
          .flatMap((one) => one.marks),
      ]),
    );
    return ({ id }) => byId.get(id) ?? NO_MARKS;
  }, [all, frame.tabs]);
}

const ALONE_LEAST_PX = 260;
const EDGE_PX = 28;

/** How high the rest of the window is below an element. */
function useRoom(): { ref: (element: HTMLElement | null) => void; room: number } {
  const [room, setRoom] = useState(ALONE_LEAST_PX);
  const ref = useCallback((element: HTMLElement | null) => {
    if (!element) return;
    const top = element.getBoundingClientRect().bottom + window.scrollY;
    setRoom(Math.max(ALONE_LEAST_PX, Math.round(window.innerHeight - top - EDGE_PX)));
  }, []);
  return { ref, room };
}

/** The key under which the data of a panel of the model are: its own, or that of the first of its repeats. */
function dataKeyOf(panel: PanelModel, rows: readonly RowModel[]): string {
  const keys = rows.flatMap((row) => row.panels.map(({ key }) => key));
  return keys.find((key) => key === panel.key || key.startsWith(`${panel.key}@`)) ?? panel.key;
}

function NoPanels({
  editing,
  may,
  onAdd,
  onEdit,
}: {
  editing: boolean;
  may: boolean;
  onAdd: () => void;
  onEdit: () => void;
}): ReactElement {
  return (
    <EmptyState
      reason="none-yet"
      title="No panels yet"
      actions={
        may ? (
          <button type="button" className="button primary" onClick={editing ? onAdd : onEdit}>
            {editing ? 'Add a panel' : 'Edit'}
          </button>
        ) : null
      }
    >
      {may ? 'A panel asks a question and shows the answer.' : 'Somebody who may change it can add some.'}
    </EmptyState>
  );
}

/** The panels of a dashboard: all of them, one alone, or one that is edited. */
export function Surface(props: SurfaceProps): ReactElement {
  const { dashboard, draft, board, frame, view, tab, span, nowMs, width, onView } = props;
  const { search } = useAddress();
  const navigate = useNavigate();
  const annotationsOf = useAnnotations(frame);
  const { ref: aloneRef, room } = useRoom();
  const [inspected, setInspected] = useState<PanelModel | null>(null);
  const model = draft.model;
  const drawnTab = view.editing ? (model.tabs.find(({ key }) => key === tab?.key) ?? model.tabs[0]) : tab;
  const rows = drawnTab?.rows ?? [];
  const dataRows = frame.tabs.flatMap((one) => one.rows);
  const dataKey = (panel: PanelModel): string => (view.editing ? dataKeyOf(panel, dataRows) : panel.key);
  const mayEdit = dashboard.may_edit && dashboard.source === 'stored' && view.version === null;

  const [added, setAdded] = useState<number | null>(null);
  const addNew = useAdded(draft, (id) => {
    setAdded(id);
    onView({ edited: id, editing: true });
  });
  const add = (): void =>
    addNew(
      addPanel(rows.at(-1), {
        ...LINES,
        title: 'New panel',
        targets: [{ refId: 'A', expr: 'up', datasource: METRICS }],
      }),
    );
  const moveTo = (row: RowModel, boxes: readonly Box[]): void => {
    const ids = new Map(row.panels.map(({ key, id }) => [key, id]));
    draft.change(
      movePanels(
        row.key,
        boxes.flatMap(({ key, ...grid }) => {
          const id = ids.get(key);
          return id == null ? [] : [{ id, grid }];
        }),
      ),
    );
  };
  /** Where there is one column nothing can be dragged: a panel goes before or behind its neighbour. */
  const steps = (panel: PanelModel): MenuEntry[] => {
    const row = width < NARROW_PX ? rows.find(({ panels }) => panels.includes(panel)) : undefined;
    if (!row) return [];
    return ([-1, 1] as const).flatMap((by) => {
      const boxes = exchanged(boxesOf(row.panels), panel.key, by);
      const label = by < 0 ? 'Move up' : 'Move down';
      return boxes ? [{ kind: 'action' as const, label, run: () => moveTo(row, boxes) }] : [];
    });
  };
  /** What a panel asks, its variables filled in. */
  const asksOf = (panel: PanelModel): string[] =>
    panel.targets
      .map((target) => textAt(target, 'expr'))
      .filter((expr) => expr !== '')
      .map((expr) => filled(expr, frame.variables, 15_000, span.toMs - span.fromMs));
  const explore = (panel: PanelModel): void => {
    const queries = Object.fromEntries(
      asksOf(panel)
        .slice(0, 5)
        .map((expr, i) => [`q${i}`, expr]),
    );
    void navigate({ to: PATHS.explore, search: { ...contextOf(search), ...queries } });
  };
  const explain = (panel: PanelModel): void => {
    const [expr = ''] = asksOf(panel);
    // The end of a long time is what somebody looks at.
    const fromMs = Math.max(span.fromMs, span.toMs - LONGEST_MS);
    const spike = writeSpike({ expr, labels: {}, fromMs, toMs: span.toMs });
    void navigate({ to: EXPLAIN, search: { ...contextOf(search), ...spike } });
  };
  const alert = (panel: PanelModel): void => {
    const [expr = ''] = asksOf(panel);
    void navigate({ to: PATHS.rules, search: { ...contextOf(search), new: '', expr } });
  };
  const entries = (panel: PanelModel): readonly MenuEntry[] => {
    const { id } = panel;
    const promql = panel.targets.some((target) => textAt(target, 'expr') !== '');
    const edits: MenuEntry[] =
      view.editing && id !== null
        ? [
            { kind: 'line' },
            {
              kind: 'action',
              label: 'Edit',
              icon: 'format',
              run: () => onView({ edited: id, editing: true }),
            },
            ...steps(panel),
            {
              kind: 'action',
              label: 'Duplicate',
              icon: 'copy',
              run: () => {
                const { type, title, description, options, fieldConfig, targets, transformations } = panel;
                const copied = { type, title: `${title} (copy)`, description, options, fieldConfig };
                draft.change(
                  addPanel(
                    findPanel(model, id)?.row,
                    { ...copied, targets: objects(targets), transformations: [...transformations] },
                    panel.grid,
                  ),
                );
              },
            },
            {
              kind: 'action',
              label: 'Remove',
              icon: 'trash',
              danger: true,
              run: () => draft.change({ op: 'remove_panel', id }),
            },
          ]
        : mayEdit && id !== null && !panel.key.includes('@')
          ? [
              { kind: 'line' },
              {
                kind: 'action',
                label: 'Edit',
                icon: 'format',
                run: () => onView({ edited: id, editing: true }),
              },
            ]
          : [];
    return [
      view.alone === null
        ? { kind: 'action', label: 'View alone', icon: 'monitor', run: () => onView({ alone: panel.key }) }
        : { kind: 'action', label: 'Back to all', icon: 'dashboards', run: () => onView({ alone: null }) },
      ...(promql
        ? [
            { kind: 'action', label: 'Explore', icon: 'explore', run: () => explore(panel) } as const,
            {
              kind: 'action',
              label: 'Explain the time shown',
              icon: 'search',
              run: () => explain(panel),
            } as const,
            { kind: 'action', label: 'Make an alert', icon: 'alerts', run: () => alert(panel) } as const,
          ]
        : []),
      ...(hasData(panel.type)
        ? [{ kind: 'action', label: 'Inspect', icon: 'table', run: () => setInspected(panel) } as const]
        : []),
      ...edits,
    ];
  };
  const card = (panel: PanelModel, size: Size, tools: ReactElement | null): ReactElement => (
    <PanelCard
      panel={panel}
      dataKey={dataKey(panel)}
      board={board}
      range={span}
      nowMs={nowMs}
      annotations={annotationsOf(panel)}
      entries={entries(panel)}
      tools={tools}
      {...size}
    />
  );
  const edited = view.edited === null ? null : findPanel(model, view.edited);
  const all = rows.flatMap((row) => row.panels);
  const alone =
    view.alone === null
      ? undefined
      : tabPanels(frame.tabs.length > 0 ? frame.tabs : dashboard.model.tabs).find(
          ({ key }) => key === view.alone,
        );
  let content: ReactElement;
  if (edited)
    content = (
      <Suspense fallback={<Skeleton kind="chart" label="The editor" height={ALONE_LEAST_PX} />}>
        <PanelEditor
          key={view.edited}
          panel={edited.panel}
          isNew={view.edited === added}
          dataKey={dataKey(edited.panel)}
          board={board}
          draft={draft}
          card={card}
          onBack={() => onView({ edited: null, editing: true })}
        />
      </Suspense>
    );
  else if (view.alone !== null)
    content = alone ? (
      card(alone, { width, height: room }, null)
    ) : frame.asking ? (
      <Skeleton kind="chart" label="The panel" height={ALONE_LEAST_PX} />
    ) : (
      <EmptyState
        reason="no-such"
        title="This panel is not in the dashboard"
        actions={
          <button type="button" className="button primary" onClick={() => onView({ alone: null })}>
            All panels
          </button>
        }
      />
    );
  else if (all.length === 0 && rows.every(({ header }) => !header) && !frame.asking)
    content = (
      <NoPanels editing={view.editing} may={mayEdit} onAdd={add} onEdit={() => onView({ editing: true })} />
    );
  else
    content = (
      <Rows
        rows={rows}
        width={width}
        collapsed={view.collapsed}
        onCollapse={(key, closed) => onView({ collapsed: { ...view.collapsed, [key]: closed } })}
        draw={card}
        {...(view.editing
          ? {
              tools: (row: RowModel) => (
                <Suspense fallback={null}>
                  <RowTools row={row} draft={draft} />
                </Suspense>
              ),
              onMove: moveTo,
            }
          : {})}
      />
    );
  return (
    <>
      {view.alone === null ? null : (
        <div ref={aloneRef}>
          <button type="button" className="button" onClick={() => onView({ alone: null })}>
            <Icon name="chevronLeft" size={14} /> All panels
          </button>
        </div>
      )}
      {view.editing && !edited && all.length > 0 ? (
        <div className="row wrap">
          <button type="button" className="button" onClick={add}>
            <Icon name="plus" size={14} /> Add a panel
          </button>
          <button
            type="button"
            className="button"
            onClick={() => draft.change({ op: 'add_row', title: 'New row', after: null })}
          >
            <Icon name="plus" size={14} /> Add a row
          </button>
          <span className="dim">
            {width < NARROW_PX
              ? 'The menu of a panel moves it up and down. A wider window sizes panels.'
              : 'Drag a panel by its handle, size it at its corner; or move it with the arrows, and with Shift size it.'}
          </span>
        </div>
      ) : null}
      {content}
      <Inspect
        panel={inspected}
        dataKey={inspected ? dataKey(inspected) : ''}
        board={board}
        variables={frame.variables}
        onClose={() => setInspected(null)}
      />
    </>
  );
}

function tabPanels(tabs: readonly TabModel[]): readonly PanelModel[] {
  return tabs.flatMap((one) => one.rows.flatMap((row) => row.panels));
}
