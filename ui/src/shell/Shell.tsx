import { Kbd, useMantineColorScheme } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useQueryClient } from '@tanstack/react-query';
import { Link, Outlet, useNavigate, useRouterState } from '@tanstack/react-router';
import { lazy, Suspense, useEffect, useMemo, useState, type ReactElement } from 'react';
import { PageClockContext } from '../design/hooks';
import { Icon, type IconName } from '../design/Icon';
import { IconButton } from '../design/parts';
import { readStored, writeStored } from '../design/theme';
import { REFRESH_EVENT, useShortcuts, type Shortcut } from './shortcuts';
import './shell.css';
import { useServer, type Server, type ServerState } from './useServer';

const Palette = lazy(() => import('./Palette'));
const Keyboard = lazy(() => import('./Keyboard'));

export const PAGES = [
  { to: '/', name: 'Home', icon: 'home', keys: ['g', 'h'] },
  { to: '/explore', name: 'Explore', icon: 'explore', keys: ['g', 'e'] },
  { to: '/targets', name: 'Targets', icon: 'targets', keys: ['g', 't'] },
  { to: '/cardinality', name: 'Cardinality', icon: 'cardinality', keys: ['g', 'c'] },
] as const satisfies readonly { to: string; name: string; icon: IconName; keys: readonly string[] }[];

const STATES: Readonly<Record<ServerState, { dot: string; text: string }>> = {
  asking: { dot: '', text: 'Asking…' },
  ready: { dot: 'good', text: 'Healthy, ready' },
  starting: { dot: 'warn', text: 'Not ready yet' },
  unhealthy: { dot: 'bad', text: 'Unhealthy' },
  gone: { dot: 'bad', text: 'Not answering' },
};

function Banner({ server }: { server: Server }): ReactElement | null {
  if (server.state === 'gone')
    return (
      <div className="banner bad" role="alert">
        <Icon name="refresh" spin />
        <span>
          The server does not answer. What you see is the last that arrived; asking again by itself.
        </span>
        <button type="button" className="button" onClick={server.retry}>
          Ask now
        </button>
      </div>
    );
  if (server.state !== 'starting' && server.state !== 'unhealthy') return null;
  return (
    <div className="banner warn" role="status">
      <Icon name="warning" />
      <span>
        {server.state === 'starting'
          ? 'The server is starting or shutting down: it answers, but takes no traffic yet.'
          : 'The server says that it is not healthy.'}
      </span>
    </div>
  );
}

const THEMES = [
  { value: 'auto', icon: 'monitor', label: 'Colours as the system has them' },
  { value: 'light', icon: 'sun', label: 'Light' },
  { value: 'dark', icon: 'moon', label: 'Dark' },
] as const;

function Sidebar({
  server,
  onClose,
  clock,
}: {
  server: Server;
  onClose: () => void;
  clock: ReactElement;
}): ReactElement {
  const path = useRouterState({ select: (state) => state.location.pathname });
  const { colorScheme, setColorScheme } = useMantineColorScheme({ keepTransitions: true });
  const state = STATES[server.state];
  return (
    <nav className="side" aria-label="Pages">
      <Link to="/" className="brand" onClick={onClose}>
        <img src="/favicon.svg" alt="" width={26} height={26} />
        <span className="side-text">Pharos</span>
      </Link>
      <ul>
        {PAGES.map((page) => (
          <li key={page.to}>
            <Link
              to={page.to}
              className="side-link"
              aria-current={path === page.to ? 'page' : undefined}
              onClick={onClose}
              title={`${page.name} (${page.keys.join(' ')})`}
            >
              <Icon name={page.icon} size={18} />
              <span className="side-text">{page.name}</span>
            </Link>
          </li>
        ))}
      </ul>
      <div className="grow" />
      <div className="side-foot">
        {clock}
        <div className="row themes" role="group" aria-label="Colours">
          {THEMES.map((one) => (
            <IconButton
              key={one.value}
              icon={one.icon}
              label={one.label}
              active={colorScheme === one.value}
              onClick={() => setColorScheme(one.value)}
            />
          ))}
        </div>
        <div
          className="side-status"
          title={`${state.text}${server.version ? `, version ${server.version}` : ''}`}
        >
          <span className={`dot ${state.dot}`} />
          <span className="side-text">
            {state.text}
            {server.version ? <span className="dim side-version">Pharos {server.version}</span> : null}
          </span>
        </div>
      </div>
    </nav>
  );
}

