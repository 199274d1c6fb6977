import { useElementSize } from '@mantine/hooks';
import { useRouterState } from '@tanstack/react-router';
import { useMemo, useState, type ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import { shared as askShared, SHARED_QUERY, type PanelModel, type Shared } from '../api/dashboards';
import { useAsked } from '../api/useAsked';
import { EmptyState } from '../design/EmptyState';
import { formatInstant } from '../design/format';
import { usePageClock } from '../design/hooks';
import { Skeleton } from '../design/Skeleton';
import { Page, PageHead } from '../page/Page';
import { TimeControls } from '../page/TimeControls';
import { resolveRange } from '../time/range';
import { useRuns } from '../time/useRuns';
import { PanelCard } from './PanelCard';
import { Rows, type Size } from './Rows';
import { useBoard, useFrame } from './useBoard';
import styles from './dashboard.module.css';

const WIDTH_STEP_PX = 100;

function endOf(text: string | number): string {
  return typeof text === 'number' ? String(text) : text;
}

function Board({ token, shared }: { token: string; shared: Shared }): ReactElement {
  const address = useAddress();
  const { utc } = usePageClock();
  const { at, ask } = useRuns(address);
  const { ref, width } = useElementSize();
  const [collapsed, setCollapsed] = useState<Readonly<Record<string, boolean>>>({});
  const wide = Math.ceil(width / WIDTH_STEP_PX) * WIDTH_STEP_PX;
  const free = shared.free_range && address.ranged;
  const range = useMemo(
    () => (free ? address.range : { from: endOf(shared.from), to: endOf(shared.to) }),
    [free, address.range, shared],
  );
  const span = useMemo(() => {
    const read = resolveRange(range, at, utc);
    return typeof read === 'string' ? { fromMs: at - 3_600_000, toMs: at } : read;
  }, [range, at, utc]);
  const base = useMemo(
    () =>
      wide === 0
        ? null
        : { token, collapsed, width_px: wide, ...(free ? { from: span.fromMs, to: span.toMs } : {}) },
    [wide, token, free, span, collapsed],
  );
  const board = useBoard(base, SHARED_QUERY);
  const frame = useFrame(board);
  const rows = (frame.tabs[0] ?? shared.model.tabs[0])?.rows ?? [];
  return (
    <Page dense>
      <PageHead
        title={frame.title || shared.title}
        about={
          shared.kind === 'snapshot'
            ? `snapshot of ${formatInstant(Date.parse(shared.created_at), utc)}`
            : 'shared'
        }
        time={
          shared.free_range ? <TimeControls ranged busy={frame.asking} onRange={ask} onNow={ask} /> : null
        }
      />
      <div ref={ref} className={styles.surface}>
        {width === 0 ? null : (
          <Rows
            rows={rows}
            width={width}
            collapsed={collapsed}
            onCollapse={(key, closed) => setCollapsed({ ...collapsed, [key]: closed })}
            draw={(panel: PanelModel, size: Size) => (
              <PanelCard
                panel={panel}
                dataKey={panel.key}
                board={board}
                range={span}
                nowMs={at}
                annotations={[]}
                entries={[]}
                {...size}
              />
            )}
          />
        )}
      </div>
    </Page>
  );
}

/** A dashboard that somebody shared by a link: to be looked at. */
export default function SharedPage(): ReactElement {
  const token = useRouterState({ select: ({ location }) => location.hash });
  const answer = useAsked({
    key: ['shared', token],
    ask: (asking) => askShared(token, asking),
    staleTime: Infinity,
    retry: false,
  });
  if (answer.data) return <Board key={token} token={token} shared={answer.data} />;
  return (
    <Page>
      <PageHead title="Shared dashboard" />
      {answer.error ? (
        <EmptyState reason="no-such" title="This link leads nowhere">
          {answer.error.message}
        </EmptyState>
      ) : (
        <Skeleton kind="chart" label="The dashboard" height={300} />
      )}
    </Page>
  );
}
