// Rollouts, which are judged stage by stage, and two groups compared.

import { ask, change, type Answer, type Asking } from './client';
import type { Labels } from './types';

export type Outcome = 'pass' | 'fail' | 'undecided';

/** An effect is a ratio of the new version to the other: 1.1 is a tenth more. */
export interface Effect {
  readonly effect: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

export interface JudgedPart extends Effect {
  readonly verdict: Outcome;
  readonly after_s: number | null;
}

export interface Verdict {
  readonly verdict: Outcome;
  readonly after_s: number | null;
  readonly latency: JudgedPart;
  readonly errors: JudgedPart;
  /** How much more must be seen, in words; empty where it is decided. */
  readonly needs: string;
  readonly baseline_requests: number;
  readonly canary_requests: number;
}

export interface Gate {
  readonly name: string;
  readonly holds: boolean;
  readonly answer: string;
}

export interface StageEnd {
  readonly weight: number;
  readonly began: string;
  readonly ended: string;
  readonly outcome: string;
  readonly verdict: Verdict | null;
  readonly gates: readonly Gate[];
}

export type Phase = 'running' | 'waiting' | 'passed' | 'failed' | 'aborted';

export interface Run {
  readonly number: number;
  readonly baseline: string;
  readonly canary: string;
  readonly phase: Phase;
  readonly weight: number;
  readonly began: string;
  readonly stage_began: string;
  readonly ended: string | null;
  readonly reason: string;
  readonly is_closed: boolean;
  readonly stages: readonly StageEnd[];
}

export interface Rollout {
  readonly name: string;
  readonly version: number;
  readonly by: string;
  readonly stages: readonly number[];
  readonly rollout: Readonly<Record<string, unknown>>;
  readonly run: Run | null;
  readonly verdict: Verdict | null;
  readonly gates: readonly Gate[];
  readonly seen: string | null;
  readonly history: readonly Run[];
}

const BASE = '/api/v1/rollouts';

function at(name: string, part = ''): string {
  return `${BASE}/${encodeURIComponent(name)}${part}`;
}

export function rollouts(asking: Asking): Promise<Answer<readonly Rollout[]>> {
  return ask(BASE, {}, asking);
}

export function rollout(name: string, asking: Asking): Promise<Answer<Rollout>> {
  return ask(at(name), {}, asking);
}

export function startRun(
  name: string,
  wanted: { baseline: string; canary: string; reason: string },
  asking: Asking,
): Promise<Rollout> {
  return change('POST', at(name, '/start'), wanted, asking);
}

/** The next stage begins; or the run ends, or its failure is said to be dealt with. */
export function moveRun(
  name: string,
  deed: 'advance' | 'end',
  reason: string,
  asking: Asking,
): Promise<Rollout> {
  return change('POST', at(name, `/${deed}`), { reason }, asking);
}

export type MeasureKind = 'metric' | 'spans' | 'logs' | 'runs';
export type Better = 'lower' | 'higher' | 'neither';
export type Severity = 'none' | 'low' | 'medium' | 'high' | 'critical';

export interface Measure {
  readonly name: string;
  readonly metric?: string;
  readonly spans?: string;
  readonly logs?: string;
  readonly runs?: string;
  readonly better?: Better;
}

export interface Group {
  readonly name: string;
  readonly start: string;
  readonly end: string;
}

export interface Difference extends Effect {
  readonly measure: string;
  readonly kind: 'latency' | 'errors' | 'duration' | 'failures' | 'metric' | 'pattern';
  readonly labels: Labels;
  readonly better: Better;
  readonly baseline: number | null;
  readonly canary: number | null;
  readonly change_percent: number | null;
  readonly delta: number | null;
  readonly p_value: number | null;
  readonly verdict: Outcome;
  readonly severity: Severity;
  readonly is_different: boolean;
  readonly needs: string;
}

export interface Comparison {
  readonly baseline: Group;
  readonly canary: Group;
  readonly verdict: Outcome;
  readonly score: number | null;
  readonly severity: Severity;
  readonly differences: readonly Difference[];
  readonly savings: readonly {
    readonly measure: string;
    readonly saves: string;
    readonly per_second: number;
    readonly total: number;
    readonly percent: number | null;
    readonly cost: number | null;
  }[];
  readonly notes: readonly string[];
}

export function compareGroups(
  wanted: { baseline: Group; canary: Group; measures: readonly Measure[] },
  asking: Asking,
): Promise<Comparison> {
  return change('POST', '/api/v1/comparisons', wanted, asking);
}
