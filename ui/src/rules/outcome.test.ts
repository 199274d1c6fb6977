import { describe, expect, it } from 'vitest';
import type { Outcome, Replay } from '../api/rules';
import { changeOf, saidOf } from './outcome';

const NONE: Outcome = { fired: 0, pages: 0, pages_by_receiver: {}, untold: 0, held: [], rules: [] };

describe('what a replay says', () => {
  it.each([
    [{}, 'It would not have fired in the last 7 days.'],
    [{ fired: 1, pages: 0, untold: 1 }, 'It would have fired once and told nobody in the last 7 days.'],
    [{ fired: 2, pages: 1234 }, 'It would have fired twice and told 1,234 times in the last 7 days.'],
    [
      { fired: 3, pages: 2, untold: 1 },
      'It would have fired 3 times and told twice in the last 7 days. One alert would have reached nobody.',
    ],
  ])('%j', (change, said) => expect(saidOf({ ...NONE, ...change })).toBe(said));
});

describe('what a change changes', () => {
  const replay: Replay = { start: '', end: '', outcome: NONE, compared: null, difference: null };
  it('is nothing without another version', () => expect(changeOf(replay)).toBeNull());
  it('is told in messages and in alerts', () =>
    expect(
      changeOf({ ...replay, compared: NONE, difference: { saved: 3, added: 0, lost: 1, gained: 0 } }),
    ).toContain('3 messages fewer, 1 alerts that nobody would hear of any more'));
});
