import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PATHS } from './address/places';
import { KEYS, PAGES, shownPages } from './pages';

const HERE = import.meta.dirname;
const FILES = readdirSync(HERE, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name));

describe('the register of pages', () => {
  it('has each address, name and key once', () => {
    for (const of of ['id', 'path', 'name', 'key'] as const)
      expect(new Set(PAGES.map((page) => page[of])).size).toBe(PAGES.length);
  });
  it('knows every address', () =>
    expect(Object.fromEntries(PAGES.map((page) => [page.id, page.path]))).toEqual(PATHS));
  it('gives no key away twice, pages to come included', () => {
    const keys = Object.values(KEYS);
    expect(new Set(keys).size).toBe(keys.length);
    expect(PAGES.map((page) => page.key)).toEqual(PAGES.map((page) => KEYS[page.id]));
  });
  it('does not show what is reached by its address alone', () =>
    expect(shownPages(() => true, true).map((page) => page.id)).not.toContain('gallery'));
  it('shows a page only to who may see it', () =>
    expect(shownPages((name) => name === 'account.use', true)).toEqual([]));
  it('has nothing about people where nobody signs in, but the way to the first', () => {
    const ids = shownPages(() => true, false).map((page) => page.id);
    expect(ids).toContain('members');
    expect(ids).not.toContain('proposals');
  });
});

describe('style sheets', () => {
  const sheets = FILES.filter((file) => file.endsWith('.css'));
  /** What all pages share, and what packages bring with fixed names. */
  const shared = /\/design\/(base|tokens|mantine)\.css$|\/chart\/chart\.css$|\/shell\/dialogs\.css$/;

  it('are modules, so that no page can lean on what another one loaded', () =>
    expect(sheets.filter((file) => !file.endsWith('.module.css') && !shared.test(file))).toEqual([]));
  it('have names that stay apart in the built pages', () => {
    const names = sheets.filter((file) => file.endsWith('.module.css')).map((file) => basename(file));
    expect(new Set(names).size).toBe(names.length);
  });
  it.each([
    'dashboards',
    'alerts',
    'silences',
    'rules',
    'receivers',
    'explore',
    'explain',
    'services',
    'hosts',
    'status',
    'home',
    'targets',
    'cardinality',
    'members',
    'tenants',
    'proposals',
    'audit',
    'traces',
  ])('of %s are imported by it alone', (folder) => {
    const strangers = FILES.filter((file) => /\.tsx?$/.test(file) && !file.includes(`/${folder}/`)).filter(
      (file) => new RegExp(`/${folder}/[\\w-]+(\\.module)?\\.css'`).test(readFileSync(file, 'utf8')),
    );
    expect(strangers).toEqual([]);
  });
  it('of pages and frame know five sizes of type', () => {
    const odd = sheets
      .filter((file) => !/\/(design|chart)\//.test(file))
      .filter((file) => /font(-size)?:[^;]*\d(px|rem|em)/.test(readFileSync(file, 'utf8')));
    expect(odd).toEqual([]);
  });
});
