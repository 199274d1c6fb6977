import { useElementSize } from '@mantine/hooks';
import { useNavigate, useParams, useRouter } from '@tanstack/react-router';
import { lazy, Suspense, useCallback, useEffect, useMemo, type ReactElement } from 'react';
import { contextOf } from '../address/context';
import { useAddress } from '../address/hooks';
import { PATHS } from '../address/places';
import { ApiError } from '../api/client';
import { dashboard as askOne, type Dashboard, type Variable } from '../api/dashboards';
import { useAsked } from '../api/useAsked';
import { EmptyState } from '../design/EmptyState';
import { usePageClock } from '../design/hooks';
import { Note, Unreadable } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import { Tabs } from '../design/Tabs';
import { Page, PageHead } from '../page/Page';
import { PageLink } from '../address/PageLink';
import { TimeControls } from '../page/TimeControls';
import { PanelPageContext, type PanelPage } from '../panels/context';
import type { Json } from '../panels/json';
import { isTaken } from '../shell/shortcuts';
import { absolute, parseDuration, resolveRange, widen, type Span } from '../time/range';
import { useRuns } from '../time/useRuns';
import { Actions } from './Actions';
import { noteVisit } from './kept';
import { LinksBar } from './LinksBar';
import { labelLink } from './narrow';
import { readPlaylist } from './playlist';
import { readCustom, readValues, readView, valuesQuery, withFilters, writeView } from './state';
import { Surface } from './Surface';
import { useBoard, useFrame } from './useBoard';
import { useDraft } from './useDraft';
import { VariablesBar } from './VariablesBar';
import styles from './dashboard.module.css';

const PlaylistBar = lazy(() => import('./PlaylistBar'));

/** Widths so near each other ask for the same points. */
const WIDTH_STEP_PX = 100;

