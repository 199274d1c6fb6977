import { expect, it } from 'vitest';
import { neighbour, readPlaylist, writePlaylist } from './playlist';

it('comes back from the address, and goes round', () => {
  const playlist = readPlaylist(writePlaylist(['a', 'b', 'c'], '1m'));
  expect(playlist).toEqual({ uids: ['a', 'b', 'c'], everyMs: 60_000 });
  if (playlist === null) return;
  expect(neighbour(playlist, 'c', 1)).toBe('a');
  expect(neighbour(playlist, 'a', -1)).toBe('c');
  expect(neighbour(playlist, 'gone', 1)).toBe('a');
});

it('shows each long enough to be read, and nothing where nothing is named', () => {
  expect(readPlaylist({ playlist: 'a', every: '1ms' })?.everyMs).toBe(5_000);
  expect(readPlaylist({ playlist: 'a', every: 'soon' })?.everyMs).toBe(30_000);
  expect(readPlaylist({ playlist: ',' })).toBeNull();
});
