// Simple conditions: a measure compared with a limit, and who is told.

import { change, type Asking } from './client';
import type { Json } from './governance';
import { groupVersions } from './rules';

const PATH = '/api/v1/dashboard/alerts';

/** A condition as it is kept; `condition`, or `metric`, `operator` and `threshold`. What else is in it stays. */
export type ConditionDocument = Readonly<Record<string, Json>>;

export interface KeptCondition {
  readonly document: ConditionDocument;
  readonly version: number;
}

/** The condition as it was written last. */
export async function keptCondition(id: string, asking: Asking): Promise<KeptCondition> {
  const [newest] = await groupVersions('conditions', id, asking);
  return { document: (newest?.group ?? {}) as unknown as ConditionDocument, version: newest?.version ?? 0 };
}

export function putCondition(document: ConditionDocument, asking: Asking): Promise<unknown> {
  // A threshold is kept as text, which has no rounding, and is sent as the number that it is.
  const { threshold, ...rest } = document;
  const sent = threshold === undefined ? rest : { ...rest, threshold: Number(threshold) };
  if (typeof sent.id !== 'string') return change('POST', PATH, sent, asking);
  return change('PUT', `${PATH}/${encodeURIComponent(sent.id)}`, sent, asking);
}

export function dropCondition(id: string, asking: Asking): Promise<unknown> {
  return change('DELETE', `${PATH}/${encodeURIComponent(id)}`, null, asking);
}
