import { describe, expect, it } from 'vitest';
import { stateRuns } from './states';

describe('states over time', () => {
  it('are runs of the same', () =>
    expect(stateRuns(['ok', 'ok', 'critical', null, 'critical', 'ok'])).toEqual([
      { status: 'ok', from: 0, to: 1 },
      { status: 'critical', from: 2, to: 2 },
      { status: 'critical', from: 4, to: 4 },
      { status: 'ok', from: 5, to: 5 },
    ]));
  it('of nothing known are none', () => expect(stateRuns([null, null])).toEqual([]));
});
