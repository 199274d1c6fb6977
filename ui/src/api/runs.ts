// Runs of workflows: the list, one run whole, statistics, workflows, two runs beside each other, and what changes.
// Times are milliseconds since the epoch, ratios from 0 to 1.

import { ask, change, type Answer, type Asking } from './client';
import { readEvents } from './events';

/** What is told, and what the server judges of a run that is not over: `late`, `stuck`. Only steps are `skipped`. */
export type RunState =
  | 'pending'
  | 'running'
  | 'paused'
  | 'late'
  | 'stuck'
  | 'succeeded'
  | 'failed'
  | 'aborted'
  | 'timed_out'
  | 'skipped';

export interface RunSummary {
  readonly run_id: string;
  readonly workflow: string;
  readonly state: RunState;
  /** What its events say, without what the server makes of them. */
  readonly told_state: RunState;
  /** Why it is late, stuck, timed out or failed; empty otherwise. */
  readonly reason: string;
  readonly is_over: boolean;
  readonly attempt: number;
  readonly queued_ms: number | null;
  readonly start_ms: number | null;
  readonly end_ms: number | null;
  /** Up to now where it is not over. */
  readonly duration_ms: number | null;
  readonly expected_end_ms: number | null;
  readonly late_after_ms: number | null;
  readonly expected_from: 'history' | 'deadline' | '';
  readonly progress: number | null;
  readonly progress_from: 'told' | 'steps' | 'history' | '';
  readonly last_heard_ms: number | null;
  readonly steps_total: number;
  readonly steps_done: number;
  readonly steps_failed: number;
  readonly current_step: string;
  readonly owner: string;
  readonly version: string;
  readonly engine: string;
  readonly node: string;
  readonly service: string;
  readonly parent: string;
  readonly trace_id: string;
  readonly input_size: number | null;
  readonly cost: number | null;
  readonly cost_unit: string;
  readonly message: string;
  readonly error: string;
  readonly deadline_ms: number | null;
}

/** What runs must meet; several values of one name have commas between. */
export interface RunFilters {
  readonly workflow?: string | undefined;
  readonly state?: string | undefined;
  readonly owner?: string | undefined;
  readonly version?: string | undefined;
  readonly node?: string | undefined;
  readonly engine?: string | undefined;
  readonly parent?: string | undefined;
  readonly query?: string | undefined;
}

export interface RunRange {
  readonly start: number;
  readonly end: number;
}

export interface RunPage {
  readonly runs: readonly RunSummary[];
  /** Where the next page begins; empty where there is none. */
  readonly cursor: string;
  /** How many runs of the tenant are not over. */
  readonly live: number;
}

export function listRuns(
  filters: RunFilters,
  range: RunRange,
  page: { limit: number; cursor?: string | undefined },
  asking: Asking,
): Promise<Answer<RunPage>> {
  return ask('/api/v1/runs', { ...filters, ...range, ...page }, asking, LONGEST);
}

/** These addresses are asked by GET alone. */
const LONGEST = 30_000;

export interface StepTry {
  readonly attempt: number;
  readonly state: RunState;
  readonly start_ms: number | null;
  readonly end_ms: number | null;
  readonly error: string;
  readonly node: string;
}

/** A step as its newest attempt has it, and all its attempts. */
export interface RunStep {
  readonly id: string;
  readonly name: string;
  readonly attempt: number;
  readonly attempts: number;
  readonly state: RunState;
  readonly queued_ms: number | null;
  readonly start_ms: number | null;
  readonly end_ms: number | null;
  readonly duration_ms: number | null;
  readonly progress: number | null;
  readonly depends_on: readonly string[];
  readonly node: string;
  readonly message: string;
  readonly error: string;
  readonly cost: number | null;
  readonly resources: Readonly<Record<string, number>>;
  readonly trace_id: string;
  readonly span_id: string;
  readonly input_size: number | null;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly typical_ms: number | null;
  readonly typical_p95_ms: number | null;
  readonly tries: readonly StepTry[];
}

export interface ValidationLayer {
  readonly name: string;
  readonly success: boolean;
  readonly duration_ms: number | null;
  readonly cache_hit: boolean | null;
  readonly time_ms: number | null;
}

export interface Schedule {
  readonly every_ms?: number;
  readonly cron?: string;
  readonly timezone?: string;
}

export interface Typical {
  /** How many runs it is learned from. */
  readonly runs: number;
  readonly duration_p50_ms: number | null;
  readonly duration_p95_ms: number | null;
  readonly success_rate: number | null;
  readonly cost_p50: number | null;
  /** Of runs of about this input size alone. */
  readonly by_size: boolean;
}

export interface PastRun {
  readonly run_id: string;
  readonly state: RunState;
  readonly start_ms: number | null;
  readonly duration_ms: number | null;
  readonly input_size: number | null;
  readonly version: string;
}

export interface RunLinks {
  readonly trace_id: string;
  readonly service: string;
  readonly start_ms: number | null;
  readonly end_ms: number | null;
  /** Finds its lines in the page of logs; empty where nothing ties them to it. */
  readonly logs_query: string;
  readonly traces_query: string;
}

