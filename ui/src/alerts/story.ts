// What happened to an alert, as a page tells it.

import type { AlertView } from '../api/alerts';
import type { Step } from '../api/alerting';
import type { Grid } from '../api/calls';
import type { Labels } from '../api/types';
import type { Status } from '../design/status';

const STATUS: Readonly<Record<string, Status>> = {
  pending: 'pending',
  firing: 'critical',
  resolved: 'ok',
  unknown: 'unknown',
  routed: 'info',
  held: 'muted',
  released: 'info',
  queued: 'info',
  sent: 'ok',
  not_sent: 'warning',
  dead: 'critical',
  acknowledged: 'acknowledged',
  unacknowledged: 'warning',
  escalated: 'warning',
  voted: 'acknowledged',
  acted: 'info',
  noted: 'info',
};

/** How a step is drawn. */
export function stepStatus(step: string): Status {
  return STATUS[step] ?? 'info';
}

function labelsIn(value: unknown): Labels | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const pairs = Object.entries(value).filter((pair): pair is [string, string] => typeof pair[1] === 'string');
  return pairs.length === 0 ? null : Object.fromEntries(pairs);
}

/** The alert as it was last, from what is told of it: of one that is over nothing else is left. Null without any. */
export function rememberedAlert(fingerprint: string, steps: readonly Step[]): AlertView | null {
  const last = steps.findLast(({ detail }) => labelsIn(detail['labels']) !== null);
  const began = steps.findLast(({ step }) => step === 'firing') ?? last;
  if (last === undefined || began === undefined) return null;
  return {
    fingerprint,
    labels: labelsIn(last.detail['labels']) ?? {},
    annotations: labelsIn(last.detail['annotations']) ?? labelsIn(began.detail['annotations']) ?? {},
    state: 'resolved',
    since: began.at,
    value: null,
    receivers: [],
    held_by: [],
    acknowledgement: null,
    generator_url: '',
    rule: null,
  };
}

/** A selector of the alert's own series of `ALERTS`; `only` names the labels that it must share with it. */
export function alertsSelector(labels: Labels, only?: readonly string[]): string {
  const matchers = Object.entries(labels)
    .filter(([name]) => only === undefined || only.includes(name))
    .map(
      ([name, value]) =>
        `${/^[a-zA-Z_]\w*$/u.test(name) ? name : JSON.stringify(name)}=${JSON.stringify(value)}`,
    );
  return `ALERTS{${matchers.join(', ')}}`;
}

/**
 * Where in a grid that reaches the present the alert is as it is now: from the instant on in whose step that began;
 * null where it is over, or the grid ends before. The last instant has no width in a chart, so that the one before it
 * is the last that may be the first.
 */
export function standsFrom(
  alert: Pick<AlertView, 'state' | 'since'>,
  grid: Grid,
  nowS: number,
): number | null {
  const since = Date.parse(alert.since) / 1000;
  if (alert.state === 'resolved' || alert.state === 'unknown' || Number.isNaN(since)) return null;
  const last = Math.round((grid.end - grid.start) / grid.step);
  if (grid.end + 2 * grid.step < nowS) return null;
  return Math.max(0, Math.min(Math.floor((since - grid.start) / grid.step), last - 1));
}

/** Whether a series is of what the alert is about: every label that both have is the same. */
export function isOf(series: Labels, alert: Labels): boolean {
  return Object.entries(series).every(
    ([name, value]) => name === '__name__' || alert[name] === undefined || alert[name] === value,
  );
}

/** The address in an annotation, if it is one that a browser may open. */
export function webAddress(text: string | undefined): string | null {
  return text !== undefined && /^https?:\/\/\S+$/u.test(text.trim()) ? text.trim() : null;
}