function zoneOf(utc: boolean): string {
  return utc ? 'UTC' : Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** Puts the dashboard's own time and refresh into the address, where that says nothing of them. */
function useOwnTime({ model }: Dashboard): boolean {
  const { ranged, zone, search, change } = useAddress();
  const asked = search.refresh !== undefined;
  useEffect(() => {
    if (ranged) return;
    const ms = parseDuration(model.refresh);
    change(
      {
        range: { from: model.time.from || 'now-1h', to: model.time.to || 'now' },
        ...(asked || ms === null || ms < 1_000 ? {} : { refreshMs: ms }),
        ...(zone === null && model.timezone.toLowerCase() === 'utc' ? { zone: 'utc' as const } : {}),
      },
      true,
    );
  }, [ranged, asked, zone, model, change]);
  return ranged;
}

function usePanelPageOf(
  span: Span | null,
  tooltip: string,
  uid: string,
  variables: readonly Variable[],
): PanelPage {
  const { range, search, path, change } = useAddress();
  const variablesQuery = useMemo(() => valuesQuery(variables), [variables]);
  const { history } = useRouter();
  const zoom = useCallback(
    (fromMs: number, toMs: number) => change({ range: absolute(fromMs, toMs) }),
    [change],
  );
  const zoomOut = useCallback(() => {
    if (span) change({ range: widen(span, Date.now()) });
  }, [span, change]);
  return useMemo(
    () => ({
      syncKey: tooltip === 'none' ? null : `dashboard ${uid}`,
      onZoom: zoom,
      onZoomOut: zoomOut,
      rangeQuery: new URLSearchParams({ from: range.from, to: range.to }).toString(),
      variablesQuery,
      expects: true,
      labelLink: (name, value, lines) => labelLink(name, value, { variables, search, path }, lines),
      go: (href) => history.push(href),
    }),
    [tooltip, uid, zoom, zoomOut, range, variablesQuery, variables, search, path, history],
  );
}

function Loaded({ dashboard }: { dashboard: Dashboard }): ReactElement {
  const address = useAddress();
  const { search, range, setOwn } = address;
  const { utc } = usePageClock();
  const { ref, width } = useElementSize();
  const ready = useOwnTime(dashboard);
  const view = useMemo(() => readView(search), [search]);
  const draft = useDraft(dashboard);
  const { at, ask } = useRuns(address);
  const span = useMemo(() => resolveRange(range, at, utc), [range, at, utc]);
  const known = typeof span === 'string' ? null : span;
  const names = useMemo(
    () => dashboard.model.variables.filter(({ type }) => type === 'adhoc').map(({ name }) => name),
    [dashboard.model],
  );
  // The address changes with much that is not of the variables.
  const written = JSON.stringify(withFilters(readValues(search), names));
  const collapsed = JSON.stringify(view.collapsed);
  const custom = readCustom(search).join();
  const wide = Math.ceil(width / WIDTH_STEP_PX) * WIDTH_STEP_PX;
  const base = useMemo(() => {
    if (!ready || known === null || wide === 0) return null;
    return {
      ...(draft.document
        ? { document: draft.document }
        : { uid: dashboard.uid, ...(view.version === null ? {} : { version: view.version }) }),
      from: known.fromMs,
      to: known.toMs,
      timezone: zoneOf(utc),
      variables: JSON.parse(written) as Record<string, Json>,
      ...(custom === '' ? {} : { custom: custom.split(',') }),
      collapsed: JSON.parse(collapsed) as Record<string, boolean>,
      ...(view.tab === null ? {} : { tab: view.tab }),
      width_px: wide,
    };
  }, [
    ready,
    known,
    wide,
    draft.document,
    dashboard.uid,
    view.version,
    view.tab,
    utc,
    written,
    custom,
    collapsed,
  ]);
  const board = useBoard(base);
  const frame = useFrame(board);
  const variablesQuery = useMemo(() => valuesQuery(frame.variables), [frame.variables]);
  const panelPage = usePanelPageOf(known, dashboard.model.tooltip, dashboard.uid, frame.variables);
  useEffect(() => noteVisit(dashboard.uid), [dashboard.uid]);
  const title = frame.title || dashboard.title;
  useEffect(() => {
    document.title = `${title} · Pharos`;
  }, [title]);
  useEffect(() => {
    if (!view.kiosk) return undefined;
    const leave = (event: KeyboardEvent): void => {
      if (event.key === 'Escape' && !document.querySelector('[role="dialog"]'))
        setOwn(writeView({ kiosk: false }));
    };
    document.addEventListener('keydown', leave);
    return () => document.removeEventListener('keydown', leave);
  }, [view.kiosk, setOwn]);
  const { undo, changes } = draft;
  useEffect(() => {
    if (!view.editing || changes.length === 0) return undefined;
    const back = (event: KeyboardEvent): void => {
      if (event.key !== 'z' || !(event.ctrlKey || event.metaKey) || event.shiftKey || isTaken(event)) return;
      event.preventDefault();
      undo();
    };
    document.addEventListener('keydown', back);
    return () => document.removeEventListener('keydown', back);
  }, [view.editing, changes, undo]);
  const tabs = frame.tabs.length > 0 ? frame.tabs : dashboard.model.tabs;
  const tab = tabs.find(({ key }) => key === view.tab) ?? tabs[0];
  const surface = (
    <Surface
      dashboard={dashboard}
      draft={draft}
      board={board}
      frame={frame}
      view={view}
      tab={tab}
      span={known ?? { fromMs: at - 3_600_000, toMs: at }}
      nowMs={at}
      width={width}
      onView={(next) => setOwn(writeView(next))}
    />
  );
  return (
    <PanelPageContext value={panelPage}>
      <Page dense>
        {view.kiosk ? <span data-kiosk="" /> : null}
        <PageHead
          title={title}
          breadcrumb={[
            { name: 'Dashboards', page: 'dashboards', search: {} },
            ...(dashboard.folder === ''
              ? []
              : [
                  {
                    name: dashboard.folder_title,
                    page: 'dashboards' as const,
                    search: { folder: dashboard.folder },
                  },
                ]),
          ]}
          about={view.version === null ? null : `version ${view.version}`}
          actions={
            <Actions
              dashboard={dashboard}
              draft={draft}
              view={view}
              variables={frame.variables}
              span={known}
            />
          }
          time={
            dashboard.model.hide_time_controls ? null : (
              <TimeControls ranged busy={frame.asking} onRange={ask} onNow={ask} />
            )
          }
        />
        {typeof span === 'string' ? <Note level="bad">The time range is not valid: {span}.</Note> : null}
        {frame.error === null ? null : (
          <Note level="bad">
            The dashboard’s variables and layout could not be read: {frame.error.message}
          </Note>
        )}
        <VariablesBar
          variables={frame.variables}
          expected={dashboard.model.variables}
          asked={{ uid: dashboard.uid, from: known?.fromMs ?? 'now-1h', to: known?.toMs ?? 'now' }}
          search={search}
          onChange={(next) => setOwn(next)}
        />
        <LinksBar links={frame.links} range={range} variablesQuery={variablesQuery} />
        <div ref={ref} className={styles.surface}>
          {width === 0 ? null : tabs.length > 1 ? (
            <Tabs
              label="Parts of the dashboard"
              value={tab?.key ?? ''}
              onChange={(key) => setOwn(writeView({ tab: key }))}
              tabs={tabs.map(({ key, title: name }) => ({
                id: key,
                label: name || key,
                content: key === tab?.key ? surface : null,
              }))}
            />
          ) : (
            surface
          )}
        </div>
      </Page>
    </PanelPageContext>
  );
}

function Missing({ error, uid }: { error: Error; uid: string }): ReactElement {
  const none = error instanceof ApiError && error.status === 404;
  return (
    <Page>
      <PageHead title="Dashboard" breadcrumb={[{ name: 'Dashboards', page: 'dashboards', search: {} }]} />
      {none ? (
        <EmptyState
          reason="no-such"
          title={`There is no dashboard “${uid}”`}
          actions={
            <PageLink page="dashboards" className="button primary">
              All dashboards
            </PageLink>
          }
        >
          It may have been deleted, or be another tenant’s, or in a folder that you may not see.
        </EmptyState>
      ) : (
        <Unreadable what="The dashboard" error={error} asOfMs={0} />
      )}
    </Page>
  );
}

function One({ uid }: { uid: string }): ReactElement {
  const { search, path } = useAddress();
  const navigate = useNavigate();
  const { version } = readView(search);
  const answer = useAsked({
    key: ['dashboard', uid, version],
    ask: (asking) => askOne(uid, version, asking),
    staleTime: 60_000,
    refetchOnWindowFocus: false,
  });
  useEffect(() => {
    // Links of other kinds come to the one address.
    if (path.startsWith(`${PATHS.dashboards}/`))
      void navigate({ to: `/d/${encodeURIComponent(uid)}/-`, search, replace: true });
  }, [path, uid, search, navigate]);
  if (answer.data === undefined) {
    if (answer.error) return <Missing error={answer.error} uid={uid} />;
    return (
      <Page dense>
        <PageHead
          title="Dashboard"
          breadcrumb={[{ name: 'Dashboards', page: 'dashboards', search: contextOf(search) }]}
        />
        <Skeleton kind="chart" label="The dashboard" height={300} />
      </Page>
    );
  }
  const { data } = answer;
  return <Loaded key={`${data.uid} ${data.version} ${version ?? ''}`} dashboard={data} />;
}

/** One dashboard, or those of a playlist one after the other. */
export default function DashboardPage(): ReactElement {
  const { uid = '' }: Readonly<Record<string, string | undefined>> = useParams({ strict: false });
  const { search } = useAddress();
  const playlist = useMemo(() => readPlaylist(search), [search]);
  return (
    <>
      <One uid={uid} />
      {playlist === null ? null : (
        <Suspense fallback={null}>
          <PlaylistBar uid={uid} playlist={playlist} />
        </Suspense>
      )}
    </>
  );
}
