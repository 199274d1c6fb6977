import { expect, test } from 'vitest';
import type { ActionDocument } from '../api/responses';
import { BLANK, documentOf, draftOf, faultOf, sayAction, typedValue, valueOf } from './draft';

const REST = {
  matchers: ['alertname="QueueLong"'],
  severities: ['critical'],
  on: ['firing', 'resolved'],
  cooldown: '10m',
  timeout: '30s',
  dry_run: false,
  approval: true,
  enabled: true,
  evidence: ['sum(rate(a[5m]))', 'up'],
} as const;

test.each<[string, ActionDocument]>([
  [
    'POST https://x/y',
    {
      ...REST,
      webhook: {
        url: 'https://x/y',
        method: 'POST',
        headers: { 'X-A': '1' },
        body: { service: '${service}', replicas: 5, count: '5', on: true },
      },
    },
  ],
  ['restart ${service} -v', { ...REST, command: { name: 'restart', arguments: ['${service}', '-v'] } }],
  [
    'scale deployment shop/cart in main to 5',
    {
      ...REST,
      kubernetes: {
        cluster: 'main',
        kind: 'deployment',
        namespace: 'shop',
        name: 'cart',
        patch: { spec: { replicas: 5 } },
        type: 'merge',
        scale: true,
      },
    },
  ],
  [
    'patch configmap shop/flags in main',
    {
      ...REST,
      kubernetes: {
        cluster: 'main',
        kind: 'configmap',
        namespace: 'shop',
        name: 'flags',
        patch: { data: { degraded: 'true' } },
        type: 'strategic',
        scale: false,
      },
    },
  ],
])('%s is what it was after a look at it in the form', (words, action) => {
  expect(sayAction(action)).toBe(words);
  expect(documentOf(draftOf(action))).toEqual(action);
  expect(faultOf(draftOf(action))).toBeNull();
});

test.each([5, true, null, { a: 1 }, '5', 'text', '${a}', ''])('%j is typed and read as the same', (value) => {
  expect(valueOf(typedValue(value))).toEqual(value);
});

test('what is missing is said', () => {
  expect(faultOf(BLANK)).toBe('The webhook needs an address.');
  expect(faultOf({ ...BLANK, kind: 'kubernetes' })).toContain('Name the cluster');
  expect(faultOf({ ...BLANK, url: 'https://x', on: [] })).toContain('answers nothing');
});
