import {
  createSpotlight,
  Spotlight,
  type SpotlightActionData,
  type SpotlightActionGroupData,
} from '@mantine/spotlight';
import './dialogs.css';
import '@mantine/spotlight/styles.css';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useMemo, useState, type ReactElement } from 'react';
import { contextOf } from '../address/context';
import { useAddress } from '../address/hooks';
import { useAsked } from '../api/useAsked';
import { Icon } from '../design/Icon';
import { Mantine } from '../design/Mantine';
import type { PaletteSource } from '../page/offers';
import { PAGES, type PageEntry } from '../pages';
import styles from './overlays.module.css';
import type { Shortcut } from './shortcuts';

const [store, spotlight] = createSpotlight();
const SEARCHED = PAGES.filter((page) => page.palette !== undefined);

/**
 * Choose the first action if none is. Spotlight does so when something is typed, but when what a page finds comes
 * later than that, its choice goes with the list it was made in, and Enter would do nothing.
 */
function selectFirst(): void {
  const state = store.getState();
  const list = document.getElementById(state.listId);
  const first = list?.querySelector('[data-action]');
  if (!list || !first || list.querySelector('[data-selected]')) return;
  first.setAttribute('data-selected', 'true');
  store.setState({ ...state, selected: 0 });
}

interface Source {
  page: PageEntry;
  source: PaletteSource;
}

/** The sources of all pages that have one; their code comes with the palette. */
function useSources(): readonly Source[] | undefined {
  const loaded = useAsked({
    key: ['palette-sources'],
    ask: () =>
      Promise.all(
        SEARCHED.map(async (page) => {
          const made = await page.palette?.();
          if (!made) throw new Error(`the page ${page.id} has nothing to search`);
          return { page, source: made.default };
        }),
      ),
    staleTime: Infinity,
  });
  return loaded.data;
}

/** What must be asked before the sources find anything, by page. */
function useLoaded(
  sources: readonly Source[] | undefined,
): ReadonlyMap<string, readonly string[]> | undefined {
  const answer = useAsked({
    key: ['palette'],
    ask: async (asking) =>
      new Map(
        await Promise.all(
          (sources ?? []).map(async ({ page, source }) => [page.id, await source.load(asking)] as const),
        ),
      ),
    enabled: sources !== undefined,
    structuralSharing: false,
    staleTime: 60_000,
  });
  return answer.isError ? new Map() : answer.data;
}

/** A tenant can be named here before any link or server has told of it. */
function tenantAction(typed: string, change: (tenant: string) => void): SpotlightActionData[] {
  const [, tenant] = /^tenant\s+(\S+)$/i.exec(typed.trim()) ?? [];
  if (tenant === undefined) return [];
  return [{ id: 'tenant', label: `Look at tenant ${tenant}`, onClick: () => change(tenant) }];
}

/** Pages, commands, past queries and metrics, found by typing. Mounted when it opens. */
export default function Palette(props: {
  onClose: () => void;
  shortcuts: readonly Shortcut[];
}): ReactElement {
  const { onClose, shortcuts } = props;
  const navigate = useNavigate();
  const { search, change } = useAddress();
  const [query, setQuery] = useState('');
  const sources = useSources();
  const loaded = useLoaded(sources);
  useEffect(() => spotlight.open(), []);

  const groups = useMemo(() => {
    const typed = query.trim().toLowerCase();
    const actions = shortcuts
      .filter((one) => one.what.toLowerCase().includes(typed))
      .map((one): SpotlightActionData => ({
        id: one.what,
        label: one.what,
        description: one.keys.join(' '),
        onClick: one.run,
      }));
    const all: SpotlightActionGroupData[] = [
      {
        group: 'Actions',
        actions: [...actions, ...tenantAction(query, (tenant) => change({ tenant, host: null }))],
      },
    ];
    for (const { page, source } of sources ?? [])
      for (const { group, label, search: own } of source.find(typed, loaded?.get(page.id))) {
        const action: SpotlightActionData = {
          id: `${group} ${label}`,
          label,
          onClick: () => void navigate({ to: page.path, search: { ...own, ...contextOf(search) } }),
        };
        const known = all.find((one) => one.group === group);
        if (known) known.actions.push(action);
        else all.push({ group, actions: [action] });
      }
    return all.filter((one) => one.actions.length > 0);
  }, [query, sources, loaded, shortcuts, navigate, search, change]);

  useEffect(selectFirst, [groups]);

  return (
    <Mantine>
      <Spotlight
        store={store}
        shortcut={null}
        actions={groups}
        query={query}
        onQueryChange={setQuery}
        filter={(_query, actions) => actions}
        onSpotlightClose={onClose}
        nothingFound={loaded === undefined ? 'Looking…' : 'Nothing of that name'}
        aria-label="Search"
        searchProps={{
          leftSection: <Icon name="search" />,
          placeholder: 'Page, command or metric',
          'aria-label': 'Page, command or metric',
        }}
        scrollable
        maxHeight={440}
        lockScroll={false}
        classNames={{
          content: styles.dialog ?? '',
          action: styles.action ?? '',
          actionDescription: styles.hint ?? '',
          actionLabel: styles.label ?? '',
          actionBody: styles.actionBody ?? '',
        }}
        overlayProps={{ backgroundOpacity: 0.4, blur: 0 }}
        transitionProps={{ duration: 0 }}
      />
    </Mantine>
  );
}
