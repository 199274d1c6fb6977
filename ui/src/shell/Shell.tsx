import { useDisclosure, useDocumentVisibility } from '@mantine/hooks';
import { useQueryClient } from '@tanstack/react-query';
import { Outlet, useNavigate } from '@tanstack/react-router';
import clsx from 'clsx';
import { lazy, Suspense, useEffect, useMemo, useState, useSyncExternalStore, type ReactElement } from 'react';
import { contextOf } from '../address/context';
import { useAddress } from '../address/hooks';
import { lastSearch, rememberSearch } from '../address/memory';
import { SIGN_IN, WELCOME } from '../address/places';
import { cancelLive } from '../api/useAsked';
import { PageClockContext, type PageClock } from '../design/hooks';
import { IconButton } from '../design/IconButton';
import { useScheme, wishScheme } from '../design/scheme';
import { readStored, writeStored } from '../design/stored';
import { toasts } from '../design/toasts';
import { far } from '../later';
import { PAGES, shownPages, type PageEntry } from '../pages';
import {
  asksWho,
  impliedTenant,
  permissionsIn,
  useMay,
  useSession,
  useSessionWatch,
} from '../session/session';
import { Banner } from './Banner';
import styles from './shell.module.css';
import { focusSearch, REFRESH_EVENT, useShortcuts, type Shortcut } from './shortcuts';
import { Sidebar } from './Sidebar';
import { TenantMark } from './TenantPlace';
import { knownTenants } from './tenant';
import { STATES, useServer } from './useServer';

const Palette = lazy(far('paletteDialog'));
const Keyboard = lazy(far('keyboard'));
const Kernels = lazy(far('kernels'));
const Toasts = lazy(async () => ({ default: (await import('../design/Toasts')).Toasts }));
const SignInPage = lazy(far('signIn'));
const Ended = lazy(far('ended'));
const Forbidden = lazy(far('forbidden'));

const ZONE_KEY = 'pharos-time';

/** The zone that the address names, else the one that this reader chose last. */
function useClock(): PageClock {
  const { zone, change } = useAddress();
  const [preferred, setPreferred] = useState(() => readStored(ZONE_KEY) === 'utc');
  const utc = zone === null ? preferred : zone === 'utc';
  return useMemo(
    () => ({
      utc,
      setUtc: (next: boolean) => {
        setPreferred(next);
        writeStored(ZONE_KEY, next ? 'utc' : 'local');
        change({ zone: next ? 'utc' : null }, true);
      },
    }),
    [utc, change],
  );
}

function useTitle(name: string | undefined): void {
  useEffect(() => {
    document.title = name && name !== 'Home' ? `${name} · Pharos` : 'Pharos';
  }, [name]);
}

/** `Ctrl-K` works in fields too, so it is no shortcut like the others. */
function usePaletteKey(open: () => void): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
        event.preventDefault();
        open();
      }
    };
    document.addEventListener('keydown', onKey, { capture: true });
    return () => document.removeEventListener('keydown', onKey, { capture: true });
  }, [open]);
}

/** Whom the page is for: the plain pages for those who are not in yet, else the frame. */
export function Shell(): ReactElement | null {
  const { standing } = useSession();
  const { path } = useAddress();
  useSessionWatch();
  if (path === SIGN_IN || path === WELCOME)
    return (
      <Suspense fallback={null}>
        <Outlet />
      </Suspense>
    );
  if (standing === 'asking') return null;
  if (standing === 'out')
    return (
      <Suspense fallback={null}>
        <SignInPage />
      </Suspense>
    );
  return <Frame />;
}

/** The page of the address, if it is for who asks. */
function PageInPlace({ page }: { page: PageEntry | undefined }): ReactElement | null {
  const { me } = useSession();
  const { tenant, change } = useAddress();
  const implied = me && impliedTenant(me, knownTenants());
  const missing = me !== null && tenant === null && me.default_tenant === null && implied !== null;
  useEffect(() => {
    // Whose roles are in several tenants sees one of them, and the address says which.
    if (missing) change({ tenant: implied }, true);
  }, [missing, implied, change]);
  if (missing) return null;
  const may = !me || !page || permissionsIn(me, tenant).includes(page.permission);
  return may || page.permission === 'account.use' ? <Outlet /> : <Forbidden page={page} />;
}

