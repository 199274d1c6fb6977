import { SegmentedControl } from '@mantine/core';
import { useDocumentVisibility, useElementSize } from '@mantine/hooks';
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback, useEffect, useState, type ReactElement } from 'react';
import { targets as loadTargets } from '../api/calls';
import { formatClock, formatSeconds } from '../design/format';
import { usePageClock } from '../design/hooks';
import { RefreshControl } from '../time/RefreshControl';
import { absolute, parseDuration } from '../time/range';
import { Attention } from './Attention';
import './home.css';
import { loadHome } from './load';
import { PanelCard } from './PanelCard';
import { PANELS } from './panels';
import { SendData } from './SendData';
import { TargetsCard } from './TargetsCard';
import { Tiles } from './Tiles';
import { judge, unmeasured } from './verdict';
import type { Flat } from '../explore/state';

const SPANS = ['5m', '15m', '1h', '6h', '24h'];
const DEFAULT_SPAN = '15m';
const FAILED_MS = 20_000;

/** After a failure asks seldom: the shell notices when the server is back and has everything asked anew. */
function pace(status: string, refreshMs: number): number | false {
  if (refreshMs === 0) return false;
  return status === 'error' ? Math.max(refreshMs, FAILED_MS) : refreshMs;
}

export function HomePage(): ReactElement {
  const search: Flat = useSearch({ strict: false });
  const navigate = useNavigate();
  const { utc } = usePageClock();
  const [refreshMs, setRefreshMs] = useState(5_000);
  const span = parseDuration(search.span ?? '') === null ? DEFAULT_SPAN : (search.span ?? DEFAULT_SPAN);
  const host = search.host ?? null;
  const { ref, width } = useElementSize();
  const points = Math.max(120, Math.min(400, Math.round((width || 1200) / 3 / 2)));
  const client = useQueryClient();
  const visible = useDocumentVisibility() === 'visible';

  const home = useQuery({
    queryKey: ['home', span, host, search.span === undefined],
    queryFn: ({ signal, queryKey }) => {
      const request = {
        spanMs: parseDuration(span) ?? 900_000,
        nowMs: Date.now(),
        host,
        points,
        fit: search.span === undefined,
      };
      // The very first answers are shown as they come; later ones together, so that nothing flickers.
      const first = client.getQueriesData({ queryKey: ['home'] }).every(([, known]) => known === undefined);
      return loadHome(request, signal, first ? (part) => client.setQueryData(queryKey, part) : undefined);
    },
    refetchInterval: (query) => pace(query.state.status, refreshMs),
    placeholderData: keepPreviousData,
  });
  const targets = useQuery({
    queryKey: ['targets'],
    queryFn: ({ signal }) => loadTargets(signal),
    refetchInterval: (query) => pace(query.state.status, refreshMs),
  });
  useEffect(() => {
    if (visible) return;
    void client.cancelQueries({ queryKey: ['home'] });
    void client.cancelQueries({ queryKey: ['targets'] });
  }, [visible, client]);

  const setSearch = (next: Record<string, string | undefined>): void => {
    void navigate({ to: '/', search: { ...search, ...next } as never });
  };
  const zoom = useCallback(
    (queries: Readonly<Record<string, string>>, fromMs: number, toMs: number) => {
      void navigate({ to: '/explore', search: { ...queries, ...absolute(fromMs, toMs) } as never });
    },
    [navigate],
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
  return (
    <div className="page" ref={ref}>
      <div className="page-head">
        <h1>Home</h1>
        <span className="dim">
          {uptime == null ? null : <>up {formatSeconds(uptime)} · </>}
          {snapshot ? `as of ${formatClock(Math.floor(snapshot.takenMs / 1000) * 1000, utc)}` : 'loading'}
        </span>
        <span className="grow" />
        {snapshot && snapshot.hosts.length > 1 ? (
          <label className="row">
            <span className="dim">host</span>
            <select
              className="select"
              value={host ?? ''}
              onChange={(event) => setSearch({ host: event.target.value || undefined })}
            >
              <option value="">all, side by side</option>
              {snapshot.hosts.map(({ name }) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </label>
        ) : null}
        <SegmentedControl
          size="xs"
          aria-label="Time range"
          data={SPANS}
          value={span}
          onChange={(value) => setSearch({ span: value === DEFAULT_SPAN ? undefined : value })}
        />
        <RefreshControl
          refreshMs={refreshMs}
          onChange={setRefreshMs}
          busy={home.isFetching}
          onNow={() => void client.invalidateQueries({ queryKey: ['home'] })}
        />
      </div>
      <Attention findings={findings} unmeasured={known ? unmeasured(snapshot) : undefined} />
      <Tiles snapshot={snapshot} />
      {(['pharos', 'host'] as const).map((group) => (
        <section key={group} aria-label={group === 'host' ? 'Host' : 'Pharos'}>
          <h2 className="group-title">{group === 'host' ? 'Host' : 'Pharos'}</h2>
          <div className="panel-grid">
            {PANELS.filter((panel) => panel.group === group).map((panel) => (
              <PanelCard key={panel.id} panel={panel} snapshot={snapshot} span={span} onZoom={zoom} />
            ))}
          </div>
        </section>
      ))}
      <div className="home-foot">
        <TargetsCard answer={targets.data?.data} error={targets.error} asOfMs={targets.dataUpdatedAt} />
        <SendData />
      </div>
    </div>
  );
}
