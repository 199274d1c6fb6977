import { afterEach, describe, expect, it, vi } from 'vitest';
import { ask, tenantHeaders } from './client';

const NOBODY = { tenant: null };

afterEach(() => vi.unstubAllGlobals());

function answering(body: string, status: number): void {
  vi.stubGlobal('fetch', () => Promise.resolve(new Response(body, { status })));
}

describe('an answer', () => {
  it.each([
    ['<html><h1>502 Bad Gateway</h1></html>', 502, '502 from /api/v1/query: not an answer of Pharos.'],
    ['<!doctype html><title>Sign in</title>', 200, '200 from /api/v1/query: not an answer of Pharos.'],
    ['null', 200, '200 from /api/v1/query: not an answer of Pharos.'],
    ['', 503, 'HTTP status 503 without a message.'],
    ['starting', 503, 'starting'],
    ['{"status":"error","errorType":"bad_data","error":"no"}', 400, 'no'],
  ])('%s with %d is refused', async (body, status, message) => {
    answering(body, status);
    await expect(ask('/api/v1/query', { query: 'up' }, NOBODY)).rejects.toMatchObject({ message, status });
  });
  it('is unwrapped', async () => {
    answering('{"status":"success","data":[1]}', 200);
    expect((await ask('/x', {}, NOBODY)).data).toEqual([1]);
  });
});

describe('a tenant', () => {
  it.each(['default', 'team-a', "o'brien", 'A_1.2!(x)*'])('%s goes as a header', (tenant) =>
    expect(tenantHeaders(tenant)).toEqual({ 'X-Scope-OrgID': tenant }),
  );
  it('that was not chosen goes not at all', () => expect(tenantHeaders(null)).toEqual({}));
  it.each(['a|b', 'ü', 'a\nb', ' ', 'a'.repeat(151)])('%j is refused before it is sent', async (tenant) => {
    vi.stubGlobal('fetch', () => expect.fail('was sent'));
    await expect(ask('/x', {}, { tenant })).rejects.toMatchObject({ kind: 'refused' });
  });
});
