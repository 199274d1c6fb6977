// What differs between a dashboard as it is kept and as it will be saved, in words. Pure.

import type { DashboardModel, Definitions, PanelModel, RowModel } from '../api/dashboards';
import { textAt, type JsonObject } from '../panels/json';

export interface Part {
  model: DashboardModel;
  definitions: Definitions;
}

/** One kind of change, and the names of what was changed so; none where the kind says it all. */
export interface Said {
  what: string;
  names: readonly string[];
}

const SETTINGS: readonly (readonly [keyof DashboardModel, string])[] = [
  ['title', 'title'],
  ['description', 'description'],
  ['tags', 'tags'],
  ['time', 'time'],
  ['refresh', 'refresh'],
  ['timezone', 'zone'],
  ['tooltip', 'tooltip'],
];

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

interface Placed {
  panel: PanelModel;
  row: string;
}

function placed({ tabs }: DashboardModel): ReadonlyMap<string, Placed> {
  const found = tabs.flatMap(({ rows }) =>
    rows.flatMap(({ key, panels }) => panels.map((panel): Placed => ({ panel, row: key }))),
  );
  return new Map(found.map((one) => [String(one.panel.id ?? one.panel.key), one]));
}

function rowsOf({ tabs }: DashboardModel): ReadonlyMap<string, RowModel> {
  return new Map(
    tabs.flatMap(({ rows }) => rows.filter(({ header }) => header).map((row) => [row.key, row])),
  );
}

function nameOf({ title, type, id }: PanelModel): string {
  return title.trim() || `${type}${id === null ? '' : ` ${id}`}`;
}

/** What a panel is, wherever it stands. */
function withoutPlace(panel: PanelModel): unknown {
  return { ...panel, key: null, grid: null };
}

function panelsSaid(before: DashboardModel, after: DashboardModel): Said[] {
  const [old, now] = [placed(before), placed(after)];
  const both = [...now].flatMap(([key, one]) => {
    const was = old.get(key);
    return was ? [{ was, one }] : [];
  });
  return [
    {
      what: 'Panels added',
      names: [...now].filter(([key]) => !old.has(key)).map(([, one]) => nameOf(one.panel)),
    },
    {
      what: 'Panels removed',
      names: [...old].filter(([key]) => !now.has(key)).map(([, one]) => nameOf(one.panel)),
    },
    {
      what: 'Panels changed',
      names: both
        .filter(({ was, one }) => !same(withoutPlace(was.panel), withoutPlace(one.panel)))
        .map(({ was, one }) => {
          const [from, to] = [nameOf(was.panel), nameOf(one.panel)];
          return from === to ? to : `${from} → ${to}`;
        }),
    },
    {
      what: 'Panels moved or sized',
      names: both
        .filter(({ was, one }) => was.row !== one.row || !same(was.panel.grid, one.panel.grid))
        .map(({ one }) => nameOf(one.panel)),
    },
  ];
}

function rowsSaid(before: DashboardModel, after: DashboardModel): Said[] {
  const [old, now] = [rowsOf(before), rowsOf(after)];
  const head = ({ title, collapsed, repeat }: RowModel): unknown => [title, collapsed, repeat];
  return [
    { what: 'Rows added', names: [...now].filter(([key]) => !old.has(key)).map(([, { title }]) => title) },
    { what: 'Rows removed', names: [...old].filter(([key]) => !now.has(key)).map(([, { title }]) => title) },
    {
      what: 'Rows changed',
      names: [...now]
        .filter(([key, row]) => {
          const was = old.get(key);
          return was !== undefined && !same(head(was), head(row));
        })
        .map(([, { title }]) => title),
    },
  ];
}

function listed(
  what: string,
  key: string,
  before: readonly JsonObject[],
  after: readonly JsonObject[],
): Said {
  const names = [...before, ...after].map((one) => textAt(one, key));
  const of = (list: readonly JsonObject[], name: string): unknown =>
    list.filter((one) => textAt(one, key) === name);
  const changed = [...new Set(names)].filter((name) => !same(of(before, name), of(after, name)));
  // In another order all are as they were.
  if (changed.length === 0 && !same(before, after))
    return { what: `${what} put in another order`, names: [] };
  return { what: `${what} changed`, names: changed };
}

/** The kinds of changes that there are, with names; empty where nothing that has a name differs. */
export function changedInWords(before: Part, after: Part): readonly Said[] {
  const settings = SETTINGS.filter(([key]) => !same(before.model[key], after.model[key]));
  const lists = (
    [
      ['Variables', 'name', 'variables'],
      ['Annotations', 'name', 'annotations'],
      ['Links', 'title', 'links'],
    ] as const
  ).filter(([, , name]) => !same(before.definitions[name], after.definitions[name]));
  const named = [
    ...panelsSaid(before.model, after.model),
    ...rowsSaid(before.model, after.model),
    { what: 'Settings changed', names: settings.map(([, name]) => name) },
  ].filter(({ names }) => names.length > 0);
  return [
    ...named,
    ...lists.map(([what, key, name]) => listed(what, key, before.definitions[name], after.definitions[name])),
  ];
}
