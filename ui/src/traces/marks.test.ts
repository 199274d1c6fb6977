import { expect, it } from 'vitest';
import type { TraceRow } from '../api/traces';
import { marksOf } from './marks';

const VIEW = {
  start_ns: '1700000000000000000',
  root: 0,
  rows: [{ span_id: 'aa' }, { span_id: 'bb' }] as unknown as readonly TraceRow[],
};
const line = (ns: string, span: string) => ({
  ts_ns: `1700000000${ns}`,
  level: 'info',
  service: 's',
  body: ns,
  span_id: span,
});

it('log lines stand at their span in the order of time, those of no span at the root', () => {
  const found = marksOf(VIEW, [line('000000030', 'bb'), line('000000010', 'bb'), line('000000020', 'zz')]);
  expect([...found].map(([row, marks]) => [row, marks.map((one) => one.offset_ns)])).toEqual([
    [1, [10, 30]],
    [0, [20]],
  ]);
});
