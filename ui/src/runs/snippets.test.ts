import { describe, expect, it } from 'vitest';
import { snippets } from './snippets';

const texts = (tenant: string | null, signs: boolean): readonly string[] =>
  snippets('http://here:8080', tenant, signs).map(({ text }) => text);

describe('what is pasted to send a first run', () => {
  it('names the tenant that is looked at, and a token where people sign in', () => {
    for (const text of texts('acme', true)) {
      expect(text).toContain('X-Scope-OrgID');
      expect(text).toContain('acme');
      expect(text).toContain('PHAROS_TOKEN');
    }
  });
  it('names neither where none is needed', () => {
    for (const text of [...texts(null, false), ...texts('default', false)])
      expect(text).not.toMatch(/OrgID|PHAROS_TOKEN|os\.environ/);
  });
  it('goes to where this page came from', () => {
    for (const text of texts(null, false)) expect(text).toContain('http://here:8080/api/v1/');
  });
});
