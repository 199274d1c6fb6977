import { expect, test } from 'vitest';
import { ApiError } from './client';
import { faultIn, faultsOf } from './faults';

const refused = (message: string, status = 400): ApiError => new ApiError('refused', message, status);

test.each([
  ["maintenance window 'to be': repeats: INTERVAL is 1 to 1000", 'repeats', 'INTERVAL is 1 to 1000'],
  ["action 'x: y': webhook.url: no address", 'webhook.url', 'no address'],
  ["schedule 'a': layers[1].starts: a time: such", 'layers[1].starts', 'a time: such'],
  ["maintenance window 'n': the document: it ends after it starts", '', 'it ends after it starts'],
  ['the field starts is missing', 'starts', 'It is needed'],
  ['matchers: List should have at most 50 items', 'matchers', 'List should have at most 50 items'],
  ['no such thing', '', 'no such thing'],
])('%s', (message, place, text) => {
  expect(faultIn(refused(message))).toEqual({ place, text });
});

test('a conflict is at no field', () => {
  expect(faultIn(refused('version: it is 4 now', 409)).place).toBe('');
});

test('a fault is told at its field, or below all of them', () => {
  const faults = faultsOf(refused("action 'x': webhook.url: no address"));
  expect(faults.at('webhook')).toBe('no address');
  expect(faults.at('web')).toBeUndefined();
  expect(faults.rest('webhook.url')).toBeNull();
  expect(faults.rest('command')).toBe('webhook.url: no address');
  expect(faultsOf(null).rest()).toBeNull();
});