/** Everything around a page: navigation, the server's state, shortcuts, the command palette. */
export function Shell(): ReactElement {
  const server = useServer();
  const client = useQueryClient();
  const navigate = useNavigate();
  const path = useRouterState({ select: (state) => state.location.pathname });
  const { colorScheme, setColorScheme } = useMantineColorScheme({ keepTransitions: true });
  const [menuOpen, menu] = useDisclosure(false);
  const [helpOpen, help] = useDisclosure(false);
  const [paletteOpen, palette] = useDisclosure(false);
  const [utc, setUtcState] = useState(() => readStored('pharos-time') === 'utc');
  const clock = useMemo(
    () => ({
      utc,
      setUtc: (next: boolean) => {
        setUtcState(next);
        writeStored('pharos-time', next ? 'utc' : 'local');
      },
    }),
    [utc],
  );

  useEffect(() => {
    const name = PAGES.find((page) => page.to === path)?.name;
    document.title = name && name !== 'Home' ? `${name} · Pharos` : 'Pharos';
  }, [path]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
        event.preventDefault();
        palette.open();
      }
    };
    document.addEventListener('keydown', onKey, { capture: true });
    return () => document.removeEventListener('keydown', onKey, { capture: true });
  }, [palette]);

  const shortcuts: Shortcut[] = [
    ...PAGES.map((page) => ({
      keys: page.keys,
      what: `Go to ${page.name}`,
      run: () => void navigate({ to: page.to }),
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
      keys: ['t'],
      what: 'Dark or light',
      run: () => setColorScheme(colorScheme === 'dark' ? 'light' : 'dark'),
    },
    { keys: ['u'], what: 'UTC or local time', run: () => clock.setUtc(!utc) },
    { keys: ['?'], what: 'This list', run: help.open },
  ];
  useShortcuts(shortcuts);

  return (
    <PageClockContext value={clock}>
      <a className="skip-link" href="#main">
        Skip to the page
      </a>
      <div className={menuOpen ? 'shell open' : 'shell'}>
        <header className="topbar">
          <IconButton icon="menu" label="Pages" onClick={menu.toggle} />
          <img src="/favicon.svg" alt="" width={22} height={22} />
          <b className="grow">Pharos</b>
          <span className={`dot ${STATES[server.state].dot}`} title={STATES[server.state].text} />
          <IconButton icon="search" label="Search" onClick={palette.open} />
        </header>
        <Sidebar
          server={server}
          onClose={menu.close}
          clock={
            <>
              <button type="button" className="side-link" onClick={palette.open} title="Search (Ctrl K)">
                <Icon name="search" size={18} />
                <span className="side-text">
                  Search <Kbd size="xs">Ctrl K</Kbd>
                </span>
              </button>
              <button type="button" className="side-link" onClick={help.open} title="Keyboard (?)">
                <Icon name="keyboard" size={18} />
                <span className="side-text">Keyboard</span>
              </button>
              <button
                type="button"
                className="side-link"
                onClick={() => clock.setUtc(!utc)}
                title="Times in UTC or local (u)"
              >
                <Icon name="clock" size={18} />
                <span className="side-text">{utc ? 'Times in UTC' : 'Times local'}</span>
              </button>
            </>
          }
        />
        <button type="button" className="veil" aria-label="Close" tabIndex={-1} onClick={menu.close} />
        <main id="main" className="main">
          <Banner server={server} />
          <Suspense fallback={<div className="page" />}>
            <Outlet />
          </Suspense>
        </main>
      </div>
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
