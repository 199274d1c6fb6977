// What the pages of runs are made of: states, links, progress, cells of the last runs.

import { Link, useParams } from '@tanstack/react-router';
import clsx from 'clsx';
import { createContext, use, type ReactElement, type ReactNode } from 'react';
import { useCarried } from '../address/hooks';
import { RUN, WORKFLOW } from '../address/places';
import type { RunState, RunSummary, WorkflowState } from '../api/runs';
import { formatAgo, formatInstant, formatSeconds, formatValue } from '../design/format';
import { usePageClock } from '../design/hooks';
import { StatusChip } from '../design/StatusChip';
import { STATUS_LOOKS } from '../design/status';
import { visibleText } from '../design/value';
import { Value } from '../design/Value';
import { NoValue } from '../design/NoValue';
import { elapsedMs, endingText, lookOf, progressOf, untilText } from './state';
import styles from './runparts.module.css';

/**
 * The present of all that is shown of runs, in milliseconds; a table's columns stay as they are while it goes on. Of a run
 * that is over, the time of its end.
 */
export const NowContext = createContext(0);

export function percent(share: number): string {
  return `${(share * 100).toFixed(4)}%`;
}

/** Whose page it is by the address, with the slashes that a name may have in it. */
export function useName(): string {
  const { name = '', _splat: rest = '' } = useParams({ strict: false });
  return rest === '' ? name : `${name}/${rest}`;
}

/** A link to the page of one run. */
export function RunLink(props: {
  runId: string;
  className?: string | undefined;
  title?: string;
  children: ReactNode;
}): ReactElement {
  const { runId, className, title, children } = props;
  const search = useCarried({});
  return (
    <Link
      to={RUN}
      params={{ name: runId }}
      search={search}
      {...(className === undefined ? {} : { className })}
      {...(title === undefined ? {} : { title })}
    >
      {children}
    </Link>
  );
}

/** A link to the page of one workflow. */
export function WorkflowLink(props: {
  workflow: string;
  className?: string | undefined;
  children?: ReactNode;
}): ReactElement {
  const { workflow, className, children } = props;
  const search = useCarried({});
  return (
    <Link
      to={WORKFLOW}
      params={{ name: workflow }}
      search={search}
      {...(className === undefined ? {} : { className })}
    >
      {children ?? <Value text={workflow} />}
    </Link>
  );
}

/** How it stands, by icon, colour and word; the hover says why. */
export function StateChip({ state, reason = '' }: { state: WorkflowState; reason?: string }): ReactElement {
  const { name, status } = lookOf(state);
  return (
    <span className={styles.chip} {...(reason === '' ? {} : { title: visibleText(reason) })}>
      <StatusChip status={status}>{name}</StatusChip>
    </span>
  );
}

/** The colour of a state: a class of this folder's style sheets. */
export function toneOf(state: WorkflowState): string {
  return styles[STATUS_LOOKS[lookOf(state).status].tone ?? 'none'] ?? '';
}

/** A bar of how far something is, with the figure beside it. */
export function ProgressBar(props: {
  /** From 0 to 1; null where it is not known: then the bar only says that something goes on. */
  share: number | null;
  state: RunState;
  label: string;
  /** Without the figure. */
  bare?: boolean;
}): ReactElement {
  const { share, state, label, bare = false } = props;
  const text = share === null ? 'not known' : formatValue(Math.floor(share * 100) / 100, 'ratio');
  return (
    <span className={styles.progress}>
      <span
        className={clsx(styles.progressTrack, share === null && styles.unknown)}
        role="progressbar"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={100}
        {...(share === null ? {} : { 'aria-valuenow': Math.floor(share * 100) })}
        title={`${label}: ${text}`}
      >
        <i className={toneOf(state)} style={{ width: percent(share ?? 0) }} />
      </span>
      {bare ? null : <span className={styles.progressFigure}>{share === null ? '' : text}</span>}
    </span>
  );
}

