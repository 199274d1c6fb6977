// What else changed then, of all signals in one list: what each finding says, and how much it explains. Pure.

import type { AttributeDifference, RateSeries } from '../api/traces';
import type { ChangedSeries } from '../api/correlations';
import type { LogPattern } from '../api/logs';
import type { RelatedAnswer } from '../api/types';
import { formatCount, formatSeconds, formatValue, guessUnit } from '../design/format';
import { newTemplates } from '../logs/templates';

export const KINDS = ['starts', 'changes', 'health', 'alerts', 'logs', 'traces', 'series'] as const;

export type FindingKind = (typeof KINDS)[number];

export const KIND_NAMES: Readonly<Record<FindingKind, string>> = {
  starts: 'Versions and starts',
  changes: 'Changes by people',
  health: 'Health',
  alerts: 'Alerts',
  logs: 'Log patterns',
  traces: 'Traces',
  series: 'Series',
};

/** Where a finding leads to, as its page takes it. */
export type Lead =
  | { page: 'explore'; expr: string }
  | { page: 'logs'; template: string }
  | { page: 'traces'; service: string; query: string; errors: boolean }
  | { page: 'link'; link: string };

export interface Finding {
  kind: FindingKind;
  /** How much it may explain, from 0 to 1. */
  score: number;
  title: string;
  /** What about it changed, in words. */
  text: string;
  /** When; null where it is not one moment. */
  atMs: number | null;
  values?: readonly (number | null)[];
  lead: Lead;
}

function msOf(ns: string): number {
  return Number(ns.slice(0, -6) || '0');
}

/** How near to the spike's beginning something was: what came before counts more than what came in its course. */
function nearness(atMs: number, fromMs: number, toMs: number): number {
  const length = Math.max(toMs - fromMs, 60_000);
  const apart = atMs <= fromMs ? (fromMs - atMs) / (5 * length) : (atMs - fromMs) / (2 * length);
  return Math.exp(-apart);
}

interface Times {
  fromMs: number;
  toMs: number;
}

/** What became of a check: that it went down explains more than that it is well again. */
const WENT: Readonly<Record<string, { words: string; weight: number }>> = {
  down: { words: 'went down', weight: 0.9 },
  unknown: { words: 'is not known any more', weight: 0.6 },
  up: { words: 'is up again', weight: 0.45 },
};

const BEGAN: Readonly<Record<string, string>> = {
  process: 'A process started',
  container: 'A container started',
  pod: 'A pod started',
  host: 'A host started',
};

/** Versions and starts, alerts, changes by people. */
export function ofRelated(found: RelatedAnswer, { fromMs, toMs }: Times): Finding[] {
  const starts = found.starts.items.map((one): Finding => {
    const atMs = msOf(one.at_ns);
    const labels = Object.values(one.labels).join(', ');
    return {
      kind: 'starts',
      score: (one.version === '' ? 0.8 : 0.97) * nearness(atMs, fromMs, toMs),
      title: one.version === '' ? (BEGAN[one.what] ?? one.what) : `Version ${one.version} began`,
      text: one.before === '' ? labels : `after ${one.before}, ${labels}`,
      atMs,
      lead: { page: 'link', link: one.link },
    };
  });
  const alerts = found.alerts.items.map((one): Finding => {
    const atMs = msOf(one.at_ns);
    const burns = one.state === 'firing' ? 0.75 : 0.5;
    return {
      kind: 'alerts',
      // What an alert says of the same thing explains little: it sees the spike too.
      score: burns * nearness(atMs, fromMs, toMs) * (one.reasons.includes('time') ? 0.7 : 1),
      title: `${one.name} ${one.state}`,
      text: one.text,
      atMs,
      lead: { page: 'link', link: one.link },
    };
  });
  const changes = found.changes.items.map((one): Finding => {
    const atMs = msOf(one.at_ns);
    return {
      kind: 'changes',
      score: 0.7 * nearness(atMs, fromMs, toMs),
      title: `${one.action} ${one.object}`.trim(),
      text: `by ${one.who}${one.reason === '' ? '' : `: ${one.reason}`}`,
      atMs,
      lead: { page: 'link', link: one.link },
    };
  });
  const health = found.health.items.map((one): Finding => {
    const atMs = msOf(one.at_ns);
    return {
      kind: 'health',
      score:
        (WENT[one.state]?.weight ?? 0.5) *
        nearness(atMs, fromMs, toMs) *
        // A check of something else that only happened to change then.
        (one.reasons.includes('time') ? 0.7 : 1),
      title: `${one.title} ${WENT[one.state]?.words ?? one.state}`,
      text:
        one.was === '' || one.was === one.state
          ? one.text
          : [`it was ${one.was}`, one.text].filter(Boolean).join(': '),
      atMs,
      lead: { page: 'link', link: one.link },
    };
  });
  return [...starts, ...alerts, ...changes, ...health];
}

