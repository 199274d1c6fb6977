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
import { TRACE } from '../address/places';
import type { Asking } from '../api/client';
import { useAsked } from '../api/useAsked';
import { Icon } from '../design/Icon';
import { Mantine } from '../design/Mantine';
import { visibleText } from '../design/value';
import { offerKey, rankOffers } from '../page/fit';
import type { Offer, PaletteSource } from '../page/offers';
import { PAGES, type PageEntry } from '../pages';
import { permissionsIn, useMay, useSession } from '../session/session';
import styles from './overlays.module.css';
import { chosenBefore, rememberChosen, type Chosen } from './recent';
import type { Shortcut } from './shortcuts';
import { SOURCES } from './sources';
import { knownTenants } from './tenant';

const [store, spotlight] = createSpotlight();
/** So many of each group are listed. */
const MOST = 8;
const MOST_RECENT = 6;
const GO_TO = 'Go to ';
const TRACE_ID = /^[0-9a-f]{16}(?:[0-9a-f]{16})?$/u;

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

/** The sources of the pages that the reader may see; their code comes with the palette. */
function useSources(): readonly Source[] | undefined {
  const may = useMay();
  const searched = PAGES.filter(({ id, permission }) => SOURCES[id] !== undefined && may(permission));
  const loaded = useAsked({
    key: ['palette-sources', searched.map(({ id }) => id)],
    ask: () =>
      Promise.all(
        searched.map(async (page) => {
          const made = await SOURCES[page.id]?.();
          if (!made) throw new Error(`the page ${page.id} has nothing to search`);
          return { page, source: made.default };
        }),
      ),
    staleTime: Infinity,
    structuralSharing: false,
  });
  return loaded.data;
}

interface Loaded {
  offers: readonly Chosen[];
  /** The pages whose offers could not be read. */
  failed: readonly string[];
}

/** What the server has to offer. A page that cannot tell leaves the others as they are. */
async function loadOffers(
  sources: readonly Source[],
  asking: Asking,
  may: ReturnType<typeof useMay>,
): Promise<Loaded> {
  const all = await Promise.allSettled(
    sources.map(async ({ page, source }) =>
      ((await source.load?.(asking, may)) ?? []).map((offer) => ({ ...offer, path: page.path })),
    ),
  );
  return {
    offers: all.flatMap((one) => (one.status === 'fulfilled' ? one.value : [])),
    failed: sources.filter((_, i) => all[i]?.status === 'rejected').map(({ page }) => page.name),
  };
}

function useLoaded(sources: readonly Source[] | undefined): Loaded | undefined {
  const may = useMay();
  const answer = useAsked({
    key: ['palette', sources?.map(({ page }) => page.id)],
    ask: (asking) => loadOffers(sources ?? [], asking, may),
    enabled: sources !== undefined,
    structuralSharing: false,
    staleTime: 60_000,
  });
  return answer.data;
}

/** The tenants that the reader may choose. */
function useTenantNames(): readonly string[] {
  const { me } = useSession();
  const { tenant } = useAddress();
  const [known] = useState(knownTenants);
  const own = me?.tenants.map(({ id }) => id) ?? [];
  // Where all may be seen, those that were looked at before are known by name.
  const seen = me && !permissionsIn(me, null).includes('metrics.view') ? [] : known;
  return [...new Set([...own, ...seen])].filter((one) => one !== tenant);
}

interface Action extends Offer {
  run: () => void;
  keys: readonly string[];
}

/** What is done here and now: pages, commands, tenants, a trace by its id. */
function useActions(shortcuts: readonly Shortcut[], typed: string): readonly Action[] {
  const { search, change } = useAddress();
  const navigate = useNavigate();
  const tenants = useTenantNames();
  return useMemo(() => {
    const of = (group: string, label: string, run: () => void, more: Partial<Action> = {}): Action => ({
      group,
      label,
      search: {},
      keys: [],
      run,
      ...more,
    });
    const actions = shortcuts.map((one) =>
      one.what.startsWith(GO_TO)
        ? of('Pages', one.what.slice(GO_TO.length), one.run, { also: one.what, keys: one.keys })
        : of('Actions', one.what, one.run, { keys: one.keys }),
    );
    const [, named] = /^tenant\s+(\S+)$/iu.exec(typed.trim()) ?? [];
    const names = [...new Set([...tenants, ...(named === undefined ? [] : [named])])];
    const chosen = names.map((tenant) =>
      of('Tenants', `Look at tenant ${tenant}`, () => change({ tenant, host: null }), { also: tenant }),
    );
    const traceId = typed.trim().toLowerCase();
    const trace = TRACE_ID.test(traceId)
      ? [
          of(
            'Traces',
            `Open trace ${traceId}`,
            () => void navigate({ to: TRACE, params: { traceId }, search: contextOf(search) }),
          ),
        ]
      : [];
    return [...trace, ...actions, ...chosen];
  }, [shortcuts, tenants, typed, change, navigate, search]);
}

