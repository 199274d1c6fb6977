import { describe, expect, it } from 'vitest';
import { marksAt, withThresholds, type Marks } from './marks';

const MARKS: Marks = {
  annotations: [
    { fromMs: 10_000, toMs: 20_000, text: 'deploy' },
    { fromMs: 30_000, text: 'restart' },
  ],
  events: [{ atMs: 31_000, text: 'alert' }],
};

describe('marks', () => {
  it('are told while they last', () => expect(marksAt(MARKS, 15, 0.1)).toEqual(['deploy']));
  it('are told where they are near', () => expect(marksAt(MARKS, 30.5, 0.1)).toEqual(['restart', 'alert']));
  it('are not told elsewhere', () => expect(marksAt(MARKS, 25, 0.1)).toEqual([]));
});

describe('the value axis', () => {
  const at = (value: number) => [{ value, label: 'limit', tone: 'critical' as const }];
  it('reaches a limit that is near', () => expect(withThresholds(0, 10, at(15))).toEqual([0, 15]));
  it('does not reach for one that is far', () => expect(withThresholds(0, 10, at(1000))).toEqual([0, 10]));
  it('reaches down too', () => expect(withThresholds(5, 10, at(-3))).toEqual([-3, 10]));
});