/** Series that changed with the spike. */
export function ofSeries(series: readonly ChangedSeries[], title: (one: ChangedSeries) => string): Finding[] {
  return series.map((one) => {
    const unit = guessUnit(one.expression);
    const said = (value: number | null): string => (value === null ? 'nothing' : formatValue(value, unit));
    const together =
      one.correlation === null || Math.abs(one.correlation) < 0.5
        ? ''
        : one.correlation > 0
          ? ', goes with it'
          : ', goes against it';
    return {
      kind: 'series',
      score: one.score,
      title: title(one),
      text: `${said(one.before)} before, ${said(one.during)} then${together}`,
      atMs: one.first_changed === null ? null : Date.parse(one.first_changed),
      values: one.values,
      lead: { page: 'explore', expr: one.expression },
    };
  });
}

const WEIGHTS: Readonly<Record<string, number>> = {
  fatal: 1,
  error: 1,
  warn: 0.85,
  info: 0.6,
  debug: 0.4,
  trace: 0.4,
};
/** A pattern is more frequent from so many times as often on, and so many lines. */
const OFTENER = 3;
const LEAST_LINES = 5;

/** Patterns of lines that are new beside the time before, or much more frequent; the two times are equally long. */
export function ofLogs(
  now: readonly LogPattern[],
  before: readonly LogPattern[],
  compared: boolean,
): Finding[] {
  if (!compared) return [];
  const fresh = newTemplates(
    now.map(({ template }) => template),
    before.map(({ template }) => template),
  );
  const known = new Map(before.map(({ template, lines }) => [template, lines]));
  return now.flatMap((one): Finding[] => {
    const weight = WEIGHTS[one.level] ?? 0.6;
    const finding = (score: number, text: string): Finding[] => [
      {
        kind: 'logs',
        score,
        title: one.template,
        text: `${one.level === '' ? '' : `${one.level}, `}${text}`,
        atMs: msOf(one.first_ns),
        values: one.counts,
        lead: { page: 'logs', template: one.template },
      },
    ];
    if (fresh.has(one.template)) {
      const many = Math.min(1, 0.75 + Math.log10(Math.max(1, one.lines)) / 8);
      return finding(0.95 * weight * many, `new: ${formatCount(one.lines)} lines then, none before`);
    }
    const was = known.get(one.template) ?? 0;
    const times = one.lines / Math.max(was, 1);
    if (was === 0 || times < OFTENER || one.lines < LEAST_LINES) return [];
    return finding(
      0.85 * weight * (1 - 1 / times),
      `${times.toPrecision(2)} times as often: ${formatCount(one.lines)} lines then, ${formatCount(was)} before`,
    );
  });
}

export interface ServiceChange {
  service: string;
  errorsBefore: number;
  errorsDuring: number;
  p95BeforeS: number;
  p95DuringS: number;
  /** How much more often it failed, or longer it took, from 0 to 1. */
  failing: number;
  slower: number;
}

