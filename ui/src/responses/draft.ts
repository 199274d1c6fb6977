// An action as the fields of a form.

import type { Json } from '../api/governance';
import type { SilenceMatcher } from '../api/alerting';
import type { ActionDocument, ActionStep } from '../api/responses';
import { STEPS } from '../api/responses';
import { readTexts, writeTexts } from '../silences/matchers';

export interface Pair {
  name: string;
  value: string;
}

export const KINDS = ['webhook', 'command', 'kubernetes'] as const;
export type ActionKind = (typeof KINDS)[number];

export const METHODS = ['POST', 'PUT', 'PATCH', 'DELETE'] as const;

/** What of a cluster can be patched; of the first ones the number of replicas too. */
export const SCALED = ['deployment', 'statefulset'] as const;
export const OBJECTS = [
  ...SCALED,
  'daemonset',
  'cronjob',
  'configmap',
  'service',
  'ingress',
  'horizontalpodautoscaler',
  'rollout',
] as const;

export interface ActionDraft {
  kind: ActionKind;
  description: string;
  matchers: readonly SilenceMatcher[];
  /** Matchers that fields cannot show, which stay. */
  rest: readonly string[];
  severities: readonly string[];
  on: readonly ActionStep[];
  url: string;
  method: string;
  headers: readonly Pair[];
  body: readonly Pair[];
  command: string;
  /** One a line. */
  arguments: string;
  cluster: string;
  object: string;
  namespace: string;
  name: string;
  /** A number of replicas, or any other patch as JSON. */
  change: 'replicas' | 'patch';
  replicas: string;
  patch: string;
  patchType: string;
  scale: boolean;
  cooldown: string;
  timeout: string;
  dryRun: boolean;
  approval: boolean;
  enabled: boolean;
  /** One a line. */
  evidence: string;
}

export const BLANK: ActionDraft = {
  kind: 'webhook',
  description: '',
  matchers: [{ name: 'alertname', op: '=', value: '' }],
  rest: [],
  severities: [],
  on: ['firing'],
  url: '',
  method: 'POST',
  headers: [],
  body: [],
  command: '',
  arguments: '',
  cluster: '',
  object: 'deployment',
  namespace: '',
  name: '',
  change: 'replicas',
  replicas: '3',
  patch: '',
  patchType: 'strategic',
  scale: false,
  cooldown: '5m',
  timeout: '30s',
  dryRun: false,
  approval: true,
  enabled: true,
  evidence: '',
};

function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

/** A value of a body as it is typed: text as it is, all else as JSON; text that would be JSON in quotes. */
export function typedValue(value: Json): string {
  return typeof value === 'string' && parsed(value) === undefined ? value : JSON.stringify(value);
}

/** What was typed as a value of a body. */
export function valueOf(text: string): Json {
  return parsed(text) ?? (text.trim() === 'null' ? null : text);
}

function pairs(
  of: Readonly<Record<string, Json>> | null | undefined,
  write: (value: Json) => string,
): Pair[] {
  return Object.entries(of ?? {}).map(([name, value]) => ({ name, value: write(value) }));
}

function named(list: readonly Pair[]): Pair[] {
  return list
    .filter(({ name }) => name.trim() !== '')
    .map(({ name, value }) => ({ name: name.trim(), value }));
}

function lines(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
}

/** The number of replicas that a patch sets and nothing else; null for any other. */
function replicasIn(patch: Json): string | null {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return null;
  const { spec, ...others } = patch as Readonly<Record<string, Json>>;
  if (Object.keys(others).length > 0 || typeof spec !== 'object' || spec === null || Array.isArray(spec))
    return null;
  const { replicas, ...more } = spec as Readonly<Record<string, Json>>;
  return Object.keys(more).length === 0 && typeof replicas === 'number' ? String(replicas) : null;
}

