// What an objective's figures come to in words, and its definition as the fields of a form.

import type { Slo, SloDefinition } from '../api/slos';
import type { Json } from '../api/governance';
import { formatSeconds } from '../design/format';
import type { Status } from '../design/status';

const LITTLE = 0.25;

/** How it stands: the state that calls for the most. */
export function standOf(slo: Slo): Status {
  if (!slo.is_measured) return 'no-data';
  const left = slo.budget_remaining;
  if (left === null || left <= 0) return 'critical';
  if (left < LITTLE || (slo.burn_rate ?? 0) > 1) return 'warning';
  return 'ok';
}

export const STANDS: Readonly<Partial<Record<Status, string>>> = {
  critical: 'exhausted',
  warning: 'at risk',
  ok: 'met',
  'no-data': 'not measured',
};

/** A ratio in percent, with as many digits as tell it from all or nothing. */
export function percent(ratio: number | null, digits = 1): string {
  if (ratio === null) return '–';
  const value = ratio * 100;
  const written = value.toFixed(digits);
  if (ratio !== 0 && Math.abs(value) < 10 ** -digits) return `${ratio < 0 ? '>-' : '<'}${10 ** -digits} %`;
  return `${written} %`;
}

/** How long the budget lasts. */
export function lasts(minutes: number | null): string {
  if (minutes === null) return 'for good';
  if (minutes <= 0) return 'spent';
  return formatSeconds(minutes * 60, 2);
}

/** A burn rate as people say it. */
export function times(rate: number | null): string {
  if (rate === null) return '–';
  if (rate === 0) return '0';
  return `${rate < 10 ? rate.toFixed(rate < 1 ? 2 : 1) : Math.round(rate)}×`;
}

export const KINDS = ['ratio', 'latency', 'threshold', 'availability'] as const;

export type SloKind = (typeof KINDS)[number];

export interface SloDraft {
  name: string;
  service: string;
  description: string;
  target: string;
  /** A duration, or `calendar`. */
  window: string;
  start: string;
  zone: string;
  months: string;
  kind: SloKind;
  /** Of a ratio: what the first metric counts. */
  counts: 'errors' | 'good';
  part: string;
  total: string;
  metric: string;
  atMost: string;
  query: string;
  op: string;
  value: string;
  by: readonly string[];
  labels: Readonly<Record<string, string>>;
  design: string;
  alerts: boolean;
  countsMaintenance: boolean;
  interval: string;
}

export const BLANK: SloDraft = {
  name: '',
  service: '',
  description: '',
  target: '99.9',
  window: '30d',
  start: '',
  zone: 'UTC',
  months: '1',
  kind: 'ratio',
  counts: 'errors',
  part: '',
  total: '',
  metric: '',
  atMost: '0.5',
  query: '',
  op: '<',
  value: '',
  by: [],
  labels: {},
  design: 'gated',
  alerts: true,
  countsMaintenance: false,
  interval: '',
};

function indicatorOf(draft: SloDraft): SloDefinition {
  switch (draft.kind) {
    case 'ratio':
      return { type: 'ratio', [draft.counts]: draft.part.trim(), total: draft.total.trim() };
    case 'latency':
      return { type: 'latency', metric: draft.metric.trim(), at_most: draft.atMost.trim() };
    case 'threshold':
      return { type: 'threshold', query: draft.query.trim(), op: draft.op, value: draft.value.trim() };
    case 'availability':
      return { type: 'availability', metric: draft.metric.trim() };
  }
}

/** The definition that the fields make. */
export function definitionOf(draft: SloDraft): SloDefinition {
  const isCalendar = draft.window === 'calendar';
  return {
    service: draft.service.trim(),
    target: draft.target.trim(),
    ...(draft.description.trim() === '' ? {} : { description: draft.description.trim() }),
    ...(isCalendar
      ? { calendar: { start: draft.start, zone: draft.zone.trim(), months: Number(draft.months) } }
      : { window: draft.window }),
    indicator: indicatorOf(draft),
    ...(draft.by.length === 0 ? {} : { by: [...draft.by] }),
    ...(Object.keys(draft.labels).length === 0 ? {} : { labels: { ...draft.labels } }),
    design: draft.design,
    alerts: draft.alerts,
    counts_maintenance: draft.countsMaintenance,
    ...(draft.interval.trim() === '' ? {} : { interval: draft.interval.trim() }),
  };
}

const text = (value: Json | undefined, otherwise = ''): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : otherwise;
const record = (value: Json | undefined): Readonly<Record<string, Json>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, Json>>)
    : {};

/** The fields that a definition came from. */
export function draftOf(name: string, definition: SloDefinition): SloDraft {
  const indicator = record(definition['indicator']);
  const calendar = definition['calendar'] === undefined ? null : record(definition['calendar']);
  const counts = indicator['good'] === undefined ? 'errors' : 'good';
  const by = definition['by'];
  const labels = Object.entries(record(definition['labels'])).map(
    ([key, value]) => [key, text(value)] as const,
  );
  return {
    ...BLANK,
    name,
    service: text(definition['service']),
    description: text(definition['description']),
    target: text(definition['target']),
    window: calendar === null ? text(definition['window'], '30d') : 'calendar',
    start: text(calendar?.['start']),
    zone: text(calendar?.['zone'], 'UTC'),
    months: text(calendar?.['months'], '1'),
    kind: KINDS.find((one) => one === indicator['type']) ?? 'ratio',
    counts,
    part: text(indicator[counts]),
    total: text(indicator['total']),
    metric: text(indicator['metric']),
    atMost: text(indicator['at_most'], BLANK.atMost),
    query: text(indicator['query']),
    op: text(indicator['op'], '<'),
    value: text(indicator['value']),
    by: Array.isArray(by) ? by.map((one) => text(one as Json)) : [],
    labels: Object.fromEntries(labels),
    design: text(definition['design'], 'workbook'),
    alerts: definition['alerts'] !== false,
    countsMaintenance: definition['counts_maintenance'] === true,
    interval: text(definition['interval']),
  };
}

/** Whether all is there that has to be. */
export function isWhole(draft: SloDraft): boolean {
  const needed: Readonly<Record<SloKind, readonly string[]>> = {
    ratio: [draft.part, draft.total],
    latency: [draft.metric, draft.atMost],
    threshold: [draft.query, draft.value],
    availability: [draft.metric],
  };
  const own = [draft.name, draft.service, draft.target, ...needed[draft.kind]];
  if (draft.window === 'calendar') own.push(draft.start);
  return own.every((one) => one.trim() !== '');
}
