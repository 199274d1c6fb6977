// Which buttons a run has: by its state, by what its engine listens to, and by who looks.

import { FLOW_ACTIONS, type FlowAction, type FlowHook } from '../api/flows';
import type { RunState } from '../api/runs';
import type { Permission } from '../session/session';
import { whyNot } from '../session/lacking';

export type RunAction = Exclude<FlowAction, 'start'>;

interface Named {
  readonly name: string;
  /** What is done, for who may not do it. */
  readonly deed: string;
  readonly permission: Permission;
  readonly danger: boolean;
  /** What will happen. */
  readonly says: string;
}

export const ACTIONS: Readonly<Record<RunAction, Named>> = {
  pause: {
    name: 'Pause',
    deed: 'Runs are paused',
    permission: 'flows.pause',
    danger: false,
    says: 'Its engine is asked to pause it: as a rule what runs now is finished, and nothing else is begun.',
  },
  resume: {
    name: 'Resume',
    deed: 'Runs are resumed',
    permission: 'flows.resume',
    danger: false,
    says: 'Its engine is asked to go on with it.',
  },
  retry: {
    name: 'Retry',
    deed: 'Runs are retried',
    permission: 'flows.retry',
    danger: false,
    says: 'Its engine is asked to run again what failed.',
  },
  abort: {
    name: 'Abort',
    deed: 'Runs are aborted',
    permission: 'flows.abort',
    danger: true,
    says: 'Its engine is asked to end it now. What it has not finished stays undone.',
  },
};

/** What can be asked of a run in this state. */
export function actionsIn(state: RunState): readonly RunAction[] {
  switch (state) {
    case 'paused':
      return ['resume', 'abort'];
    case 'pending':
      return ['abort'];
    case 'running':
    case 'late':
    case 'stuck':
      return ['pause', 'abort'];
    case 'failed':
    case 'aborted':
    case 'timed_out':
      return ['retry'];
    case 'succeeded':
    case 'skipped':
      return [];
  }
}

/** What the engine of a workflow listens to; null where none listens. */
export function actionsOf(hooks: readonly FlowHook[], workflow: string): readonly FlowAction[] | null {
  const own = hooks.find((one) => one.workflow === workflow) ?? hooks.find((one) => one.workflow === '*');
  return own === undefined ? null : (own.hook.actions ?? FLOW_ACTIONS);
}

/** Why a button cannot be pressed; null where it can. */
export function refusal(
  action: RunAction,
  listens: readonly FlowAction[] | null,
  may: (permission: Permission) => boolean,
): string | null {
  const { deed, permission, name } = ACTIONS[action];
  if (listens === null) return `${name}: no engine listens for this workflow; a hook makes it.`;
  if (!listens.includes(action)) return `${name}: the engine of this workflow cannot do it.`;
  return whyNot(may, permission, deed);
}

/** What came of asking, as a sentence. */
export function outcomeText(action: FlowAction, status: string, message: string): string {
  const said = message === '' ? '' : `: ${message}`;
  switch (status) {
    case 'done':
      return `The engine did it (${action})${said}`;
    case 'accepted':
      return `The engine took it on (${action})${said}`;
    case 'refused':
      return `The engine refused to ${action}${said}`;
    case 'failed':
      return `The engine could not ${action}${said}`;
    case 'expired':
      return `The engine did not answer (${action})${said}`;
    default:
      return `The engine was asked to ${action}${said}`;
  }
}

/** A key that no other asking has; on pages without encryption too, where browsers have no `randomUUID`. */
export function randomKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('');
}

/** The parameters that were typed as JSON, none for nothing; null for what is no object. */
export function readParameters(typed: string): object | null {
  if (typed.trim() === '') return {};
  try {
    const read: unknown = JSON.parse(typed);
    return typeof read === 'object' && read !== null && !Array.isArray(read) ? read : null;
  } catch {
    return null;
  }
}
