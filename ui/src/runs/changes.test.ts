import { describe, expect, it } from 'vitest';
import type { RunSummary } from '../api/runs';
import { hasStrangers, refreshed, withChanges } from './changes';

function run(id: string, heard: number, state: RunSummary['state'] = 'running'): RunSummary {
  return { run_id: id, last_heard_ms: heard, end_ms: null, state } as RunSummary;
}

describe('a list that goes on', () => {
  it('shows each run as it was told of last', () => {
    const fresh = withChanges(new Map(), [run('a', 20, 'failed')]);
    expect(refreshed([run('a', 10), run('b', 10)], fresh).map(({ state }) => state)).toEqual([
      'failed',
      'running',
    ]);
  });
  it('forgets what was told before it was read anew', () => {
    const fresh = withChanges(new Map(), [run('a', 5, 'failed')]);
    expect(refreshed([run('a', 10)], fresh)[0]?.state).toBe('running');
  });
  it('is asked anew for a run that it does not have', () => {
    expect(hasStrangers([run('a', 1)], [run('a', 2)])).toBe(false);
    expect(hasStrangers([run('a', 1)], [run('new', 2)])).toBe(true);
  });
  it('keeps no more than there is use for', () => {
    const fresh = withChanges(withChanges(new Map(), [run('a', 1), run('b', 1)], 2), [run('c', 1)], 2);
    expect([...fresh.keys()]).toEqual(['b', 'c']);
  });
});
