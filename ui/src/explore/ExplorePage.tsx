import { useNavigate } from '@tanstack/react-router';
import { useMemo, useState, type ReactElement } from 'react';
import { contextOf, writeContext } from '../address/context';
import { useAddress, type Address } from '../address/hooks';
import { usePageClock } from '../design/hooks';
import { Icon } from '../design/Icon';
import { CopyIcon, Note } from '../design/parts';
import { Body, Page, PageHead } from '../page/Page';
import { TimeControls } from '../page/TimeControls';
import { WhatElse } from '../related/WhatElse';
import { PATHS } from '../address/places';
import { absolute, isLive, resolveRange, widen, type TimeRange } from '../time/range';
import { useRuns } from '../time/useRuns';
import { remember } from './history';
import { PanelView } from './PanelView';
import { emptyPanel, MOST_PANELS, readPanels, writePanels, type QueryPanel } from './state';

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

/** The address of exactly what is seen: the range fixed, the zone told, nothing refreshed. */
function shareLink({ search, range, tenant }: Address, nowMs: number, utc: boolean): string {
  const span = resolveRange(range, nowMs, utc);
  const fixed = typeof span === 'string' ? range : absolute(span.fromMs, span.toMs);
  const shared = {
    ...writePanels(readPanels(search)),
    ...writeContext({ tenant, range: fixed, ...(utc ? { zone: 'utc' as const } : {}) }),
  };
  const form = new URLSearchParams();
  for (const [key, value] of Object.entries(shared)) if (value !== undefined) form.append(key, value);
  return `${window.location.origin}${PATHS.explore}?${form.toString()}`;
}

export default function ExplorePage(): ReactElement {
  const address = useAddress();
  const { search, range, tenant, refreshMs, change } = address;
  const navigate = useNavigate();
  const { utc } = usePageClock();
  const panels = useMemo(() => readPanels(search), [search]);
  const { at, count, ask } = useRuns(address);
  const { keys, drop } = usePanelKeys(panels.length);
  const span = useMemo(() => resolveRange(range, at, utc), [range, at, utc]);

  const go = (next: readonly QueryPanel[], replace = false): void =>
    void navigate({
      to: PATHS.explore,
      search: { ...writePanels(next), ...contextOf(search) },
      replace,
    });
  const setRange = (next: TimeRange): void => {
    ask();
    change({ range: next });
  };
  const setPanel = (index: number, next: Partial<QueryPanel>, replace: boolean): void =>
    go(
      panels.map((panel, i) => (i === index ? { ...panel, ...next } : panel)),
      replace,
    );
  const runPanel = (index: number, next: Partial<QueryPanel>): void => {
    if (next.expr !== undefined) remember(next.expr);
    ask();
    if (next.expr !== panels[index]?.expr) setPanel(index, next, false);
  };
  const remove = (index: number): void => {
    drop(index);
    const rest = panels.filter((_, i) => i !== index);
    go(rest.length > 0 ? rest : [emptyPanel()]);
  };
  return (
    <Page dense>
      <PageHead
        title="Explore"
        actions={<CopyIcon text={() => shareLink(address, at, utc)} label="Copy a link to exactly this" />}
        time={<TimeControls ranged busy={false} onRange={ask} onNow={ask} />}
      />
      {typeof span === 'string' ? <Note level="bad">The time range is not valid: {span}.</Note> : null}
      {refreshMs > 0 && !isLive(range) ? (
        <Note level="info">The range ends at a fixed time, so there is nothing to refresh.</Note>
      ) : null}
      <Body>
        {panels.map((panel, index) => (
          <PanelView
            key={`${tenant} ${keys[index]}`}
            index={index}
            tenant={tenant}
            panel={panel}
            span={typeof span === 'string' ? null : span}
            run={count}
            only={panels.length === 1}
            onRun={(next) => runPanel(index, next)}
            onChange={(next) => setPanel(index, next, true)}
            onRemove={() => remove(index)}
            onZoom={(fromMs, toMs) => setRange(absolute(fromMs, toMs))}
            onZoomOut={() => {
              if (typeof span !== 'string') setRange(widen(span, Date.now()));
            }}
          />
        ))}
        {panels.length < MOST_PANELS ? (
          <div>
            <button type="button" className="button" onClick={() => go([...panels, emptyPanel()])}>
              <Icon name="plus" size={14} /> Add a query
            </button>
          </div>
        ) : null}
      </Body>
      <WhatElse />
    </Page>
  );
}
