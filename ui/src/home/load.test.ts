import { afterEach, describe, expect, it, vi } from 'vitest';
import type { BatchQuery } from '../api/batch';
import {
  loadHome,
  startOfData,
  withoutStart,
  type HomeRequest,
  type HomeSnapshot,
  type PanelColumns,
} from './load';

const NOW = Date.UTC(2026, 10, 21, 14, 30, 0);
const REQUEST: HomeRequest = {
  span: { fromMs: NOW - 900_000, toMs: NOW },
  nowMs: NOW,
  host: null,
  points: 200,
  fit: true,
};
const ASKING = { tenant: null };

afterEach(() => vi.unstubAllGlobals());

/** A server whose hosts and own data are `ageS` old and whose every series is 1; keeps what it was asked. */
function serve(ageS: number, refused: RegExp = /^$/): BatchQuery[][] {
  const batches: BatchQuery[][] = [];
  vi.stubGlobal('fetch', (_path: string, { body }: { body: string }) => {
    const { queries } = JSON.parse(body) as { queries: BatchQuery[] };
    batches.push(queries);
    const lines = queries.map((query, index) =>
      JSON.stringify({ index, answer: answer(query, ageS, refused) }),
    );
    // As a network would cut it: anywhere.
    const text = `${lines.reverse().join('\n')}\n`;
    const chunks = text.match(/[^]{1,1000}/g) ?? [];
    const stream = new ReadableStream({
      start(controller) {
        for (const chunk of chunks) controller.enqueue(new TextEncoder().encode(chunk));
        controller.close();
      },
    });
    return Promise.resolve(new Response(stream, { headers: { 'Content-Type': 'application/x-ndjson' } }));
  });
  return batches;
}

function answer({ query, time, start, end, step }: BatchQuery, ageS: number, refused: RegExp): unknown {
  if (refused.test(query)) return { status: 'error', errorType: 'unavailable', error: 'busy' };
  const metric = { job: 'node', instance: 'a' };
  const value = query.startsWith('time() -') && query.includes('timestamp') ? String(ageS) : '1';
  if (step === undefined)
    return { status: 'success', data: { resultType: 'vector', result: [{ metric, value: [time, value] }] } };
  const values: [number, string][] = [];
  for (let at = start ?? 0; at <= (end ?? 0); at += step) if (at >= NOW / 1000 - ageS) values.push([at, '1']);
  return { status: 'success', data: { resultType: 'matrix', result: [{ metric, values }] } };
}

const rates = (queries: readonly BatchQuery[], stepped: boolean): string[] =>
  queries
    .filter(({ step }) => (step !== undefined) === stepped)
    .flatMap(({ query }) => query.match(/i?rate\([^[]*\[\w+\]/g) ?? []);

describe('a refresh of the home page', () => {
  it('asks for the hosts once, and from then on for everything in one request', async () => {
    const batches = serve(300);
    const first = await loadHome(REQUEST, ASKING);
    expect(batches.map((queries) => queries.length > 10)).toEqual([false, true]);
    const second = await loadHome(REQUEST, ASKING, first);
    expect(batches).toHaveLength(3);
    expect(second).toEqual(first);
    expect(first.whole).toBe(true);
    expect(first.hosts.map((host) => host.name)).toEqual(['a']);
    expect(first.now.memory).toEqual(
      new Map([
        ['used', 1],
        ['cache', 1],
        ['free', 1],
      ]),
    );
    expect(first.panels.memory?.names).toEqual(['used', 'cache', 'free']);
    expect(first.figures.rejected).toBe(1);
  });
  it('asks no query for statistics, so that kept answers serve', async () => {
    const batches = serve(300);
    await loadHome(REQUEST, ASKING);
    for (const query of batches.flat()) expect(query).not.toHaveProperty('stats');
  });
  it('asks for no rate over more time than there is data for', async () => {
    const batches = serve(20);
    const snapshot = await loadHome(REQUEST, ASKING);
    const [, queries = []] = batches;
    for (const rate of rates(queries, false)) expect(rate).toMatch(/^rate\(.*\[20s\]$/);
    for (const rate of rates(queries, true)) expect(rate).toMatch(/^irate\(/);
    expect(snapshot.young).toBe(true);
    expect(snapshot.range[1] - snapshot.range[0]).toBe(30);
  });
  it('gives parts as they come', async () => {
    serve(300);
    const parts: HomeSnapshot[] = [];
    await loadHome(REQUEST, ASKING, undefined, (part) => parts.push(part));
    expect(parts.length).toBeGreaterThan(10);
    expect(parts.every((part) => !part.whole)).toBe(true);
    expect(Object.keys(parts[0]?.panels ?? {}).length).toBeLessThan(
      Object.keys(parts.at(-1)?.panels ?? {}).length,
    );
  });
  it('says what was refused where it belongs', async () => {
    serve(300, /node_load1\{|set_aside_frames/);
    const snapshot = await loadHome(REQUEST, ASKING);
    expect(snapshot.panels.load?.error).toBe('busy');
    expect(snapshot.panels.memory?.error).toBeNull();
    expect(snapshot.unread.map((one) => one.what).sort()).toEqual(["Pharos' figures", "the host's figures"]);
  });
});

describe('charts of rates', () => {
  it('say nothing of the time of which only a part was there', () =>
    expect(withoutStart([[null, 1, 2, 3, 4]], 1, 2)).toEqual([[null, null, null, 3, 4]]));
  it('are whole where the data are older than the chart', () =>
    expect(withoutStart([[1, 2, 3]], 0, 2)).toEqual([[1, 2, 3]]));
});

describe('the range of a young server', () => {
  const times = Array.from({ length: 181 }, (_, i) => i * 5);
  const panel = (first: number): Record<string, PanelColumns> => ({
    a: { names: ['x'], columns: [times.map((_, i) => (i >= first ? 1 : null))], error: null },
  });
  it('starts a little before its first value', () =>
    expect(startOfData(times, panel(100))).toBe(900 - 400 * 1.15));
  it('is half a minute at least', () => expect(startOfData(times, panel(178))).toBe(870));
  it('is whole when all of it is known', () => expect(startOfData(times, panel(0))).toBe(0));
  it('is half a minute when nothing is known', () => expect(startOfData(times, {})).toBe(870));
});
