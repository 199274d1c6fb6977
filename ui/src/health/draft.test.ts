import { expect, test } from 'vitest';
import type { ComponentView } from '../api/health';
import { readDraft, writeDraft } from './draft';
import { shadeOf, uptimeText } from './strip';
import { treeOf } from './tree';

test('a check that is read and written is the same', () => {
  const check = {
    name: 'home',
    type: 'http',
    url: 'https://example.com/',
    status: ['200', '3xx'],
    certificate_days: 14,
    depends_on: ['router'],
    headers: { 'X-Key': '<secret>' },
    retries: 1,
  };
  const { said, rest } = readDraft(check);
  expect(said).toMatchObject({ url: 'https://example.com/', status: '200, 3xx', certificate_days: '14' });
  expect(JSON.parse(rest)).toEqual({ headers: { 'X-Key': '<secret>' }, retries: 1 });
  expect(writeDraft('home', 'http', said, rest)).toEqual(check);
});

test('what is not there yet is told by its name', () => {
  expect(writeDraft('a', 'tcp', { host: 'h' }, '')).toBe('Port is missing');
  expect(writeDraft('a', 'tcp', { host: 'h', port: 'x' }, '')).toBe('Port: a whole number is expected');
  expect(writeDraft('a', 'icmp', { host: 'h' }, '{')).toBe('Further fields: this is not JSON');
  expect(writeDraft('a', 'icmp', { host: 'h' }, '[]')).toContain('a JSON object');
});

test('an uptime is cut and not rounded', () => {
  expect(uptimeText(0.999999)).toBe('99.999 % up');
  expect(uptimeText(1)).toBe('100 % up');
  expect(uptimeText(null)).toBe('not measured');
  expect([1, 0.9994, 0.5, null].map(shadeOf)).toEqual(['good', 'fair', 'poor', 'none']);
});

const component = (name: string, part_of: string): ComponentView =>
  ({ name, part_of }) as unknown as ComponentView;

test('components stand below what they are a part of, and a round ends', () => {
  const found = treeOf([
    component('cart', 'shop'),
    component('shop', ''),
    component('a', 'b'),
    component('b', 'a'),
  ]);
  expect(found.map(({ of, depth }) => `${depth}${of.name}`)).toEqual(['0shop', '1cart', '0a', '1b']);
});
