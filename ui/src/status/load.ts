// What the server tells of itself: its own metrics, and what stands beside them, each as far as the reader may see it.

import { queryBatch } from '../api/batch';
import { ApiError, ask, bounded, failure, type Asking } from '../api/client';
import { receivers } from '../api/receivers';
import type { BuildInfo, RuntimeInfo } from '../api/types';
import { vectorOf } from '../page/charts';
import { FIGURES, type Beside, type FigureName, type Figures } from './server';

export interface ServerSeen {
  figures: Figures;
  beside: Beside;
  build: BuildInfo | null;
  runtime: RuntimeInfo | null;
  /** The settings as YAML, secrets masked; null for who may not see them. */
  settings: string | null;
  /** There are metrics of Pharos itself in this tenant. */
  measured: boolean;
  unread: readonly { what: string; error: string }[];
  takenMs: number;
}

const LONGEST_MS = 5_000;

async function kernels({ signal }: Asking): Promise<{ compiled: number; total: number }> {
  try {
    const response = await fetch('/-/kernels', { signal: bounded(signal, LONGEST_MS) });
    const said = (await response.json()) as Partial<Record<string, unknown>> | null;
    const { compiled, total } = said ?? {};
    if (typeof compiled !== 'number' || typeof total !== 'number')
      throw new ApiError(
        'refused',
        `HTTP status ${response.status}, and not what is compiled.`,
        response.status,
      );
    return { compiled, total };
  } catch (error) {
    throw failure(error, '/-/kernels');
  }
}

async function figuresOf(asking: Asking, time: number): Promise<{ figures: Figures; measured: boolean }> {
  const names = Object.keys(FIGURES) as FigureName[];
  const outcomes = await queryBatch(
    names.map((name) => ({ query: FIGURES[name], time })),
    asking,
  );
  const refused = outcomes.find((one) => one instanceof ApiError);
  if (refused instanceof ApiError) throw refused;
  const found = new Map(
    names.map((name, i) => {
      const value = vectorOf(outcomes[i])[0]?.value;
      return [name, value !== undefined && Number.isFinite(value) ? value : null] as const;
    }),
  );
  const measured = found.get('uptime') !== null;
  const figures = Object.fromEntries(
    names.map((name) => {
      const value = found.get(name) ?? null;
      // What never counted anything has no series yet.
      return [name, value === null && measured && /increase|_total/u.test(FIGURES[name]) ? 0 : value];
    }),
  ) as Record<FigureName, number | null>;
  return { figures, measured };
}

const UNKNOWN = Object.fromEntries(Object.keys(FIGURES).map((name) => [name, null])) as Record<
  FigureName,
  null
>;

/** How Pharos fares; what cannot be read leaves the rest as it is. */
export async function loadServer(
  may: { alerts: boolean; operate: boolean },
  asking: Asking,
): Promise<ServerSeen> {
  const takenMs = Date.now();
  const unread: { what: string; error: string }[] = [];
  const or = async <T>(what: string, asked: Promise<T>, otherwise: T): Promise<T> => {
    try {
      return await asked;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      unread.push({ what, error: error.message });
      return otherwise;
    }
  };
  const data = async <T>(path: string): Promise<T> => (await ask<T>(path, {}, asking)).data;
  const none = { figures: UNKNOWN, measured: false };
  const [told, build, runtime, compiled, letters, config] = await Promise.all([
    or('its own metrics', figuresOf(asking, takenMs / 1000), none),
    or<BuildInfo | null>('its version', data('/api/v1/status/buildinfo'), null),
    or<RuntimeInfo | null>('the process', data('/api/v1/status/runtimeinfo'), null),
    or('what is compiled', kernels(asking), null),
    may.alerts ? or('receivers', receivers(asking), null) : null,
    may.operate ? or<{ yaml: string } | null>('the settings', data('/api/v1/status/config'), null) : null,
  ]);
  const integrations = (letters?.data.receivers ?? []).flatMap((receiver) =>
    receiver.integrations.map((one) => ({ ...one, receiver: receiver.name })),
  );
  return {
    ...told,
    build,
    runtime,
    settings: config?.yaml ?? null,
    beside: {
      dead: letters ? integrations.reduce((sum, { dead }) => sum + dead, 0) : null,
      failing: integrations
        .filter(({ state }) => state === 'failing')
        .map(({ receiver, name }) => `${receiver} (${name})`),
      kernels: compiled,
      reloaded: runtime?.reloadConfigSuccess ?? true,
    },
    unread,
    takenMs,
  };
}