const LEAST_SPANS = 5;

/** How services changed by their spans: those that fail more, or take longer, the worst first. */
export function servicesChanged(
  before: readonly RateSeries[],
  during: readonly RateSeries[],
): ServiceChange[] {
  const total = (series: RateSeries | undefined) => {
    const points = series?.points ?? [];
    const spans = points.reduce((sum, point) => sum + point.spans, 0);
    const errors = points.reduce((sum, point) => sum + point.errors, 0);
    // Of two parts of one time that of more spans stands for both.
    const [most] = [...points].sort((a, b) => b.spans - a.spans);
    return { spans, ratio: spans === 0 ? 0 : errors / spans, p95: (most?.quantiles_ns['0.95'] ?? 0) / 1e9 };
  };
  return during
    .flatMap((series): ServiceChange[] => {
      const service = series.labels.service ?? '';
      const [was, is] = [total(before.find(({ labels }) => labels.service === service)), total(series)];
      if (is.spans < LEAST_SPANS || was.spans < LEAST_SPANS) return [];
      const more = is.ratio - was.ratio;
      const times = is.p95 / Math.max(was.p95, 1e-6);
      return [
        {
          service,
          errorsBefore: was.ratio,
          errorsDuring: is.ratio,
          p95BeforeS: was.p95,
          p95DuringS: is.p95,
          failing: more < 0.01 ? 0 : Math.min(1, 0.5 + more * 2),
          slower: times < 1.5 ? 0 : 1 - 1 / times,
        },
      ];
    })
    .filter(({ failing, slower }) => Math.max(failing, slower) > 0)
    .sort((a, b) => Math.max(b.failing, b.slower) - Math.max(a.failing, a.slower));
}

/** What services' spans say of the spike. */
export function ofServices(changed: readonly ServiceChange[]): Finding[] {
  return changed.map((one) => {
    const errors = `${formatValue(one.errorsDuring, 'ratio')} failed, ${formatValue(one.errorsBefore, 'ratio')} before`;
    const p95 = `p95 ${formatSeconds(one.p95DuringS)}, ${formatSeconds(one.p95BeforeS)} before`;
    return {
      kind: 'traces',
      score: 0.9 * Math.max(one.failing, one.slower),
      title: `${one.service} ${one.failing > one.slower ? 'fails more often' : 'takes longer'}`,
      text: one.failing > one.slower ? `${errors}; ${p95}` : `${p95}; ${errors}`,
      atMs: null,
      lead: { page: 'traces', service: one.service, query: '', errors: one.failing > one.slower },
    };
  });
}

const LEAST_GAP = 0.2;

/** Attributes that tell the spans that failed, or took long, from the rest. */
export function ofDifferences(
  service: string,
  what: 'failed' | 'slow',
  differences: readonly AttributeDifference[],
  condition: (name: string, value: string) => string,
): Finding[] {
  return differences.flatMap(({ attribute, values }): Finding[] => {
    const [top] = [...values].sort((a, b) => b.selected - b.rest - (a.selected - a.rest));
    if (!top || top.selected - top.rest < LEAST_GAP) return [];
    return [
      {
        kind: 'traces',
        score: 0.85 * (top.selected - top.rest),
        title: `${attribute} = ${top.value}`,
        text: `in ${formatValue(top.selected, 'ratio')} of the spans of ${service} that ${what === 'failed' ? 'failed' : 'took long'}, in ${formatValue(top.rest, 'ratio')} of the others`,
        atMs: null,
        lead: { page: 'traces', service, query: condition(attribute, top.value), errors: what === 'failed' },
      },
    ];
  });
}

/** What explains most first. */
export function ranked(findings: readonly Finding[]): Finding[] {
  return [...findings].sort(
    (a, b) =>
      b.score - a.score || KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) || a.title.localeCompare(b.title),
  );
}
