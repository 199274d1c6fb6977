import { describe, expect, it } from 'vitest';
import { figuresOf } from './figures';
import type { Unit } from './format';

function column(values: number[], unit: Unit): [string, string[]] {
  const { head, write } = figuresOf(values, unit);
  return [head, values.map(write)];
}

describe('the figures of a column', () => {
  it.each<[string, number[], Unit, string, string[]]>([
    ['share their decimals', [0.6, 0.5964, 12], 'per-second', '/s', ['0.60', '0.60', '12.00']],
    ['keep two digits of the smallest', [0.0000975, 0.5], 'cores', 'cores', ['0.000098', '0.500000']],
    ['have the unit in the head', [1_572_864, 1_048_576], 'bytes', 'MiB', ['1.500', '1.000']],
    ['are whole where all are', [12, 1_234_567], 'count', '', ['12', '1,234,567']],
    ['stay exact as far as whole numbers go', [9_007_199_254_740], 'none', '', ['9,007,199,254,740']],
    ['lose the thirteenth decimal', [701.8884327598676, 3.5], 'none', '', ['701.9', '3.5']],
    ['are short times in one unit', [0.000_35, 0.012], 'seconds', 'ms', ['0.35', '12.00']],
    ['are long times in hours', [36_000, 9_000], 'seconds', 'h', ['10.00', '2.50']],
    ['are ratios in percent', [0.5, 0.123], 'ratio', '%', ['50.00', '12.30']],
    ['tell what is no number', [NaN, Infinity, -Infinity, 1], 'none', '', ['NaN', '+Inf', '-Inf', '1']],
    ['are nothing but zeros', [0, 0], 'bytes', 'B', ['0', '0']],
    ['have no minus before nothing', [-0, 2.5], 'none', '', ['0.000', '2.500']],
    ['are few bytes as bytes', [0, 512], 'bytes', 'B', ['0', '512']],
  ])('%s', (_what, values, unit, head, texts) => expect(column(values, unit)).toEqual([head, texts]));
  it('do not have digits for the very smallest alone', () => {
    const values = [0.000_01, ...Array.from({ length: 40 }, (_, i) => 12 + i)];
    expect(column(values, 'none')[1].slice(0, 2)).toEqual(['<0.01', '12.00']);
  });
  it('each have their unit when they are worlds apart', () =>
    expect(column([12, 3 * 2 ** 40], 'bytes')).toEqual(['', ['12 B', '3 TiB']]));
  it('of an empty column are known too', () => expect(figuresOf([], 'seconds').head).toBe('ns'));
});
