import { describe, expect, it } from 'vitest';
import type { RuleGroup } from '../api/alerting';
import { ruleOf, unitOf } from './measure';

function group(name: string, query: string, language?: string): RuleGroup {
  const rule = { name: 'A', query, type: 'alerting', health: 'ok', ...(language ? { language } : {}) };
  return { name, file: 'rules.yml', interval: 30, rules: [rule] };
}

describe('the rule of an alert', () => {
  it('is the one of its group, and measures what it compares', () => {
    const groups = [group('one', 'up == 0'), group('two', 'down > 2')];
    expect(ruleOf({ rule: { name: 'A', group: 'two', file: 'rules.yml' } }, groups)).toEqual({
      expression: 'down > 2',
      language: null,
      interval: 30,
      measure: 'down',
    });
    expect(ruleOf({ rule: null }, groups)?.measure).toBe('up');
    expect(ruleOf({ rule: null }, [])).toBeNull();
  });

  it('over lines or spans is measured by the server', () => {
    const rule = ruleOf({ rule: null }, [group('one', '{ } | rate() > 5', 'traceql')]);
    expect(rule).toMatchObject({ language: 'traceql', measure: '' });
  });

  it.each([
    ['{ } | rate() by (name) > 5', 'traceql', 'per-second'],
    ['{ } | count_over_time() = 0', 'traceql', 'count'],
    ['{ } | quantile_over_time(duration, .99) > 500ms', 'traceql', 'seconds'],
    ['{ } | max_over_time(span.size) > 5', 'traceql', 'none'],
    ['sum(count_over_time({a="rate(x) / y"}[5m])) > 2', 'logql', 'count'],
    ['sum(rate({a="b"}[5m])) > 2', 'logql', 'per-second'],
    ['bytes_rate({a="b"}[5m]) > 2', 'logql', 'bytes-per-second'],
    ['rate({a="b"} |= `x` [5m]) / rate({a="b"}[5m]) > 0.1', 'logql', 'none'],
  ])('%s in %s is of the unit %s', (query, language, unit) => {
    const rule = ruleOf({ rule: null }, [group('one', query, language)]);
    expect(rule && unitOf(rule)).toBe(unit);
  });
});
