// A simple condition as the fields of a form.

import type { ConditionDocument } from '../api/conditions';
import { formatDuration, parseDuration } from '../time/durations';

export const COMPARISONS = ['>', '>=', '<', '<=', '==', '!='] as const;

const WORDS: Readonly<Record<string, string>> = {
  gt: '>',
  gte: '>=',
  lt: '<',
  lte: '<=',
  eq: '==',
  neq: '!=',
};

export interface ConditionDraft {
  name: string;
  /** `metric > value` in three fields, or a text of its own. */
  isSimple: boolean;
  metric: string;
  comparison: string;
  value: string;
  text: string;
  severity: string;
  channels: readonly string[];
  cooldown: string;
  daoSubnet: string;
}

export const BLANK_CONDITION: ConditionDraft = {
  name: '',
  isSimple: true,
  metric: '',
  comparison: '>',
  value: '',
  text: '',
  severity: 'warning',
  channels: [],
  cooldown: '5m',
  daoSubnet: '',
};

const SIMPLE = /^\s*([^<>=!]+?)\s*(>=|<=|==|!=|>|<)\s*([-+]?[\d.]+(?:e[-+]?\d+)?)\s*$/iu;

function comparedIn(text: string): Pick<ConditionDraft, 'isSimple' | 'metric' | 'comparison' | 'value'> {
  const found = SIMPLE.exec(text);
  if (!found) return { isSimple: false, metric: '', comparison: '>', value: '' };
  const [, metric = '', comparison = '>', value = ''] = found;
  return { isSimple: true, metric, comparison, value };
}

function textIn(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

export function conditionDraftOf(document: ConditionDocument): ConditionDraft {
  const operator = textIn(document['operator']) || 'gt';
  const text =
    textIn(document['condition']) ||
    `${textIn(document['metric'])} ${WORDS[operator] ?? operator} ${textIn(document['threshold'])}`;
  const channels = document['channels'];
  const cooldown = Number(document['cooldown'] ?? 0);
  return {
    name: textIn(document['name']),
    ...comparedIn(text),
    text,
    severity: textIn(document['severity']),
    channels: Array.isArray(channels) ? channels.map(String) : [],
    cooldown: cooldown > 0 ? formatDuration(cooldown) : '',
    daoSubnet: textIn(document['daoSubnet']),
  };
}

/** What stands in the way of keeping it; null when nothing does. The server looks closer. */
export function conditionFault(draft: ConditionDraft): string | null {
  if (draft.name.trim() === '') return 'The condition needs a name.';
  if (draft.isSimple ? draft.metric.trim() === '' : draft.text.trim() === '')
    return 'Say what is compared with what.';
  if (draft.isSimple && (draft.value.trim() === '' || Number.isNaN(Number(draft.value))))
    return 'The limit is a number.';
  if (draft.cooldown.trim() !== '' && parseDuration(draft.cooldown.trim()) === null)
    return 'The cooldown is a duration such as 5m.';
  return null;
}

/** What the form writes in one way of several. */
const OWN = ['metric', 'operator', 'threshold', 'daoSubnet', 'cooldown'];

/** The condition that a draft says; what `kept` has beside the fields stays. */
export function conditionOf(draft: ConditionDraft, kept: ConditionDocument): ConditionDocument {
  const rest = Object.fromEntries(Object.entries(kept).filter(([name]) => !OWN.includes(name)));
  const cooldown = parseDuration(draft.cooldown.trim()) ?? 0;
  return {
    ...rest,
    name: draft.name.trim(),
    condition: draft.isSimple
      ? `${draft.metric.trim()} ${draft.comparison} ${draft.value.trim()}`
      : draft.text.trim(),
    severity: draft.severity.trim(),
    channels: [...draft.channels],
    ...(cooldown > 0 ? { cooldown } : {}),
    ...(draft.daoSubnet.trim() === '' ? {} : { daoSubnet: draft.daoSubnet.trim() }),
  };
}
