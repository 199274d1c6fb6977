import { expect, it } from 'vitest';
import { splitEvents } from './events';

it('takes whole events and keeps the rest for later', () =>
  expect(splitEvents('event: runs\nid: 7\ndata: {"a":\ndata: 1}\n\nevent: ru')).toEqual({
    events: [{ kind: 'runs', id: '7', data: '{"a":\n1}' }],
    rest: 'event: ru',
  }));
it('passes over comments', () => expect(splitEvents(': still here\n\n:\n\n').events).toEqual([]));
it('understands the line ends of the web', () =>
  expect(splitEvents('event: runs\r\ndata: 1\r\n\r\n').events).toEqual([
    { kind: 'runs', id: '', data: '1' },
  ]));