/** Everything around a page: navigation, the server's state, shortcuts, the command palette. */
function Frame(): ReactElement {
  const server = useServer();
  const { me, before, standing } = useSession();
  const may = useMay();
  const client = useQueryClient();
  const navigate = useNavigate();
  const { page: id, path, search } = useAddress();
  const page = PAGES.find((one) => one.id === id);
  const scheme = useScheme();
  const [menuOpen, menu] = useDisclosure(false);
  const [helpOpen, help] = useDisclosure(false);
  const [paletteOpen, palette] = useDisclosure(false);
  const clock = useClock();
  const hasToasts = useSyncExternalStore(toasts.subscribe, toasts.list).length > 0;
  const visible = useDocumentVisibility() === 'visible';
  useTitle(page?.name);
  usePaletteKey(palette.open);
  useEffect(() => {
    // What is below a page, as one trace is, has parameters of its own.
    if (page?.path === path) rememberSearch(path, search);
  }, [page, path, search]);
  useEffect(() => {
    if (!visible) cancelLive(client);
  }, [visible, client]);

  const shortcuts: Shortcut[] = [
    ...shownPages(may, asksWho(me)).map((one) => ({
      keys: ['g', one.key],
      what: `Go to ${one.name}`,
      run: () => void navigate({ to: one.path, search: { ...lastSearch(one.path), ...contextOf(search) } }),
    })),
    {
      keys: ['r'],
      what: 'Refresh now',
      run: () => {
        void client.invalidateQueries();
        window.dispatchEvent(new Event(REFRESH_EVENT));
      },
    },
    {
      keys: ['/'],
      what: "To the page's field",
      run: () => {
        if (!focusSearch()) palette.open();
      },
    },
    {
      keys: ['t'],
      what: 'Dark or light',
      run: () => wishScheme(scheme === 'dark' ? 'light' : 'dark'),
    },
    { keys: ['u'], what: 'UTC or local time', run: () => clock.setUtc(!clock.utc) },
    { keys: ['?'], what: 'Keyboard shortcuts', run: help.open },
  ];
  useShortcuts(shortcuts);

  return (
    <PageClockContext value={clock}>
      <a className="skip-link" href="#main">
        Skip to the page
      </a>
      <div className={clsx(styles.shell, menuOpen && styles.open)}>
        <header className={styles.topbar}>
          <IconButton icon="menu" label="Pages" onClick={menu.toggle} />
          <img src="/favicon.svg" alt="" width={22} height={22} />
          <b className="grow">Pharos</b>
          <TenantMark />
          <span className={clsx('dot', STATES[server.state].dot)} title={STATES[server.state].text} />
          <IconButton icon="search" label="Search" onClick={palette.open} />
        </header>
        <Sidebar
          server={server}
          current={page}
          onClose={menu.close}
          onSearch={palette.open}
          onKeyboard={help.open}
        />
        <button type="button" className={styles.veil} aria-label="Close" tabIndex={-1} onClick={menu.close} />
        <main id="main" className={styles.main}>
          <Banner server={server} />
          <Suspense fallback={null}>
            <Kernels />
          </Suspense>
          <Suspense fallback={null}>
            <PageInPlace page={page} />
          </Suspense>
        </main>
      </div>
      {hasToasts ? (
        <Suspense fallback={null}>
          <Toasts />
        </Suspense>
      ) : null}
      {standing === 'ended' && before ? (
        <Suspense fallback={null}>
          <Ended before={before} />
        </Suspense>
      ) : null}
      {helpOpen ? (
        <Suspense fallback={null}>
          <Keyboard onClose={help.close} shortcuts={shortcuts} />
        </Suspense>
      ) : null}
      {paletteOpen ? (
        <Suspense fallback={null}>
          <Palette onClose={palette.close} shortcuts={shortcuts} />
        </Suspense>
      ) : null}
    </PageClockContext>
  );
}
