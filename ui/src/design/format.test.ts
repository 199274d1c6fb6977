import { describe, expect, it } from 'vitest';
import {
  formatThings,
  digitsFor,
  formatAgo,
  formatClock,
  formatCount,
  formatInstant,
  formatSeconds,
  formatValue,
  guessUnit,
} from './format';

it.each([
  [0, '0 spans'],
  [1, '1 span'],
  [1204, '1,204 spans'],
])('%d things are %s', (count, text) => expect(formatThings(count, 'span')).toBe(text));

describe('values', () => {
  it.each([
    [0, 'none', '0'],
    [1, 'none', '1'],
    [1.5, 'none', '1.5'],
    [0.1 + 0.2, 'none', '0.3'],
    [1234, 'none', '1234'],
    [12_345, 'none', '12.3k'],
    [999_960, 'none', '1M'],
    [1e9, 'count', '1G'],
    [-12_345, 'none', '-12.3k'],
    [1e-9, 'none', '1e-9'],
    [1e30, 'none', '1e+30'],
    [NaN, 'bytes', 'NaN'],
    [Infinity, 'seconds', '+Inf'],
    [-Infinity, 'ratio', '-Inf'],
    [1023, 'bytes', '1023 B'],
    [1024, 'bytes', '1 KiB'],
    [1_572_864, 'bytes', '1.5 MiB'],
    [1_048_575, 'bytes', '1 MiB'],
    [2048, 'bytes-per-second', '2 KiB/s'],
    [0.1234, 'ratio', '12.3 %'],
    [99.95, 'percent', '100 %'],
    [42, 'per-second', '42/s'],
    [0, 'bytes', '0 B'],
    [0, 'seconds', '0 s'],
  ] as const)('%d %s', (value, unit, text) => expect(formatValue(value, unit)).toBe(text));
});

describe('seconds', () => {
  it.each([
    [3.5e-8, '35 ns'],
    [0.000_35, '350 µs'],
    [0.25, '250 ms'],
    [1.234, '1.23 s'],
    [119, '119 s'],
    [200, '3m 20s'],
    [7199.7, '2h'],
    [90_000, '25h'],
    [5 * 86_400 + 7200, '5d 2h'],
    [-300, '-5m'],
  ])('%d', (value, text) => expect(formatSeconds(value)).toBe(text));
});

describe('instants', () => {
  const at = Date.UTC(2026, 0, 2, 3, 4, 5);
  it('writes UTC', () => expect(formatInstant(at, true)).toBe('2026-01-02 03:04:05'));
  it('shows milliseconds only where there are some', () => {
    expect(formatClock(at, true)).toBe('03:04:05');
    expect(formatClock(at + 7, true)).toBe('03:04:05.007');
  });
  it('does not fail on an impossible time', () => expect(formatInstant(1e20, true)).toBe('out of range'));
  it('tells an age', () => {
    expect(formatAgo(at - 400, at)).toBe('now');
    expect(formatAgo(at - 12_000, at)).toBe('12 s ago');
    expect(formatAgo(at - 600_000, at)).toBe('10m ago');
    expect(formatAgo(Number.NaN, at)).toBe('never');
  });
  it('groups thousands', () => expect(formatCount(1_234_567)).toBe('1,234,567'));
});

describe('digits', () => {
  it('are enough to tell values apart', () => {
    expect(digitsFor(0.5, 1e9)).toBe(12);
    expect(digitsFor(2, 10)).toBe(4);
    expect(formatValue(0.05123, 'none', digitsFor(1e-5, 0.05123))).toBe('0.05123');
  });
  it('are the usual ones for what does not move or is not known', () => {
    expect(digitsFor(0, 1e9)).toBe(4);
    expect(digitsFor(Infinity, 0)).toBe(4);
    expect(digitsFor(NaN, NaN)).toBe(4);
  });
  it('are never more than there are', () => expect(digitsFor(1e-200, 1e9)).toBe(15));
});

describe('unit guess', () => {
  it.each([
    ['up', 'none'],
    ['node_memory_MemFree_bytes', 'bytes'],
    ['rate(node_network_receive_bytes_total[5m])', 'bytes-per-second'],
    ['rate(http_requests_total[5m])', 'per-second'],
    ['sum by (job) (irate(http_requests_total{path="/a_bytes"}[5m]))', 'per-second'],
    ['rate(process_cpu_seconds_total[1m])', 'cores'],
    ['histogram_quantile(0.99, sum by (le)(rate(http_duration_seconds_bucket[5m])))', 'seconds'],
    ['node_filesystem_avail_bytes / node_filesystem_size_bytes', 'ratio'],
    ['rate(x_duration_seconds_sum[5m]) / rate(x_duration_seconds_count[5m])', 'seconds'],
    ['http_duration_seconds_bucket', 'count'],
    ['response_bytes_bucket{le="100"}', 'count'],
    ['sum by (le) (rate(http_duration_seconds_bucket[5m]))', 'per-second'],
    ['rate(response_bytes_bucket[5m])', 'per-second'],
    ['rate(http_duration_seconds_sum[5m])', 'none'],
    ['rate(node_disk_io_time_seconds_total[5m])', 'none'],
    ['rate(a_duration_seconds_sum[5m]) / rate(b_duration_seconds_sum[5m])', 'ratio'],
    ['rate(container_cpu_usage_seconds_total[5m])', 'cores'],
    ['histogram_count(rate(http_duration_seconds[5m]))', 'per-second'],
    ['histogram_avg(rate(http_duration_seconds[5m]))', 'seconds'],
    ['count by (job) (up)', 'count'],
    ['count(node_memory_bytes)', 'count'],
    ['time() - process_start_time_seconds', 'seconds'],
    ['process_start_time_seconds', 'timestamp'],
    ['node_hwmon_temp_celsius', 'celsius'],
    ['http_requests_total', 'count'],
    ['', 'none'],
    ['node_memory_MemFree_bytes / 1024', 'bytes'],
  ] as const)('%s is %s', (expr, unit) => expect(guessUnit(expr)).toBe(unit));
  it('is that of the count where native histograms are drawn', () => {
    expect(guessUnit('http_duration_seconds', true)).toBe('count');
    expect(guessUnit('sum(rate(http_duration_seconds[5m]))', true)).toBe('per-second');
  });
});
