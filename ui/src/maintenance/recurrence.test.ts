import { expect, test } from 'vitest';
import { ONCE, readRule, sayRule, writeRule } from './recurrence';

test.each([
  ['', 'once'],
  ['FREQ=DAILY', 'every day'],
  ['FREQ=DAILY;INTERVAL=3;COUNT=5', 'every 3 days, 5 times'],
  ['FREQ=WEEKLY;BYDAY=SA,SU', 'every week on Saturday, Sunday'],
  ['FREQ=MONTHLY', 'every month'],
  ['FREQ=MONTHLY;BYDAY=1TU', 'every month on the first Tuesday'],
  ['FREQ=MONTHLY;BYDAY=-1FR;UNTIL=20271231T235959', 'every month on the last Friday, until 2027-12-31'],
  ['FREQ=YEARLY', 'every year'],
])('%s is %s, and is written as it was', (rule, words) => {
  expect(sayRule(rule)).toBe(words);
  expect(writeRule(readRule(rule))).toBe(rule);
});

test.each([
  'FREQ=MONTHLY;BYMONTHDAY=15,-1',
  'FREQ=WEEKLY;BYDAY=2MO',
  'FREQ=DAILY;UNTIL=20271231T120000',
  'FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=1',
])('%s says more than the form, and stays as it is', (rule) => {
  expect(readRule(rule).kind).toBe('rule');
  expect(writeRule(readRule(rule))).toBe(rule);
});

test('days of the week are in their order', () => {
  expect(writeRule({ ...ONCE, kind: 'weekly', days: ['SU', 'MO'] })).toBe('FREQ=WEEKLY;BYDAY=MO,SU');
});
