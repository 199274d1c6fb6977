import { useDocumentVisibility } from '@mantine/hooks';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback, useEffect, useMemo, useState, type ReactElement } from 'react';
import { usePageClock } from '../design/hooks';
import { Icon } from '../design/Icon';
import { CopyIcon, Note } from '../design/parts';
import { REFRESH_EVENT } from '../shell/shortcuts';
import { absolute, isLive, resolveRange, widen, type TimeRange } from '../time/range';
import { RefreshControl } from '../time/RefreshControl';
import { TimePicker } from '../time/TimePicker';
import './explore.css';
import { remember } from './history';
import { PanelView } from './PanelView';
import {
  emptyPanel,
  MOST_PANELS,
  readState,
  writeState,
  type ExploreState,
  type Flat,
  type QueryPanel,
} from './state';

/** Keys for panels that stay with them when one before is removed; the address bar knows only their order. */
function usePanelKeys(count: number): { keys: number[]; drop: (index: number) => void } {
  const [state, setState] = useState({ keys: [0], next: 1 });
  let { keys, next } = state;
  if (keys.length !== count) {
    keys = keys.slice(0, count);
    while (keys.length < count) {
      keys.push(next);
      next += 1;
    }
    setState({ keys, next });
  }
  return {
    keys,
    drop: (index) => setState((now) => ({ ...now, keys: now.keys.filter((_, i) => i !== index) })),
  };
}

function shareLink(state: ExploreState, nowMs: number, utc: boolean): string {
  const span = resolveRange(state.range, nowMs, utc);
  const range = typeof span === 'string' ? state.range : absolute(span.fromMs, span.toMs);
  const flat = writeState({ ...state, range, refreshMs: 0 });
  return `${window.location.origin}/explore?${new URLSearchParams(flat).toString()}`;
}

export function ExplorePage(): ReactElement {
  const search: Flat = useSearch({ strict: false });
  const navigate = useNavigate();
  const { utc } = usePageClock();
  const visible = useDocumentVisibility() === 'visible';
  const state = useMemo(() => readState(search), [search]);
  const [run, setRun] = useState(() => ({ at: Date.now(), count: 0 }));
  const { keys, drop } = usePanelKeys(state.panels.length);

  const ask = useCallback(() => setRun((now) => ({ at: Date.now(), count: now.count + 1 })), []);
  const go = useCallback(
    (next: ExploreState, replace = false) => {
      void navigate({ to: '/explore', search: writeState(next) as never, replace });
    },
    [navigate],
  );
  const live = isLive(state.range);
  useEffect(() => {
    if (!visible || !live || state.refreshMs === 0) return undefined;
    const timer = setInterval(ask, state.refreshMs);
    return () => clearInterval(timer);
  }, [visible, live, state.refreshMs, ask]);
  useEffect(() => {
    window.addEventListener(REFRESH_EVENT, ask);
    return () => window.removeEventListener(REFRESH_EVENT, ask);
  }, [ask]);

  const span = useMemo(() => resolveRange(state.range, run.at, utc), [state.range, run.at, utc]);
  const setRange = (range: TimeRange): void => {
    ask();
    go({ ...state, range });
  };
  const setPanel = (index: number, change: Partial<QueryPanel>, replace: boolean): void =>
    go(
      { ...state, panels: state.panels.map((panel, i) => (i === index ? { ...panel, ...change } : panel)) },
      replace,
    );
  const runPanel = (index: number, change: Partial<QueryPanel>): void => {
    if (change.expr !== undefined) remember(change.expr);
    ask();
    if (change.expr !== state.panels[index]?.expr) setPanel(index, change, false);
  };
  const remove = (index: number): void => {
    drop(index);
    const rest = state.panels.filter((_, i) => i !== index);
    go({ ...state, panels: rest.length > 0 ? rest : [emptyPanel()] });
  };
  return (
    <div className="page explore">
      <div className="page-head explore-head">
        <h1>Explore</h1>
        <span className="grow" />
        <CopyIcon text={() => shareLink(state, run.at, utc)} label="Copy a link to exactly this" />
        <TimePicker range={state.range} onChange={setRange} />
        <RefreshControl
          refreshMs={state.refreshMs}
          onChange={(refreshMs) => go({ ...state, refreshMs }, true)}
          onNow={ask}
          busy={false}
        />
      </div>
      {typeof span === 'string' ? <Note level="bad">The time range is not valid: {span}.</Note> : null}
      {state.refreshMs > 0 && !live ? (
        <Note level="info">The range ends at a fixed time, so there is nothing to refresh.</Note>
      ) : null}
      {state.panels.map((panel, index) => (
        <PanelView
          key={keys[index]}
          index={index}
          panel={panel}
          span={typeof span === 'string' ? null : span}
          run={run.count}
          only={state.panels.length === 1}
          onRun={(change) => runPanel(index, change)}
          onChange={(change) => setPanel(index, change, true)}
          onRemove={() => remove(index)}
          onZoom={(fromMs, toMs) => setRange(absolute(fromMs, toMs))}
          onZoomOut={() => {
            if (typeof span !== 'string') setRange(widen(span, Date.now()));
          }}
        />
      ))}
      {state.panels.length < MOST_PANELS ? (
        <div>
          <button
            type="button"
            className="button"
            onClick={() => go({ ...state, panels: [...state.panels, emptyPanel()] })}
          >
            <Icon name="plus" size={14} /> Add a query
          </button>
        </div>
      ) : null}
    </div>
  );
}
