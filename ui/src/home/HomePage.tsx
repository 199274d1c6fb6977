import { useElementSize } from '@mantine/hooks';
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { lazy, Suspense, useCallback, type ReactElement } from 'react';
import { contextOf, writeContext } from '../address/context';
import { useAddress } from '../address/hooks';
import { runtimeInfo } from '../api/calls';
import { ApiError } from '../api/client';
import { useAsked } from '../api/useAsked';
import { formatClock, formatSeconds } from '../design/format';
import { useNow, usePageClock } from '../design/hooks';
import { EmptyState } from '../design/EmptyState';
import { Note } from '../design/parts';
import { Page, PageHead } from '../page/Page';
import { PageLink } from '../address/PageLink';
import { TimeControls } from '../page/TimeControls';
import { PATHS } from '../address/places';
import { asksWho, useSession } from '../session/session';
import { useTargets } from '../targets/useTargets';
import { absolute, resolveRange } from '../time/range';
import { Attention } from './Attention';
import styles from './home.module.css';
import { loadHome, type HomeSnapshot } from './load';
import { PanelCard } from './PanelCard';
import { PANELS, type Host } from './panels';
import { SendData } from './SendData';
import { TargetsCard } from './TargetsCard';
import { Tiles } from './Tiles';
import { judge, unmeasured } from './verdict';

const DEFAULT = 'default';
/** By then a server has measured its host and itself. */
const FRESH_MS = 45_000;

/** On its own, so that it is no part of what every first visit waits for. */
const Burning = lazy(() => import('../alerts/Burning'));
const Overview = lazy(() => import('./Overview'));