/** An action that is kept, as fields. */
export function draftOf(action: ActionDocument): ActionDraft {
  const { webhook, command, kubernetes } = action;
  const { matchers, rest } = readTexts(action.matchers ?? []);
  const replicas = kubernetes ? replicasIn(kubernetes.patch) : null;
  return {
    ...BLANK,
    kind: webhook ? 'webhook' : command ? 'command' : 'kubernetes',
    description: action.description ?? '',
    matchers,
    rest,
    severities: action.severities ?? [],
    on: action.on ?? ['firing'],
    ...(webhook
      ? {
          url: webhook.url,
          method: webhook.method ?? 'POST',
          headers: pairs(webhook.headers, String),
          body: pairs(webhook.body, typedValue),
        }
      : {}),
    ...(command ? { command: command.name, arguments: (command.arguments ?? []).join('\n') } : {}),
    ...(kubernetes
      ? {
          cluster: kubernetes.cluster,
          object: kubernetes.kind,
          namespace: kubernetes.namespace,
          name: kubernetes.name,
          change: replicas === null ? 'patch' : 'replicas',
          replicas: replicas ?? '3',
          patch: JSON.stringify(kubernetes.patch, null, 2),
          patchType: kubernetes.type ?? 'strategic',
          scale: kubernetes.scale ?? false,
        }
      : {}),
    cooldown: action.cooldown ?? '5m',
    timeout: action.timeout ?? '30s',
    dryRun: action.dry_run ?? false,
    approval: action.approval ?? false,
    enabled: action.enabled ?? true,
    evidence: (action.evidence ?? []).join('\n'),
  };
}

/** What stands in the way of keeping a draft; null when nothing does. The server looks closer. */
export function faultOf(draft: ActionDraft): string | null {
  if (draft.on.length === 0) return 'It answers nothing: choose upon what it is done.';
  if (draft.kind === 'webhook' && draft.url.trim() === '') return 'The webhook needs an address.';
  if (draft.kind === 'command' && draft.command.trim() === '') return 'Name the command.';
  if (draft.kind === 'kubernetes') {
    if (draft.cluster.trim() === '' || draft.namespace.trim() === '' || draft.name.trim() === '')
      return 'Name the cluster, the namespace and the object.';
    if (draft.change === 'replicas' && !/^\d+$/u.test(draft.replicas.trim()))
      return 'The number of replicas is a number.';
    if (draft.change === 'patch' && parsed(draft.patch) === undefined) return 'The patch is not JSON.';
  }
  return null;
}

function doneBy(draft: ActionDraft): ActionDocument {
  switch (draft.kind) {
    case 'webhook': {
      const headers = named(draft.headers);
      const body = named(draft.body);
      return {
        webhook: {
          url: draft.url.trim(),
          method: draft.method,
          ...(headers.length > 0
            ? { headers: Object.fromEntries(headers.map(({ name, value }) => [name, value])) }
            : {}),
          ...(body.length > 0
            ? { body: Object.fromEntries(body.map(({ name, value }) => [name, valueOf(value)])) }
            : {}),
        },
      };
    }
    case 'command':
      return {
        command: {
          name: draft.command.trim(),
          // An argument may have room at its ends; an empty line is none.
          arguments: draft.arguments.split('\n').filter((line) => line !== ''),
        },
      };
    case 'kubernetes': {
      const isScaled = draft.change === 'replicas';
      return {
        kubernetes: {
          cluster: draft.cluster.trim(),
          kind: draft.object,
          namespace: draft.namespace.trim(),
          name: draft.name.trim(),
          patch: isScaled ? { spec: { replicas: Number(draft.replicas) } } : (parsed(draft.patch) ?? {}),
          type: isScaled ? 'merge' : draft.patchType,
          scale: isScaled || draft.scale,
        },
      };
    }
  }
}

/** The action that a draft says. */
export function documentOf(draft: ActionDraft): ActionDocument {
  return {
    matchers: [...writeTexts(draft.matchers), ...draft.rest],
    severities: draft.severities,
    on: STEPS.filter((step) => draft.on.includes(step)),
    ...doneBy(draft),
    cooldown: draft.cooldown.trim(),
    timeout: draft.timeout.trim(),
    dry_run: draft.dryRun,
    approval: draft.approval,
    enabled: draft.enabled,
    evidence: lines(draft.evidence),
    ...(draft.description.trim() === '' ? {} : { description: draft.description.trim() }),
  };
}

/** What an action does, in a few words. */
export function sayAction(action: ActionDocument): string {
  const { webhook, command, kubernetes } = action;
  if (webhook) return `${webhook.method ?? 'POST'} ${webhook.url}`;
  if (command) return [command.name, ...(command.arguments ?? [])].join(' ');
  if (!kubernetes) return '';
  const replicas = replicasIn(kubernetes.patch);
  const object = `${kubernetes.kind} ${kubernetes.namespace}/${kubernetes.name} in ${kubernetes.cluster}`;
  return replicas === null ? `patch ${object}` : `scale ${object} to ${replicas}`;
}
