// Links of fields and panels: what they say of one value put in, and nowhere that a click could do harm.

import type { DataLink } from './config';
import type { PanelPage } from './context';
import { cellText, type Cell, type Field } from './frame';
import type { ShownField } from './overrides';
import { textIn } from './units/format';

export interface MadeLink {
  title: string;
  href: string;
  newTab: boolean;
  /** It leads to a page of ours. */
  own: boolean;
}

/** What a link is about, besides its field and value. */
export interface LinkAbout {
  row: number;
  timeMs?: number;
  page: Pick<PanelPage, 'rangeQuery' | 'variablesQuery'>;
  /** The other fields of the row, for `${__data.fields…}`. */
  row_fields?: readonly { title: string; name: string; values: Field['values'] }[];
}

/** The address where it is one of the web or of ours; null for all others, of which a click might do something. */
export function safeAddress(text: string): { href: string; own: boolean } | null {
  const trimmed = text.trim();
  if (/^\/(?!\/|\\)/u.test(trimmed)) return { href: trimmed, own: true };
  try {
    const url = new URL(trimmed);
    return url.protocol === 'http:' || url.protocol === 'https:' ? { href: url.href, own: false } : null;
  } catch {
    // A word of a path of ours: `d/uid/name`.
    return /^(d|dashboards|explore|logs|traces|alerts)\b[\w./?&=%:-]*$/u.test(trimmed)
      ? { href: `/${trimmed}`, own: true }
      : null;
  }
}

const PLACE = /\$\{__(field|series|value|data)\.([^}]+)\}|\$\{?__(url_time_range|all_variables)\}?/gu;

function fieldPart(path: string, field: ShownField): string {
  const label = /^labels(?:\.(.+)|\["?([^"\]]+)"?\])$/u.exec(path);
  if (label) return field.labels?.[label[1] ?? label[2] ?? ''] ?? '';
  return path === 'name' || path === 'displayName' ? field.title : '';
}

function valuePart(path: string, value: Cell, field: ShownField, timeMs: number | undefined): string {
  const number = typeof value === 'number' ? value : null;
  switch (path) {
    case 'time':
      return timeMs === undefined ? '' : String(timeMs);
    case 'numeric':
      return number === null ? '' : String(number);
    case 'text':
      return number === null ? cellText(value) : textIn(number, field.config.unit, field.config.decimals);
    default:
      return cellText(value);
  }
}

function dataPart(path: string, about: LinkAbout): string {
  const found = /^fields(?:\.([^.[\]]+)|\["?([^"\]]+)"?\])(?:\.(\w+))?$/u.exec(path);
  if (!found) return '';
  const wanted = found[1] ?? found[2] ?? '';
  const fields = about.row_fields ?? [];
  const field =
    fields.find(({ title, name }) => title === wanted || name === wanted) ?? fields[Number(wanted)];
  return cellText(field?.values[about.row]);
}

/** `template` with what it says of one value put in; what is put in is written so that it ends nothing in an address. */
export function fillLink(
  template: string,
  field: ShownField,
  value: Cell,
  about: LinkAbout,
  write: (text: string) => string = encodeURIComponent,
): string {
  return template.replace(
    PLACE,
    (_, of: string | undefined, path: string | undefined, whole: string | undefined) => {
      if (whole === 'url_time_range') return about.page.rangeQuery;
      if (whole === 'all_variables') return about.page.variablesQuery;
      const bare = (path ?? '').replace(/:(raw|percentencode|queryparam)$/u, '');
      if (of === 'value') return write(valuePart(bare, value, field, about.timeMs));
      if (of === 'data') return write(dataPart(bare, about));
      return write(fieldPart(bare, field));
    },
  );
}

function made(link: DataLink, field: ShownField, value: Cell, about: LinkAbout): MadeLink[] {
  // Where the whole address is one value, that is an address and no part of one.
  const whole = /^\s*\$\{__[^}]+\}/u.test(link.url);
  const raw = (text: string): string => text;
  const address = safeAddress(fillLink(link.url, field, value, about, whole ? raw : encodeURIComponent));
  if (!address) return [];
  const title = fillLink(link.title, field, value, about, raw);
  return [{ title: title || address.href, newTab: link.newTab, ...address }];
}

/** The links of `field` for one of its values, those that may be followed. */
export function linksOf(field: ShownField, value: Cell, about: LinkAbout): MadeLink[] {
  return field.config.links.flatMap((link) => made(link, field, value, about));
}

/** The links of a panel or a dashboard, those that may be followed. */
export function plainLinks(links: readonly DataLink[], page: LinkAbout['page']): MadeLink[] {
  return links.flatMap((link) => {
    const url = link.url.replace(PLACE, (_, _of, _path, whole: string | undefined) =>
      whole === 'url_time_range' ? page.rangeQuery : whole === 'all_variables' ? page.variablesQuery : '',
    );
    const address = safeAddress(url);
    return address ? [{ title: link.title || address.href, newTab: link.newTab, ...address }] : [];
  });
}