/** The host that the charts and tiles show, of those there are. */
function HostSelect(props: {
  hosts: readonly Host[];
  host: string | null;
  onChange: (host: string | null) => void;
}): ReactElement | null {
  const { hosts, host, onChange } = props;
  if (hosts.length <= 1) return null;
  return (
    <label className="row">
      <span className="dim">host</span>
      <select
        className="select"
        value={host ?? ''}
        onChange={(event) => onChange(event.target.value || null)}
      >
        <option value="">all, side by side</option>
        {hosts.map(({ name }) => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </label>
  );
}

/** Whether the server began just now and will have measured something soon; undefined until it is known. */
function useFresh(asked: boolean): boolean | undefined {
  const { data, error } = useAsked({
    key: ['runtimeinfo'],
    ask: runtimeInfo,
    enabled: asked,
    refreshMs: 15_000,
  });
  if (error) return false;
  if (data === undefined) return undefined;
  return Date.parse(data.data.serverTime) - Date.parse(data.data.startTime) < FRESH_MS;
}

/** What stands in the place of tiles and charts in a tenant without either. */
function Bare(): ReactElement {
  return (
    <section className="panel" aria-label="Nothing to show">
      <EmptyState
        reason="none-yet"
        title="No host sends its metrics to this tenant"
        actions={
          <>
            <PageLink page="start" className="button primary">
              Send data
            </PageLink>
            <PageLink page="dashboards" className="button">
              Dashboards
            </PageLink>
          </>
        }
      >
        Home shows hosts and Pharos itself; whatever else is sent here is in Explore, Logs and Traces.
      </EmptyState>
    </section>
  );
}

export default function HomePage(): ReactElement {
  const { range, ranged, tenant, refreshMs, host, search, change } = useAddress();
  const navigate = useNavigate();
  const { utc } = usePageClock();
  const { me } = useSession();
  const { ref, width } = useElementSize();
  const points = Math.max(120, Math.min(400, Math.round((width || 1200) / 3 / 2)));
  const client = useQueryClient();
  const wrong = resolveRange(range, useNow(60_000), utc);

  const home = useAsked({
    key: ['home', range.from, range.to, utc, host, ranged],
    ask: (asking, key) => {
      const nowMs = Date.now();
      const span = resolveRange(range, nowMs, utc);
      if (typeof span === 'string') throw new ApiError('refused', `The time range is not valid: ${span}.`);
      const [before] = client
        .getQueriesData<HomeSnapshot>({ queryKey: [tenant, 'home'] })
        .flatMap(([, known]) => known ?? []);
      // The very first answers are shown as they come; later ones together, so that nothing flickers.
      return loadHome(
        { span, nowMs, host, points, fit: !ranged },
        asking,
        before,
        before ? undefined : (part) => client.setQueryData(key, part),
      );
    },
    refreshMs,
    keep: true,
  });
  const targets = useTargets(refreshMs);
  const zoom = useCallback(
    (queries: Readonly<Record<string, string>>, fromMs: number, toMs: number) => {
      const context = { ...contextOf(search), ...writeContext({ range: absolute(fromMs, toMs) }) };
      void navigate({ to: PATHS.explore, search: { ...queries, ...context } });
    },
    [navigate, search],
  );
  const snapshot = home.data;
  const findings = judge({
    snapshot,
    lost: home.error?.message ?? null,
    targets: targets.data?.data.activeTargets,
    targetsLost: targets.error?.message ?? null,
  });
  const known = snapshot?.whole === true && targets.data !== undefined;
  const uptime = snapshot?.figures.uptime;
  // Home is about hosts and Pharos itself: of a tenant that has neither there is nothing to draw.
  const nothing = known && snapshot.hosts.length === 0 && snapshot.ownAgeS === null;
  // What was started just now measures itself and its host soon, in this tenant alone.
  const measured = (tenant ?? DEFAULT) === DEFAULT;
  const fresh = useFresh(nothing && measured);
  const bare = nothing && (!measured || fresh === false);
  const young = snapshot === undefined || snapshot.young || (nothing && !bare);
  return (
    <Page ref={ref}>
      <PageHead
        title="Home"
        about={
          <>
            {uptime == null ? null : <>up {formatSeconds(uptime)} · </>}
            {snapshot ? `as of ${formatClock(Math.floor(snapshot.takenMs / 1000) * 1000, utc)}` : 'loading'}
            {me && !asksWho(me) ? (
              <>
                {' '}
                · nobody signs in:{' '}
                <PageLink page="members" className="underlined">
                  add people
                </PageLink>
              </>
            ) : null}
          </>
        }
        actions={
          <HostSelect hosts={snapshot?.hosts ?? []} host={host} onChange={(next) => change({ host: next })} />
        }
        time={<TimeControls ranged busy={home.isFetching} onNow={() => void home.refetch()} />}
      />
      {typeof wrong === 'string' ? <Note level="bad">The time range is not valid: {wrong}.</Note> : null}
      <Suspense>
        <Burning refreshMs={refreshMs} />
      </Suspense>
      {bare && findings.length === 0 ? null : (
        <Attention findings={findings} unmeasured={known ? unmeasured(snapshot) : undefined} young={young} />
      )}
      <Suspense
        fallback={
          <div className={styles.overview}>
            {['attention', 'changed', 'disks'].map((name) => (
              <div key={name} className={styles.awaited} />
            ))}
          </div>
        }
      >
        <Overview refreshMs={refreshMs} young={young} />
      </Suspense>
      {bare ? <Bare /> : <Tiles snapshot={snapshot} />}
      {(bare ? [] : (['host', 'pharos'] as const)).map((group) => (
        <section key={group} aria-label={group === 'host' ? 'Host' : 'Pharos'}>
          <h2 className={styles.groupTitle}>
            {group === 'host' ? 'Host' : 'Pharos'}{' '}
            {group === 'host' ? (
              <PageLink page="hosts" search={{}}>
                all hosts
              </PageLink>
            ) : (
              <PageLink page="status" search={{}}>
                status
              </PageLink>
            )}
          </h2>
          <div className={styles.panelGrid}>
            {PANELS.filter((panel) => panel.group === group).map((panel) => (
              <PanelCard key={panel.id} panel={panel} snapshot={snapshot} range={range} onZoom={zoom} />
            ))}
          </div>
        </section>
      ))}
      <div className={styles.foot}>
        <TargetsCard answer={targets.data?.data} error={targets.error} asOfMs={targets.dataUpdatedAt} />
        <SendData />
      </div>
    </Page>
  );
}