/** How far a run is; empty of one that is over and did not say. */
export function RunProgress({ run }: { run: RunSummary }): ReactElement | null {
  const nowMs = use(NowContext);
  const share = progressOf(run, nowMs);
  if (run.is_over && (share === null || share >= 1))
    return run.steps_total > 0 ? (
      <span className="dim">
        {run.steps_done} of {run.steps_total} steps
      </span>
    ) : (
      <NoValue />
    );
  if (run.state === 'pending') return <NoValue />;
  return <ProgressBar share={share} state={run.state} label={`Progress of ${visibleText(run.run_id)}`} />;
}

/** How long ago something was; the hover says when. */
export function Ago({ atMs }: { atMs: number | null }): ReactElement {
  const nowMs = use(NowContext);
  const { utc } = usePageClock();
  if (atMs === null) return <NoValue />;
  return <span title={formatInstant(atMs, utc)}>{formatAgo(atMs, nowMs)}</span>;
}

/** When something is expected, and by how much that is past. */
export function Until({ atMs, past }: { atMs: number; past: string }): ReactElement {
  const nowMs = use(NowContext);
  const { utc } = usePageClock();
  return <span title={formatInstant(atMs, utc)}>{untilText(atMs, nowMs, past)}</span>;
}

/** How long a run takes, up to now where it goes on. */
export function Elapsed({ run }: { run: RunSummary }): ReactElement {
  const nowMs = use(NowContext);
  const ms = elapsedMs(run, nowMs);
  if (ms === null) return <NoValue />;
  const seconds = run.is_over ? ms / 1000 : Math.floor(ms / 1000);
  return <span title={`${ms} ms`}>{formatSeconds(seconds)}</span>;
}

/** When a run is expected to be over; of one that is, when that was. */
export function Ending({ run }: { run: RunSummary }): ReactElement {
  const nowMs = use(NowContext);
  const { utc } = usePageClock();
  const text = endingText(run, nowMs);
  const at = run.is_over ? run.end_ms : run.expected_end_ms;
  if (at === null) return <span className="dim">{run.is_over ? '–' : 'not known yet'}</span>;
  if (run.state === 'paused') return <span className="dim">once it goes on</span>;
  const instant = formatInstant(Math.floor(at / 1000) * 1000, utc);
  if (run.is_over) return <span className="dim">{instant}</span>;
  const from = run.expected_from === 'deadline' ? 'its deadline' : 'expected by its history';
  return (
    <span className={clsx(run.state === 'late' && styles.late)} title={`${instant}, ${from}`}>
      {text}
    </span>
  );
}

const CELLS = 20;

/** How the last runs ended, the newest at the right: a cell each, told in words as well. */
export function Cells({ states, label }: { states: readonly RunState[]; label: string }): ReactElement {
  const shown = states.slice(0, CELLS).reverse();
  const counts = new Map<string, number>();
  for (const state of states) counts.set(lookOf(state).name, (counts.get(lookOf(state).name) ?? 0) + 1);
  const said = [...counts].map(([name, count]) => `${count} ${name.toLowerCase()}`).join(', ');
  return (
    <span
      className={styles.cells}
      role="img"
      aria-label={`${label}: ${said === '' ? 'none' : said}`}
      title={said}
    >
      {Array.from({ length: CELLS - shown.length }, (_, i) => (
        <i key={`none ${i}`} />
      ))}
      {shown.map((state, i) => (
        <i key={i} className={toneOf(state)} data-state={state} />
      ))}
    </span>
  );
}

/** Name and value beside each other, one below the other. */
export function Facts({ facts }: { facts: readonly (readonly [string, ReactNode] | null)[] }): ReactElement {
  return (
    <dl className={styles.facts}>
      {facts.map((fact) =>
        fact === null ? null : (
          <div key={fact[0]}>
            <dt>{fact[0]}</dt>
            <dd>{fact[1]}</dd>
          </div>
        ),
      )}
    </dl>
  );
}

export function Card({
  title,
  count,
  aside,
  children,
}: {
  title: string;
  count?: string;
  aside?: ReactNode;
  children: ReactNode;
}): ReactElement {
  return (
    <section className="panel card" aria-label={title}>
      <header className="row wrap">
        <h2 className="grow">
          {title} {count === undefined ? null : <span className="dim">{count}</span>}
        </h2>
        {aside}
      </header>
      {children}
    </section>
  );
}
