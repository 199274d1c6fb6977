import { expect, it } from 'vitest';
import { searchOf } from './search';

it('asks for what the server can look for, to the minute', () =>
  expect(
    searchOf(
      [
        { name: 'action', operator: '=', value: 'user' },
        { name: 'object', operator: '!=', value: 'x' },
        { name: 'hash', operator: '=', value: 'x' },
      ],
      { fromMs: 60_001, toMs: 120_000 },
    ),
  ).toEqual({ action: 'user', start: 120, end: 120 }));
