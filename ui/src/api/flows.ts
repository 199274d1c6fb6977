// Control of runs by way of their engine: what it can be asked for, and what came of it.

import { ask, change, type Asking } from './client';

export const FLOW_ACTIONS = ['start', 'pause', 'resume', 'retry', 'abort'] as const;

export type FlowAction = (typeof FLOW_ACTIONS)[number];

/** What an engine was asked for, and what it said. */
export interface FlowControl {
  readonly id: string;
  readonly action: FlowAction;
  readonly workflow: string;
  readonly run_id: string;
  readonly status: 'waiting' | 'sent' | 'accepted' | 'done' | 'refused' | 'failed' | 'expired';
  readonly is_over: boolean;
  readonly message: string;
  readonly by: string;
  readonly reason: string;
  readonly asked_ms: number;
  readonly ended_ms: number | null;
}

export interface FlowHook {
  /** `*` for all workflows without one of their own. */
  readonly workflow: string;
  /** Without `actions` it listens to all. */
  readonly hook: { readonly actions?: readonly FlowAction[] };
}

/** So long an answer of the engine is waited for before the page goes on. */
const WAIT_S = 5;

/** Asks the engine of a run for something; `key` makes a second asking of the same nothing. */
export function controlRun(
  action: Exclude<FlowAction, 'start'>,
  what: { runId: string; reason: string; step?: string; key: string },
  asking: Asking,
): Promise<FlowControl> {
  const { runId, reason, step, key } = what;
  return change(
    'POST',
    `/api/v1/flows/${action}`,
    {
      run_id: runId,
      reason,
      idempotency_key: key,
      wait_s: WAIT_S,
      ...(step === undefined ? {} : { parameters: { step } }),
    },
    asking,
  );
}

/** Asks the engine of a workflow to start a run. */
export function startRun(
  what: { workflow: string; reason: string; parameters: object; key: string },
  asking: Asking,
): Promise<FlowControl> {
  const { workflow, reason, parameters, key } = what;
  const body = { workflow, reason, parameters, idempotency_key: key, wait_s: WAIT_S };
  return change('POST', '/api/v1/flows/start', body, asking);
}

/** What was asked for, the newest first. */
export async function flowControls(
  of: { run_id?: string; workflow?: string },
  asking: Asking,
): Promise<readonly FlowControl[]> {
  const params = { ...of, limit: 20 };
  return (await ask<{ controls: readonly FlowControl[] }>('/api/v1/flows/controls', params, asking)).data
    .controls;
}

export async function flowHooks(asking: Asking): Promise<readonly FlowHook[]> {
  return (await ask<{ hooks: readonly FlowHook[] }>('/api/v1/flows/hooks', {}, asking)).data.hooks;
}
