import { describe, expect, it } from 'vitest';
import { diskOf, distinct, fullIn, judgeHost, worstDisk, type Host } from './hosts';

const GIB = 2 ** 30;
const HOUR = 3_600;
const NOW = 1_800_000_000_000;

function host(name: string, more: Partial<Host> = {}): Host {
  return {
    name,
    labels: { job: 'node', instance: name, host_name: '' },
    dialect: 'node',
    also: [],
    seenMs: NOW,
    cpu: 0.1,
    cpus: 2,
    load: 1,
    memory: 0.5,
    memoryTotal: GIB,
    receive: 1,
    transmit: 1,
    bootMs: 1_000,
    courses: { cpu: [], memory: [], network: [] },
    disks: [],
    ...more,
  };
}

describe('when a disk will be full', () => {
  it.each([
    ['what is free by what goes', 100 * GIB, -GIB / HOUR, HOUR, 100 * HOUR],
    ['never where more becomes free', 100 * GIB, 5, HOUR, null],
    ['not told of a few minutes', 100 * GIB, -GIB, 600, null],
    ['not told of what is far away', 100 * GIB, -1, HOUR, null],
    ['not told where nothing is known', 100 * GIB, null, HOUR, null],
  ])('%s', (_, free, trend, age, expected) => {
    const found = fullIn(free, trend, age);
    if (expected === null) expect(found).toBeNull();
    else expect(found).toBeCloseTo(expected);
  });
  it('the one that fills goes before the fullest', () => {
    const filling = diskOf('/data', 10 * GIB, 100 * GIB, -GIB / HOUR, HOUR);
    const full = diskOf('/', 5 * GIB, 100 * GIB, 0, HOUR);
    expect(worstDisk([full, filling])).toBe(filling);
    expect(worstDisk([full, { ...filling, fullInS: null }])).toBe(full);
  });
});

describe('machines', () => {
  it('that two measure are one', () => {
    const twice = distinct([host('a'), host('a', { labels: { job: 'own', instance: 'b', host_name: '' } })]);
    expect(twice).toHaveLength(1);
    expect(twice[0]?.also).toEqual(['own b']);
  });
  it('of one name that were started at other times are two', () => {
    const other = host('a', { bootMs: 99_000_000, labels: { job: 'own', instance: 'b', host_name: '' } });
    expect(distinct([host('a'), other]).map(({ name }) => name)).toEqual(['a (node a)', 'a (own b)']);
  });
});

describe('how a host stands', () => {
  const disk = (free: number, trend: number) => [diskOf('/', free * GIB, 100 * GIB, trend, 6 * HOUR)];
  it.each([
    [{}, 'ok'],
    [{ cpu: 0.9 }, 'warning'],
    [{ memory: 0.99 }, 'critical'],
    [{ disks: disk(10, 0) }, 'warning'],
    [{ disks: disk(50, -GIB / HOUR) }, 'warning'],
    [{ disks: disk(10, -GIB / HOUR) }, 'critical'],
    [{ seenMs: NOW - 600_000 }, 'critical'],
  ] as const)('%o is %s', (more, status) => expect(judgeHost(host('a', more), [], NOW).status).toBe(status));
});
