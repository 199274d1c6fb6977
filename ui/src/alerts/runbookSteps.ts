// Steps of a runbook that somebody ticked, by what is on record of the alert.

import type { Step } from '../api/alerting';

export interface Tick {
  readonly by: string;
  readonly at: string;
}

/** What is ticked since the alert began to fire, by the step's text. */
export function ticksOf(steps: readonly Step[]): ReadonlyMap<string, Tick> {
  const began = steps.findLastIndex(({ step }) => step === 'firing');
  const found = new Map<string, Tick>();
  for (const { at, detail } of steps.slice(Math.max(began, 0))) {
    const step = detail['runbook_step'];
    if (typeof step !== 'string') continue;
    const by = detail['name'];
    if (detail['done'] === true) found.set(step, { at, by: typeof by === 'string' ? by : '' });
    else found.delete(step);
  }
  return found;
}

const LONGEST = 500;

/** The text of a step as it is kept. */
export function stepText(text: string): string {
  return text.split('\n')[0]?.trim().slice(0, LONGEST) ?? '';
}

const ACTION = 'action:';

/** The name of the action that a link runs; null for another link. */
export function actionOf(href: string): string | null {
  if (!href.startsWith(ACTION)) return null;
  try {
    return decodeURIComponent(href.slice(ACTION.length)) || null;
  } catch {
    return null;
  }
}
