import { expect, it } from 'vitest';
import { isNarrowed, readFilters } from './filters';

it('the address names groups of states, the server states', () => {
  expect(readFilters({ state: 'late', owner: 'data' })).toMatchObject({ state: 'late,stuck', owner: 'data' });
  expect(readFilters({ state: 'paused' }).state).toBe('paused');
});
it('nothing is narrowed by what is empty or of the page alone', () => {
  expect(isNarrowed(readFilters({ view: 'list', workflow: '', from: 'now-1h' }))).toBe(false);
  expect(isNarrowed(readFilters({ query: 'load' }))).toBe(true);
});
