import { expect, it } from 'vitest';
import type { Token } from '../api/types';
import { tokenState } from './state';

const NOW = 1_800_000_000_000;
const DAY = 86_400_000;
const TOKEN = { revoked_ms: null, expires_ms: null } as unknown as Token;

it.each([
  [{}, 'active'],
  [{ expires_ms: NOW + 30 * DAY }, 'active'],
  [{ expires_ms: NOW + 2 * DAY }, 'expiring'],
  [{ expires_ms: NOW }, 'expired'],
  [{ revoked_ms: NOW - 1, expires_ms: NOW + DAY }, 'revoked'],
  [{ revoked_ms: NOW + DAY }, 'active'],
])('a token with %j is %s', (fields, state) => expect(tokenState({ ...TOKEN, ...fields }, NOW)).toBe(state));
