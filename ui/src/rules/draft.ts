// A group of rules while it is edited, and what is made of it: fields of rule files, their text, what changed in it.

import type { Labels } from '../api/types';
import type { PlainGroup, PlainRule } from '../api/rules';
import { formatDuration } from '../time/durations';
import { alertName, metricIn } from './limit';

export interface Pair {
  name: string;
  value: string;
}

export interface DraftRule {
  /** Stays the same while the rule is edited and moved. */
  id: number;
  kind: 'alert' | 'record';
  name: string;
  expr: string;
  for: string;
  keep: string;
  labels: readonly Pair[];
  annotations: readonly Pair[];
}

export interface DraftGroup {
  namespace: string;
  name: string;
  interval: string;
  labels: readonly Pair[];
  rules: readonly DraftRule[];
  /** Fields of the group that are not edited here. */
  rest: Pick<PlainGroup, 'query_offset' | 'limit' | 'language'>;
}

/** A duration as a person writes it: the server says all of them in milliseconds. */
export function shortened(text: string | undefined): string {
  const ms = /^(\d+)ms$/u.exec(text ?? '')?.[1];
  return ms === undefined ? (text ?? '') : formatDuration(Number(ms));
}

function pairs(labels: Labels | undefined): Pair[] {
  return Object.entries(labels ?? {}).map(([name, value]) => ({ name, value }));
}

export function blankRule(id: number): DraftRule {
  return {
    id,
    kind: 'alert',
    name: '',
    expr: '',
    for: '5m',
    keep: '',
    labels: [{ name: 'severity', value: 'warning' }],
    annotations: [{ name: 'summary', value: '' }],
  };
}

/** With an expression that was looked at elsewhere, such as a graph's: what it measures names the group and its alert. */
export function blankGroup(expr = ''): DraftGroup {
  const metric = metricIn(expr);
  return {
    namespace: 'own',
    name: metric,
    interval: '',
    labels: [],
    rules: [{ ...blankRule(0), name: alertName(metric), expr }],
    rest: {},
  };
}

export function draftOf(namespace: string, group: PlainGroup): DraftGroup {
  const { name, interval, labels, rules, query_offset: offset, limit, language } = group;
  return {
    namespace,
    name,
    interval: shortened(interval),
    labels: pairs(labels),
    rules: rules.map((rule, id) => ({
      id,
      kind: rule.record === undefined ? 'alert' : 'record',
      name: rule.record ?? rule.alert ?? '',
      expr: rule.expr,
      for: shortened(rule.for),
      keep: shortened(rule.keep_firing_for),
      labels: pairs(rule.labels),
      annotations: pairs(rule.annotations),
    })),
    rest: {
      ...(offset === undefined ? {} : { query_offset: offset }),
      ...(language === undefined ? {} : { language }),
      ...(limit === undefined ? {} : { limit }),
    },
  };
}

/** What was typed, as labels; null where there is none, so that nothing is written of it. */
function labelsOf(list: readonly Pair[]): Labels | null {
  const named = list.filter(({ name, value }) => name.trim() !== '' && value !== '');
  return named.length === 0 ? null : Object.fromEntries(named.map(({ name, value }) => [name.trim(), value]));
}

function plainRule(rule: DraftRule): PlainRule {
  const labels = labelsOf(rule.labels);
  const name = rule.name.trim();
  const found = { expr: rule.expr.trim(), ...(labels ? { labels } : {}) };
  if (rule.kind === 'record') return { record: name, ...found };
  const annotations = labelsOf(rule.annotations);
  const holds = rule.for.trim();
  const keeps = rule.keep.trim();
  return {
    alert: name,
    expr: found.expr,
    ...(holds === '' ? {} : { for: holds }),
    ...(keeps === '' ? {} : { keep_firing_for: keeps }),
    ...(labels ? { labels } : {}),
    ...(annotations ? { annotations } : {}),
  };
}

/** The group that a draft describes, with the fields of a rule file. */
export function plainOf(draft: DraftGroup): PlainGroup {
  const labels = labelsOf(draft.labels);
  const interval = draft.interval.trim();
  return {
    name: draft.name.trim(),
    ...(interval === '' ? {} : { interval }),
    ...draft.rest,
    ...(labels ? { labels } : {}),
    rules: draft.rules.map(plainRule),
  };
}