export interface RunView {
  readonly run: RunSummary;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly resources: Readonly<Record<string, number>>;
  readonly schedule: Schedule | null;
  readonly events: number;
  readonly steps: readonly RunStep[];
  readonly edges: readonly (readonly [string, string])[];
  readonly validation: readonly ValidationLayer[];
  readonly children: readonly RunSummary[];
  readonly typical: Typical | null;
  /** The newest first. */
  readonly history: readonly PastRun[];
  readonly links: RunLinks;
}

export function runView(runId: string, asking: Asking): Promise<Answer<RunView>> {
  return ask(`/api/v1/runs/${encodeURIComponent(runId)}`, {}, asking);
}

export interface RunFigures {
  readonly runs: number;
  readonly live: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly aborted: number;
  readonly timed_out: number;
  readonly success_rate: number | null;
  readonly duration_p50_ms: number | null;
  readonly duration_p95_ms: number | null;
  readonly duration_p99_ms: number | null;
  readonly duration_mean_ms: number | null;
  readonly cost_sum: number | null;
  readonly cost_mean: number | null;
  readonly last_start_ms: number | null;
  readonly last_state: RunState | '';
}

export interface RunGroup extends RunFigures {
  readonly value: string;
}

export const GROUPINGS = ['workflow', 'version', 'owner', 'node', 'engine', 'state'] as const;

export type Grouping = (typeof GROUPINGS)[number];

export interface RunStatistics {
  readonly groups: readonly RunGroup[];
  readonly total: RunFigures;
  readonly steps: readonly {
    readonly start_ms: number;
    readonly succeeded: number;
    readonly failed: number;
    readonly other: number;
  }[];
  readonly step_ms: number;
}

export function runStatistics(
  filters: RunFilters,
  range: RunRange,
  by: Grouping,
  asking: Asking,
): Promise<Answer<RunStatistics>> {
  return ask('/api/v1/run_statistics', { ...filters, ...range, by }, asking, LONGEST);
}

export type WorkflowState = RunState | 'missing' | 'flapping' | 'failing';

export interface Workflow {
  readonly workflow: string;
  readonly state: WorkflowState;
  readonly reason: string;
  readonly live: number;
  readonly late: number;
  readonly stuck: number;
  readonly runs: number;
  readonly success_rate: number | null;
  readonly duration_p50_ms: number | null;
  readonly duration_p95_ms: number | null;
  readonly duration_p99_ms: number | null;
  readonly cost_sum: number | null;
  readonly last: RunSummary | null;
  /** How its last runs ended, the newest first. */
  readonly recent: readonly RunState[];
  readonly schedule: Schedule | null;
  readonly schedule_from: 'told' | 'history' | '';
  readonly expected_start_ms: number | null;
  readonly owner: string;
  readonly versions: readonly string[];
}

/** The workflows of a time, the worst first. */
export function listWorkflows(
  query: string,
  range: RunRange,
  asking: Asking,
): Promise<Answer<{ readonly workflows: readonly Workflow[] }>> {
  return ask('/api/v1/workflows', { ...range, query: query || undefined }, asking);
}

export interface StepOutcome {
  readonly state: RunState;
  readonly duration_ms: number | null;
  readonly attempts: number;
  readonly error: string;
}

export interface StepDifference {
  readonly id: string;
  readonly a: StepOutcome | null;
  readonly b: StepOutcome | null;
  readonly duration_change_ms: number | null;
  /** The part of the whole change that this step explains. */
  readonly share: number | null;
}

export interface FieldDifference {
  readonly name: string;
  readonly a: unknown;
  readonly b: unknown;
}

export interface RunDifference {
  readonly a: RunSummary;
  readonly b: RunSummary;
  readonly fields: readonly FieldDifference[];
  readonly inputs: readonly FieldDifference[];
  /** Those that explain most of the change first. */
  readonly steps: readonly StepDifference[];
  readonly duration_change_ms: number | null;
  readonly cost_change: number | null;
}

export function diffRuns(a: string, b: string, asking: Asking): Promise<Answer<RunDifference>> {
  return ask('/api/v1/run_diff', { a, b }, asking);
}

export interface RunChanges {
  readonly runs: readonly RunSummary[];
  readonly live: number;
}

/**
 * Calls `onChanges` with runs as they change, first with all that are live, until `signal` fires or the stream ends.
 * Rejects as `ask` does.
 */
export function followRuns(
  what: { workflow?: string | undefined; run_id?: string | undefined },
  asking: Asking & { signal: AbortSignal },
  onChanges: (changes: RunChanges) => void,
): Promise<void> {
  return readEvents('/api/v1/run_changes', what, asking, ({ kind, data }) => {
    if (kind === 'runs') onChanges(JSON.parse(data) as RunChanges);
  });
}

/** Of which workflows' runs somebody is told; `*` is said of all that are not named. */
export interface RunAlerts {
  readonly all: boolean;
  readonly workflows: readonly { readonly workflow: string; readonly enabled: boolean }[];
}

const ALERTS = '/api/v1/run_alerts';

export async function runAlerts(asking: Asking): Promise<RunAlerts> {
  return (await ask<RunAlerts>(ALERTS, {}, asking)).data;
}

export function putRunAlerts(workflow: string, enabled: boolean, asking: Asking): Promise<RunAlerts> {
  return change('PUT', ALERTS, { workflow, enabled }, asking);
}
