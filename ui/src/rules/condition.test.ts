import { expect, test } from 'vitest';
import { BLANK_CONDITION, conditionDraftOf, conditionFault, conditionOf } from './condition';

test('a condition is in three fields, and what the form does not show stays', () => {
  const kept = {
    id: 'flow',
    name: 'Flow latency',
    metric: 'flow_execution_latency_p99',
    operator: 'gte',
    threshold: '5000.0',
    severity: 'critical',
    channels: ['email', 'slack'],
    cooldown: 300_000,
    labels: { team: 'qflow' },
  };
  const draft = conditionDraftOf(kept);
  expect(draft).toMatchObject({
    isSimple: true,
    metric: 'flow_execution_latency_p99',
    comparison: '>=',
    value: '5000.0',
    cooldown: '5m',
  });
  expect(conditionOf({ ...draft, value: '6000', daoSubnet: 'dao_1' }, kept)).toEqual({
    id: 'flow',
    name: 'Flow latency',
    condition: 'flow_execution_latency_p99 >= 6000',
    severity: 'critical',
    channels: ['email', 'slack'],
    cooldown: 300_000,
    daoSubnet: 'dao_1',
    labels: { team: 'qflow' },
  });
});

test('other comparisons are a text', () => {
  const draft = conditionDraftOf({ name: 'a', condition: 'a / b > 0.5 and c == 1' });
  expect(draft).toMatchObject({ isSimple: false, text: 'a / b > 0.5 and c == 1' });
  expect(conditionOf(draft, {})['condition']).toBe('a / b > 0.5 and c == 1');
});

test.each([
  [{}, 'The condition needs a name.'],
  [{ name: 'a' }, 'Say what is compared with what.'],
  [{ name: 'a', metric: 'b', value: 'x' }, 'The limit is a number.'],
  [{ name: 'a', metric: 'b', value: '1', cooldown: 'long' }, 'The cooldown is a duration such as 5m.'],
  [{ name: 'a', metric: 'b', value: '1' }, null],
])('%j: %s', (next, fault) => {
  expect(conditionFault({ ...BLANK_CONDITION, ...next })).toBe(fault);
});
