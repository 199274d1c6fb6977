import { describe, expect, it } from 'vitest';
import { exprForLabel, exprForMetric, exprForPair } from './exprs';

describe('expressions of rankings', () => {
  it('quotes metric names that need it', () => {
    expect(exprForMetric('up')).toBe('up');
    expect(exprForMetric('http.requests')).toBe('{"http.requests"}');
  });
  it('counts the values of a label', () =>
    expect(exprForLabel('job')).toBe('topk(50, count by (job) ({job!=""}))'));
  it('splits a pair at its first equals sign', () =>
    expect(exprForPair('q=a="b"')).toBe('topk(50, count by (__name__) ({q="a=\\"b\\""}))'));
});
