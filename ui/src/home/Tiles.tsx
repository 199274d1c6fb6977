import clsx from 'clsx';
import type { ReactElement } from 'react';
import { formatValue, type Unit } from '../design/format';
import type { HomeSnapshot } from './load';
import { highest, levelOf, LIMITS, present, total, type Level } from './verdict';
import styles from './home.module.css';

interface Tile {
  name: string;
  value: number | null;
  unit: Unit;
  level: Level;
  more: string;
}

function textOf(value: number | null | undefined, unit: Unit): string {
  return value == null ? '–' : formatValue(value, unit);
}

/** Of several hosts the worst, by name: an average would hide the one that burns. */
function overviewTiles(snapshot: HomeSnapshot): Tile[] {
  const worst = (name: string, panelId: 'cpu' | 'memory' | 'fill'): Tile => {
    const [host, value] = highest(present(snapshot, panelId));
    return { name, value, unit: 'ratio', level: levelOf(value, ...LIMITS[panelId]), more: host };
  };
  const [talker, traffic] = highest(present(snapshot, 'network'));
  return [
    worst('Busiest CPU', 'cpu'),
    worst('Fullest memory', 'memory'),
    worst('Fullest disk', 'fill'),
    { name: 'Most traffic', value: traffic, unit: 'bytes-per-second', level: 'good', more: talker },
  ];
}

function hostTiles(snapshot: HomeSnapshot): Tile[] {
  const cpu = total(present(snapshot, 'cpu'));
  const load = present(snapshot, 'load');
  const memory = present(snapshot, 'memory');
  const used = memory.get('used') ?? null;
  const all = total(memory);
  const share = used != null && all ? used / all : null;
  const fills = [...present(snapshot, 'fill')].sort((a, b) => b[1] - a[1]);
  const [mount, fill] = fills[0] ?? ['', null];
  const network = present(snapshot, 'network');
  return [
    {
      name: 'CPU',
      value: cpu,
      unit: 'ratio',
      level: levelOf(cpu, ...LIMITS.cpu),
      more: `load ${textOf(load.get('1 min'), 'none')} on ${textOf(load.get('CPUs'), 'none')} CPUs`,
    },
    {
      name: 'Memory',
      value: share,
      unit: 'ratio',
      level: levelOf(share, ...LIMITS.memory),
      more: `${textOf(used, 'bytes')} of ${textOf(all, 'bytes')}`,
    },
    {
      name: 'Fullest disk',
      value: fill,
      unit: 'ratio',
      level: levelOf(fill, ...LIMITS.fill),
      more: mount || '–',
    },
    {
      name: 'Network in',
      value: network.get('received') ?? null,
      unit: 'bytes-per-second',
      level: 'good',
      more: `${textOf(network.get('sent'), 'bytes-per-second')} out`,
    },
  ];
}

function pharosTiles(snapshot: HomeSnapshot): Tile[] {
  const samples = total(present(snapshot, 'samples'));
  const lag = present(snapshot, 'lag').get('lag') ?? null;
  const storage = present(snapshot, 'storage');
  const series = present(snapshot, 'series').get('series') ?? null;
  const latency = present(snapshot, 'latency');
  const queries = total(present(snapshot, 'queries'));
  const log = storage.get('log not yet loaded') ?? null;
  const rejected = snapshot.figures.rejected;
  return [
    {
      name: 'Samples in',
      value: samples,
      unit: 'per-second',
      level: 'good',
      more: rejected === 0 ? 'none rejected' : `${textOf(rejected, 'per-second')} rejected`,
    },
    {
      name: 'Data delay',
      value: lag,
      unit: 'seconds',
      level: levelOf(lag, ...LIMITS.lag),
      more: `${textOf(log, 'bytes')} in the log`,
    },
    { name: 'Active series', value: series, unit: 'count', level: 'good', more: 'seen lately' },
    {
      name: 'Query p99',
      value: latency.get('p99') ?? null,
      unit: 'seconds',
      level: 'good',
      more: `${textOf(queries, 'per-second')} answered`,
    },
  ];
}

const NAMES = [
  'CPU',
  'Memory',
  'Fullest disk',
  'Network in',
  'Samples in',
  'Data delay',
  'Active series',
  'Query p99',
];

/** The figures to read first. Tiles stand in their places before the first answer. */
export function Tiles({ snapshot }: { snapshot: HomeSnapshot | undefined }): ReactElement {
  const tiles: Tile[] = snapshot
    ? [
        ...(snapshot.matchers === null ? overviewTiles(snapshot) : hostTiles(snapshot)),
        ...pharosTiles(snapshot),
      ]
    : NAMES.map((name) => ({ name, value: null, unit: 'none', level: 'unknown', more: '' }));
  const collecting = snapshot?.young ?? true;
  return (
    <div className={styles.tiles}>
      {tiles.map((tile, i) => (
        <div className={clsx('panel', styles.tile, styles[tile.level])} key={i}>
          <div className={styles.tileName}>{tile.name}</div>
          <div className={styles.tileValue}>{textOf(tile.value, tile.unit)}</div>
          <div className={clsx('ellipsis', styles.tileMore)} title={tile.more}>
            {tile.value === null && collecting ? 'collecting…' : tile.more}
          </div>
        </div>
      ))}
    </div>
  );
}