function Keys({ keys }: { keys: readonly string[] }): ReactElement {
  return (
    <span className={styles.caps} aria-hidden="true">
      {keys.map((key) => (
        <kbd key={key}>{key}</kbd>
      ))}
    </span>
  );
}

/** Everything that has a name, found by typing: pages, dashboards, metrics, services, hosts, alerts, tenants, commands. Mounted when it opens. */
export default function Palette(props: {
  onClose: () => void;
  shortcuts: readonly Shortcut[];
}): ReactElement {
  const { onClose, shortcuts } = props;
  const navigate = useNavigate();
  const { search } = useAddress();
  const [query, setQuery] = useState('');
  const [recent] = useState(chosenBefore);
  const sources = useSources();
  const loaded = useLoaded(sources);
  const actions = useActions(shortcuts, query);
  useEffect(() => spotlight.open(), []);

  const groups = useMemo((): SpotlightActionGroupData[] => {
    const go = (chosen: Chosen): void => {
      rememberChosen(chosen);
      const { to, path } = chosen;
      // The router knows its own addresses by heart; those that were kept were such.
      void navigate({
        to: (to?.path ?? path) as '/',
        params: (to?.params ?? {}) as never,
        search: { ...chosen.search, ...contextOf(search) },
      });
    };
    const shown = (offer: Chosen | Action): SpotlightActionData => ({
      id: offerKey(offer),
      label: visibleText(offer.label),
      ...(offer.hint === undefined ? {} : { description: visibleText(offer.hint) }),
      ...('keys' in offer && offer.keys.length > 0 ? { rightSection: <Keys keys={offer.keys} /> } : {}),
      onClick: () => ('run' in offer ? offer.run() : go(offer)),
    });
    const known = (sources ?? []).flatMap(({ page, source }) =>
      (source.known?.() ?? []).map((offer): Chosen => ({ ...offer, path: page.path })),
    );
    // With nothing typed there is room for what was chosen last, and for a taste of the rest.
    const last =
      query.trim() === ''
        ? [{ group: 'Chosen before', offers: recent.slice(0, MOST_RECENT) }].filter(
            (one) => one.offers.length > 0,
          )
        : [];
    const ranked = rankOffers<Chosen | Action>(
      [...actions, ...known, ...(loaded?.offers ?? [])],
      query,
      recent.map(offerKey),
      MOST,
    );
    return [...last, ...ranked].map(({ group, offers }) => ({
      group,
      actions: offers.map((offer) => {
        const action = shown(offer);
        return group === 'Chosen before' ? { ...action, id: `before ${action.id}` } : action;
      }),
    }));
  }, [query, sources, loaded, actions, recent, navigate, search]);

  useEffect(selectFirst, [groups]);
  const failed = loaded?.failed ?? [];

  return (
    <Mantine>
      <Spotlight
        store={store}
        shortcut={null}
        actions={groups}
        query={query}
        onQueryChange={setQuery}
        filter={(_query, own) => own}
        onSpotlightClose={onClose}
        nothingFound={
          loaded === undefined
            ? 'Looking…'
            : failed.length === 0
              ? 'Nothing of that name'
              : `Nothing of that name; not looked through, for they cannot be read: ${failed.join(', ')}`
        }
        // On what has the role of a dialog, not on what it stands in.
        attributes={{ content: { 'aria-label': 'Search' } }}
        searchProps={{
          leftSection: <Icon name="search" />,
          placeholder: 'Page, dashboard, service, host, alert, metric, trace id',
          'aria-label': 'Search everything that has a name',
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
