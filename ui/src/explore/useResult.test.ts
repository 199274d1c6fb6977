import { describe, expect, it } from 'vitest';
import { afterAnswer, whileAsking, type Result, type Shown } from './useResult';

const blank: Shown = { question: '', result: undefined, error: null };
const up = { expr: 'up', view: 'graph' } as const;
const good = { expr: 'up' } as Result;
const failure = new Error('gone');
const answered = afterAnswer(blank, up, good, null);

describe('what a panel shows', () => {
  it('keeps the last good answer through failures of the same question', () => {
    const failed = afterAnswer(answered, up, undefined, failure);
    expect(failed).toMatchObject({ result: good, error: failure });
    // While it is asked again neither the graph nor the error goes away.
    expect(whileAsking(afterAnswer(failed, up, undefined, null), up)).toBe(failed);
    expect(afterAnswer(failed, up, good, null)).toMatchObject({ result: good, error: null });
  });
  it('shows no old answer below the error of another question', () => {
    const other = { expr: 'down', view: 'graph' } as const;
    expect(whileAsking(answered, other)).toMatchObject({ result: good, error: null });
    expect(afterAnswer(answered, other, undefined, failure).result).toBeUndefined();
    expect(afterAnswer(answered, { ...up, view: 'table' }, undefined, failure).result).toBeUndefined();
  });
  it('forgets an error when something else is asked', () => {
    const failed = afterAnswer(answered, up, undefined, failure);
    expect(whileAsking(failed, { expr: 'down', view: 'graph' }).error).toBeNull();
  });
  it('changes nothing without news', () => {
    expect(afterAnswer(answered, up, good, null)).toBe(answered);
    const failed = afterAnswer(answered, up, undefined, failure);
    expect(afterAnswer(failed, up, undefined, failure)).toBe(failed);
  });
});