/** A group as it is kept, its durations as a person writes them. */
export function tidied(group: PlainGroup): PlainGroup {
  return plainOf(draftOf('', group));
}

/** What stands in the way of trying a draft; null when nothing does. The server looks closer. */
export function faultOf(draft: DraftGroup): string | null {
  if (draft.namespace.trim() === '') return 'The group needs a namespace.';
  if (draft.name.trim() === '') return 'The group needs a name.';
  if (draft.rules.length === 0) return 'The group needs a rule.';
  const nameless = draft.rules.findIndex(({ name }) => name.trim() === '');
  if (nameless >= 0) return `Rule ${nameless + 1} needs a name.`;
  const idle = draft.rules.findIndex(({ expr }) => expr.trim() === '');
  if (idle >= 0) return `Rule ${idle + 1} needs an expression.`;
  for (const [i, rule] of draft.rules.entries())
    for (const list of [rule.labels, rule.annotations]) {
      const names = list.map(({ name }) => name.trim()).filter(Boolean);
      const twice = names.find((name, at) => names.indexOf(name) !== at);
      if (twice !== undefined) return `Rule ${i + 1} has “${twice}” twice.`;
    }
  return null;
}

/** What YAML takes for a text without quotes, but for what `WORDS` are and for colons before room. */
const PLAIN = /^[a-zA-Z_][^\p{C}#]*$/u;
const WORDS = /^(?:true|false|null|yes|no|on|off|y|n|~)$/iu;

function scalar(text: string): string {
  if (PLAIN.test(text) && !WORDS.test(text) && !/[:\s]$|: /u.test(text)) return text;
  return JSON.stringify(text);
}

/** An expression or a text at `indent`: of several lines as a block. */
function block(text: string, indent: string): string {
  const lines = text.split('\n');
  // A block holds neither what cannot be seen nor lines that begin with room.
  const plain = lines.every((line) => /^\P{C}*$/u.test(line)) && !/^\s/u.test(text);
  if (lines.length === 1 || !plain) return scalar(text);
  return `|-\n${lines.map((line) => (line === '' ? '' : `${indent}${line}`)).join('\n')}`;
}

function labelLines(name: string, labels: Labels | undefined, indent: string): string[] {
  if (!labels) return [];
  return [
    `${indent}${name}:`,
    ...Object.entries(labels).map(
      ([key, value]) => `${indent}  ${scalar(key)}: ${block(value, `${indent}    `)}`,
    ),
  ];
}

function ruleLines(rule: PlainRule): string[] {
  const [kind, name] = rule.record === undefined ? ['alert', rule.alert ?? ''] : ['record', rule.record];
  return [
    `    - ${kind}: ${scalar(name)}`,
    `      expr: ${block(rule.expr, '        ')}`,
    ...(rule.for === undefined ? [] : [`      for: ${rule.for}`]),
    ...(rule.keep_firing_for === undefined ? [] : [`      keep_firing_for: ${rule.keep_firing_for}`]),
    ...labelLines('labels', rule.labels, '      '),
    ...labelLines('annotations', rule.annotations, '      '),
  ];
}

/** A group as it would stand in a rule file: for people to read. */
export function writeGroup(group: PlainGroup | null): string {
  if (group === null) return '';
  return [
    `- name: ${scalar(group.name)}`,
    ...(group.interval === undefined ? [] : [`  interval: ${group.interval}`]),
    ...(group.query_offset === undefined ? [] : [`  query_offset: ${group.query_offset}`]),
    ...(group.limit === undefined ? [] : [`  limit: ${group.limit}`]),
    ...(group.language === undefined ? [] : [`  language: ${group.language}`]),
    ...labelLines('labels', group.labels, '  '),
    '  rules:',
    ...group.rules.flatMap(ruleLines),
    '',
  ].join('\n');
}

/** Groups as the text of a rule file: for the server, which reads JSON as YAML. */
export function ruleFile(groups: readonly PlainGroup[]): string {
  return JSON.stringify({ groups });
}
