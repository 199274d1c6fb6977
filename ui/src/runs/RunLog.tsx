import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef, type ReactElement } from 'react';
import { PageLink } from '../address/PageLink';
import type { Asking } from '../api/client';
import { logLines, type LogLine } from '../api/logs';
import type { RunStep, RunView } from '../api/runs';
import { useAsked } from '../api/useAsked';
import { formatClock, formatThings } from '../design/format';
import { usePageClock } from '../design/hooks';
import { Unreadable } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import { Value } from '../design/Value';
import { useMay } from '../session/session';
import { whyNot } from '../session/lacking';
import { absolute } from '../time/range';
import { logsAsked, type LinesAsked } from './logs';
import styles from './runlog.module.css';

const MOST_LINES = 500;
const ROW_PX = 22;
const OVERSCAN = 20;
const SHOWN_CHARACTERS = 500;
const LIVE_MS = 5_000;
/** So near to its end the list follows what comes. */
const NEAR_PX = 40;

/** The newest lines that are asked for, the latest last. */
async function readLines(asked: LinesAsked | null, asking: Asking): Promise<readonly LogLine[]> {
  if (asked === null) return [];
  const { query, fromMs, toMs } = asked;
  const page = await logLines({ query, fromMs, toMs: toMs ?? Date.now() }, MOST_LINES, '', asking);
  return [...page.lines].reverse();
}

function Lines({ lines, label }: { lines: readonly LogLine[]; label: string }): ReactElement {
  const { utc } = usePageClock();
  const box = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  // The virtualizer hands out functions that must not be memoized, which the compiler's rule cannot know.
  // eslint-disable-next-line react-hooks/incompatible-library
  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW_PX,
    overscan: OVERSCAN,
  });
  const last = lines.at(-1)?.ts_ns;
  useEffect(() => {
    if (atEnd.current && lines.length > 0) rows.scrollToIndex(lines.length - 1, { align: 'end' });
    // Only when there are new lines.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [last, lines.length]);
  return (
    <div
      ref={box}
      className={styles.lines}
      role="region"
      aria-label={label}
      tabIndex={0}
      onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
        atEnd.current = scrollHeight - scrollTop - clientHeight < NEAR_PX;
      }}
    >
      <div className={styles.rows} style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map(({ index, start }) => {
          const line = lines[index];
          if (line === undefined) return null;
          return (
            <div
              key={index}
              ref={rows.measureElement}
              data-index={index}
              data-level={line.level}
              className={styles.line}
              style={{ transform: `translateY(${start}px)` }}
            >
              <span className={styles.clock}>
                {formatClock(Math.floor(Number(BigInt(line.ts_ns) / 1_000_000n)), utc)}
              </span>
              <span className={styles.level}>{line.level || '–'}</span>
              <span className={styles.text}>
                <Value text={line.body.slice(0, SHOWN_CHARACTERS)} mono />
              </span>
            </div>
          );
        })}
      </div>
    </div>
  );
}

/** The log lines of a run, or of one of its steps: the newest, the latest below, and with what comes while it goes on. */
export function RunLog(props: { view: RunView; step: RunStep | null; nowMs: number }): ReactElement {
  const { view, step, nowMs } = props;
  const may = useMay();
  const asked = logsAsked(view, step, view.run.is_over);
  const forbidden = whyNot(may, 'logs.view', 'Log lines are seen');
  const answer = useAsked({
    key: ['run log', asked?.query, asked?.fromMs, asked?.toMs],
    ask: (asking) => readLines(asked, asking),
    enabled: asked !== null && forbidden === null,
    refreshMs: view.run.is_over ? 0 : LIVE_MS,
    keep: true,
    retry: false,
    refetchOnWindowFocus: false,
  });
  const lines = answer.data;
  if (forbidden !== null) return <p className="dim">{forbidden}</p>;
  if (asked === null)
    return (
      <p className="dim">
        Nothing ties log lines to {step === null ? 'this run' : 'this step'}. Events of a run that name its{' '}
        <code>service</code> or <code>trace_id</code> do.
      </p>
    );
  if (lines === undefined)
    return answer.error ? (
      <Unreadable what="The log" error={answer.error} asOfMs={0} />
    ) : (
      <Skeleton kind="table" label="The log" rows={10} />
    );
  return (
    <>
      <div className="row wrap">
        <span className="dim grow" role="status">
          {lines.length === MOST_LINES ? 'the newest ' : ''}
          {formatThings(lines.length, 'line')}
          {step === null ? '' : ' of this step’s time'}
        </span>
        <PageLink page="logs" search={{ q: asked.query, ...absolute(asked.fromMs, asked.toMs ?? nowMs) }}>
          Open in Logs
        </PageLink>
      </div>
      <Unreadable what="The lines" error={answer.error} asOfMs={answer.dataUpdatedAt} />
      {lines.length === 0 ? (
        <p className="dim">No line of that time was sent.</p>
      ) : (
        <Lines lines={lines} label="Log lines" />
      )}
    </>
  );
}
