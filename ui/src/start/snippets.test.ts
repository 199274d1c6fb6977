import { describe, expect, it } from 'vitest';
import { NO_TOKEN, placeOf, snippets, type Place } from './snippets';

const OPEN: Place = { origin: 'http://127.0.0.1:8080', tenant: null, token: null };
const CLOSED: Place = { origin: 'https://pharos.example', tenant: 'shop', token: 'phs_abc' };

function text(place: Place, id: string): string {
  return snippets(place).find((one) => one.id === id)?.text ?? '';
}

describe('what to paste', () => {
  it('has the address of the server wherever the server is reached by it', () => {
    for (const { id, text: said } of snippets(OPEN).filter(({ id }) => !['fluentd', 'syslog'].includes(id)))
      expect(said, id).toMatch(/127\.0\.0\.1(:8080|\n.*8080)/u);
  });
  it('names neither tenant nor token where neither is needed', () => {
    for (const { text: said } of snippets(OPEN)) {
      expect(said).not.toMatch(/Authorization|bearer|X-Scope-OrgID|tenant/iu);
      expect(said).not.toContain(NO_TOKEN);
    }
  });
  it('presents the token and names the tenant in the words of each sender', () => {
    expect(text(CLOSED, 'curl')).toContain(
      "-H 'Authorization: Bearer phs_abc' \\\n  -H 'X-Scope-OrgID: shop'",
    );
    expect(text(CLOSED, 'opentelemetry')).toContain(
      'OTEL_EXPORTER_OTLP_HEADERS="Authorization=Bearer%20phs_abc,X-Scope-OrgID=shop"',
    );
    expect(text(CLOSED, 'collector')).toContain('      Authorization: Bearer phs_abc\n');
    expect(text(CLOSED, 'prometheus')).toContain('      credentials: phs_abc\n');
    expect(text(CLOSED, 'vmagent')).toContain('-remoteWrite.bearerToken=phs_abc');
    expect(text(CLOSED, 'promtail')).toContain('    tenant_id: shop\n');
    expect(text(CLOSED, 'fluent-bit')).toMatch(/Port +443\n +Tls +On/u);
  });
  it('has each name once', () =>
    expect(new Set(snippets(OPEN).map(({ name }) => name)).size).toBe(snippets(OPEN).length));
});

describe('where data go', () => {
  it('names the tenant where nobody is asked who they are, and a token where they are', () => {
    const origin = 'http://127.0.0.1:8080';
    expect(placeOf(origin, null, false)).toEqual({ origin, tenant: null, token: null });
    expect(placeOf(origin, 'default', false)).toEqual({ origin, tenant: null, token: null });
    expect(placeOf(origin, 'shop', false)).toEqual({ origin, tenant: 'shop', token: null });
    expect(placeOf(origin, 'shop', true)).toEqual({ origin, tenant: null, token: NO_TOKEN });
    expect(placeOf(origin, 'shop', true, 'pha_1')).toEqual({ origin, tenant: null, token: 'pha_1' });
  });
});
