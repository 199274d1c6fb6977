import { describe, expect, it } from 'vitest';
import { textIn, writeIn } from './format';
import { UNITS } from './table';

const NOW = Date.parse('2026-11-30T12:00:00Z');
const CLOCK = { nowMs: NOW, utc: true };

describe('a value in a unit', () => {
  it.each<[string, number, number | undefined, string]>([
    ['none', 0, undefined, '0'],
    ['none', 1234.5678, undefined, '1235'],
    ['none', 12.345, undefined, '12.3'],
    ['none', 0.012345, undefined, '0.0123'],
    ['none', 1e-12, undefined, '1.0e-12'],
    ['none', -0.0001, 2, '0.00'],
    ['none', 1234567, undefined, '1,234,567'],
    ['none', 12.3, 3, '12.300'],
    ['', 3, undefined, '3'],
    ['short', 999, undefined, '999'],
    ['short', 1500, undefined, '1.5 K'],
    ['short', 2_500_000, undefined, '2.5 Mil'],
    ['short', 7e9, 2, '7.00 Bil'],
    ['short', 999_999, undefined, '1 Mil'],
    ['sishort', 1500, undefined, '1.5 k'],
    ['percent', 45.678, undefined, '45.7%'],
    ['percentunit', 0.45678, undefined, '45.7%'],
    ['percentunit', 0.5, 1, '50.0%'],
    ['percentunit', 1e-5, undefined, '0.001%'],
    ['bytes', 0, undefined, '0 B'],
    ['bytes', 1536, undefined, '1.5 KiB'],
    ['bytes', 1024 ** 3, undefined, '1 GiB'],
    ['bytes', 1023.999, undefined, '1 KiB'],
    ['decbytes', 1500, undefined, '1.5 kB'],
    ['kbytes', 2048, undefined, '2 MiB'],
    ['mbytes', 0.5, undefined, '512 KiB'],
    ['deckbytes', 1000, undefined, '1 MB'],
    ['bits', 2048, undefined, '2 Kib'],
    ['bps', 12_500_000, undefined, '12.5 Mb/s'],
    ['Bps', 12_500_000, undefined, '12.5 MB/s'],
    ['binBps', 1048576, undefined, '1 MiB/s'],
    ['MBs', 1500, undefined, '1.5 GB/s'],
    ['pps', 1500, undefined, '1.5 kp/s'],
    ['hertz', 2.4e9, undefined, '2.4 GHz'],
    ['reqps', 1234, undefined, '1.23 K req/s'],
    ['ops', 5, undefined, '5 ops/s'],
    ['iops', 0.5, undefined, '0.5 io/s'],
    ['ns', 1500, undefined, '1.5 µs'],
    ['µs', 1500, undefined, '1.5 ms'],
    ['μs', 12, undefined, '12 µs'],
    ['ms', 0.5, undefined, '500 µs'],
    ['ms', 60, undefined, '60 ms'],
    ['ms', 1500, undefined, '1.5 s'],
    ['s', 0, undefined, '0 s'],
    ['s', 0.0123, undefined, '12.3 ms'],
    ['s', 90, undefined, '1.5 min'],
    ['s', 3600, undefined, '1 hour'],
    ['s', 7200, undefined, '2 hours'],
    ['s', 172_800, undefined, '2 days'],
    ['s', 3_000_000, undefined, '4.96 weeks'],
    ['m', 90, undefined, '1.5 hours'],
    ['h', 36, undefined, '1.5 days'],
    ['timeticks', 150, undefined, '1.5 s'],
    ['dtdurations', 93_784, undefined, '1 day, 2 hours'],
    ['dtdurationms', 1_500, undefined, '1 second'],
    ['dtdurationms', 15, undefined, '15 ms'],
    ['dthms', 3_725, undefined, '01:02:05'],
    ['dtdhms', 93_784, undefined, '1 d 02:03:04'],
    ['clockms', 3_725_004, undefined, '01h:02m:05s:004ms'],
    ['clocks', 65, undefined, '01m:05s'],
    ['dateTimeAsIso', NOW, undefined, '2026-11-30 12:00:00'],
    ['dateTimeAsIsoNoDateIfToday', NOW - 60_000, undefined, '11:59:00'],
    ['dateTimeAsIsoNoDateIfToday', NOW - 86_400_000, undefined, '2026-11-29 12:00:00'],
    ['dateTimeAsUS', NOW, undefined, '11/30/2026 12:00:00 PM'],
    ['dateTimeFromNow', NOW - 7_200_000, undefined, '2 hours ago'],
    ['dateTimeFromNow', NOW + 3_600_000, undefined, 'in 1 hour'],
    ['currencyUSD', 1234.5, undefined, '$1.23K'],
    ['currencyUSD', -12.5, 2, '-$12.50'],
    ['currencyEUR', 3, undefined, '€3'],
    ['currencySEK', 12, undefined, '12 kr'],
    ['celsius', 21.55, undefined, '21.6 °C'],
    ['watt', 1500, undefined, '1.5 kW'],
    ['kwatt', 1500, undefined, '1.5 MW'],
    ['mvolt', 1500, undefined, '1.5 V'],
    ['Hs', 2.5e12, undefined, '2.5 TH/s'],
    ['bool', 1, undefined, 'True'],
    ['bool_yes_no', 0, undefined, 'No'],
    ['bool_on_off', 2, undefined, 'On'],
    ['hex0x', 255, undefined, '0xFF'],
    ['hex', 255, undefined, 'FF'],
    ['sci', 12_345, undefined, '1.23e+4'],
    ['locale', 1234567.5, undefined, '1,234,568'],
    ['suffix:nodes', 3, undefined, '3 nodes'],
    ['prefix:~', 3, undefined, '~3'],
    ['si:mV', 1500, undefined, '1.5 V'],
    ['si:B', 1500, undefined, '1.5 kB'],
    ['count:apples', 1500, undefined, '1.5 K apples'],
    ['bool:up/down', 1, undefined, 'up'],
    ['Errors/sec', 3, undefined, '3 Errors/sec'],
    ['peers', 7, undefined, '7 peers'],
    ['none', NaN, undefined, 'NaN'],
    ['bytes', -Infinity, undefined, '-Inf'],
    ['bytes', -2048, undefined, '-2 KiB'],
    ['none', 1e22, undefined, '1.00e+22'],
  ])('%s of %d with %s decimals is %s', (unit, value, decimals, text) =>
    expect(textIn(value, unit, decimals, CLOCK)).toBe(text),
  );
  it('keeps the sign and the unit apart from the figure', () =>
    expect(writeIn(1536, 'bytes')).toEqual({ before: '', figure: '1.5', after: ' KiB' }));
});

describe('the table', () => {
  it('has each id once', () => expect(new Set(UNITS.map(({ id }) => id)).size).toBe(UNITS.length));
  it('writes ordinary and odd values in each unit', () => {
    for (const { id } of UNITS)
      for (const value of [0, 1, -1, 0.001, 1e-15, 1e300, -1e300, NaN, Infinity, NOW])
        expect(textIn(value, id, undefined, CLOCK), id).not.toMatch(/undefined|^$/u);
  });
});
