import type { ReactElement } from 'react';
import { formatValue, type Unit } from '../design/format';
import type { HomeSnapshot } from './load';
import { highest, levelOf, LIMITS, newest, total, type Level } from './verdict';

interface Tile {
  name: string;
  value: number | null;
  unit: Unit;
  level: Level;
  more: string;
}

/** Of several hosts the worst, by name: an average would hide the one that burns. */
function overviewTiles(snapshot: HomeSnapshot): Tile[] {
  const worst = (name: string, panelId: 'cpu' | 'memory' | 'fill'): Tile => {
    const [host, value] = highest(newest(snapshot, panelId));
    return { name, value, unit: 'ratio', level: levelOf(value, ...LIMITS[panelId]), more: host };
  };
  const [talker, traffic] = highest(newest(snapshot, 'network'));
  return [
    worst('Busiest CPU', 'cpu'),
    worst('Fullest memory', 'memory'),
    worst('Fullest disk', 'fill'),
    { name: 'Most traffic', value: traffic, unit: 'bytes-per-second', level: 'good', more: talker },
  ];
}

function hostTiles(snapshot: HomeSnapshot): Tile[] {
  const cpu = total(newest(snapshot, 'cpu'));
  const load = newest(snapshot, 'load');
  const memory = newest(snapshot, 'memory');
  const used = memory.get('used') ?? null;
  const all = total(memory);
  const share = used != null && all ? used / all : null;
  const fills = [...newest(snapshot, 'fill')].sort((a, b) => b[1] - a[1]);
  const [mount, fill] = fills[0] ?? ['', null];
  const network = newest(snapshot, 'network');
  const text = (value: number | undefined, unit: Unit): string =>
    value == null ? '–' : formatValue(value, unit);
  return [
    {
      name: 'CPU',
      value: cpu,
      unit: 'ratio',
      level: levelOf(cpu, ...LIMITS.cpu),
      more: `load ${text(load.get('1 min'), 'none')} on ${text(load.get('CPUs'), 'none')} CPUs`,
    },
    {
      name: 'Memory',
      value: share,
      unit: 'ratio',
      level: levelOf(share, ...LIMITS.memory),
      more: `${text(used ?? undefined, 'bytes')} of ${text(all ?? undefined, 'bytes')}`,
    },
    {
      name: 'Fullest disk',
      value: fill,
      unit: 'ratio',
      level: levelOf(fill, ...LIMITS.fill),
      more: mount || 'no file system seen',
    },
    {
      name: 'Network in',
      value: network.get('received') ?? null,
      unit: 'bytes-per-second',
      level: 'good',
      more: `${text(network.get('sent'), 'bytes-per-second')} out`,
    },
  ];
}

function pharosTiles(snapshot: HomeSnapshot): Tile[] {
  const samples = total(newest(snapshot, 'samples'));
  const lag = newest(snapshot, 'lag').get('lag') ?? null;
  const storage = newest(snapshot, 'storage');
  const series = newest(snapshot, 'series').get('series') ?? null;
  const latency = newest(snapshot, 'latency');
  const queries = total(newest(snapshot, 'queries'));
  const log = storage.get('log not yet loaded') ?? null;
  const rejected = snapshot.figures.rejected;
  return [
    {
      name: 'Samples in',
      value: samples,
      unit: 'per-second',
      level: 'good',
      more: rejected ? `${formatValue(rejected, 'per-second')} rejected` : 'none rejected',
    },
    {
      name: 'Visible after',
      value: lag,
      unit: 'seconds',
      level: levelOf(lag, ...LIMITS.lag),
      more: log === null ? 'accepted to queryable' : `${formatValue(log, 'bytes')} in the log`,
    },
    { name: 'Active series', value: series, unit: 'count', level: 'good', more: 'seen lately' },
    {
      name: 'Query p99',
      value: latency.get('p99') ?? null,
      unit: 'seconds',
      level: 'good',
      more: queries === null ? 'no queries' : `${formatValue(queries, 'per-second')} answered`,
    },
  ];
}

const NAMES = [
  'Samples in',
  'Visible after',
  'Active series',
  'Query p99',
  'CPU',
  'Memory',
  'Fullest disk',
  'Network in',
];

/** The figures to read first. Tiles stand in their places before the first answer. */
export function Tiles({ snapshot }: { snapshot: HomeSnapshot | undefined }): ReactElement {
  const tiles: Tile[] = snapshot
    ? [
        ...pharosTiles(snapshot),
        ...(snapshot.matchers === null ? overviewTiles(snapshot) : hostTiles(snapshot)),
      ]
    : NAMES.map((name) => ({ name, value: null, unit: 'none', level: 'unknown', more: ' ' }));
  return (
    <div className="tiles">
      {tiles.map((tile, i) => (
        <div className={`tile panel ${tile.level}`} key={i}>
          <div className="tile-name">{tile.name}</div>
          <div className="tile-value">{tile.value === null ? '–' : formatValue(tile.value, tile.unit)}</div>
          <div className="tile-more ellipsis" title={tile.more}>
            {tile.more}
          </div>
        </div>
      ))}
    </div>
  );
}
