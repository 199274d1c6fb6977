import clsx from 'clsx';
import { createElement, lazy, Suspense, type ReactElement } from 'react';
import { PageLink } from '../address/PageLink';
import { usePageClock } from '../design/hooks';
import { Icon, type IconName } from '../design/Icon';
import { IconButton } from '../design/IconButton';
import { useSchemeWish, wishScheme } from '../design/scheme';
import { visibleText } from '../design/value';
import { GROUPS, PAGES, shownPages, type PageEntry } from '../pages';
import { asksWho, useMay, useSession } from '../session/session';
import styles from './shell.module.css';
import { TenantPlace } from './TenantPlace';
import { STATES, type Server } from './useServer';

const THEMES = [
  { value: 'auto', icon: 'monitor', label: 'As the system has it' },
  { value: 'light', icon: 'sun', label: 'Light' },
  { value: 'dark', icon: 'moon', label: 'Dark' },
] as const;

const BADGES = new Map(
  PAGES.flatMap(({ id, badge }) => (badge ? [[id, createElement(lazy(badge))] as const] : [])),
);

function Entry({ page, current }: { page: PageEntry; current: boolean }): ReactElement {
  return (
    <li>
      <PageLink
        page={page.id}
        className={styles.link}
        aria-current={current ? 'page' : undefined}
        title={`${page.name} (g ${page.key})`}
      >
        <Icon name={page.icon} size={18} />
        <span className={styles.text}>{page.name}</span>
        <Suspense>{BADGES.get(page.id)}</Suspense>
      </PageLink>
    </li>
  );
}

function Pages({ current }: { current: PageEntry | undefined }): ReactElement {
  const { me } = useSession();
  const pages = shownPages(useMay(), asksWho(me));
  return (
    <>
      {GROUPS.map((group) => ({ group, of: pages.filter((page) => page.group === group) }))
        .filter(({ of }) => of.length > 0)
        .map(({ group, of }) => (
          <section key={group} className={styles.group} aria-label={group}>
            <h2 className={styles.text}>{group}</h2>
            <ul>
              {of.map((page) => (
                <Entry key={page.id} page={page} current={page === current} />
              ))}
            </ul>
          </section>
        ))}
    </>
  );
}

function Action(props: {
  icon: IconName;
  title: string;
  onClick: () => void;
  children: React.ReactNode;
}): ReactElement {
  return (
    <button type="button" className={styles.link} onClick={props.onClick} title={props.title}>
      <Icon name={props.icon} size={18} />
      <span className={styles.text}>{props.children}</span>
    </button>
  );
}

/** Who is signed in, and the way to all that is theirs; absent where nobody signs in. */
function Account(): ReactElement | null {
  const { me } = useSession();
  if (!me || !asksWho(me)) return null;
  return (
    <PageLink page="profile" className={styles.link} title={`${visibleText(me.identity.name)}: your account`}>
      <Icon name="person" size={18} />
      <span className={clsx('ellipsis', styles.text)}>
        <bdi>{visibleText(me.identity.name)}</bdi>
      </span>
    </PageLink>
  );
}

/** The pages by group, and below them what concerns all of them. */
export function Sidebar(props: {
  server: Server;
  current: PageEntry | undefined;
  onClose: () => void;
  onSearch: () => void;
  onKeyboard: () => void;
}): ReactElement {
  const { server, current, onClose, onSearch, onKeyboard } = props;
  const wish = useSchemeWish();
  const { utc, setUtc } = usePageClock();
  const state = STATES[server.state];
  return (
    <nav
      className={styles.side}
      aria-label="Pages"
      // On a telephone the bar lies over the page; following a link of it puts it away.
      onClick={(event) => {
        if (event.target instanceof Element && event.target.closest('a')) onClose();
      }}
    >
      <PageLink page="home" className={styles.brand}>
        <img src="/favicon.svg" alt="" width={26} height={26} />
        <span className={styles.text}>Pharos</span>
      </PageLink>
      <TenantPlace />
      <div className={styles.pages}>
        <Pages current={current} />
      </div>
      <div className={styles.foot}>
        <Account />
        <Action icon="search" title="Search (Ctrl K)" onClick={onSearch}>
          Search <kbd>Ctrl K</kbd>
        </Action>
        <Action icon="keyboard" title="Keyboard shortcuts (?)" onClick={onKeyboard}>
          Keyboard shortcuts
        </Action>
        <a className={styles.link} href="/docs/index.html" target="_blank" title="Documentation">
          <Icon name="info" size={18} />
          <span className={styles.text}>Documentation</span>
        </a>
        <Action icon="clock" title="Times in UTC or local (u)" onClick={() => setUtc(!utc)}>
          {utc ? 'UTC' : 'Local time'}
        </Action>
        <div className={clsx('row', styles.themes)} role="group" aria-label="Colours">
          {THEMES.map((one) => (
            <IconButton
              key={one.value}
              icon={one.icon}
              label={one.label}
              active={wish === one.value}
              onClick={() => wishScheme(one.value)}
            />
          ))}
        </div>
        <div className={styles.status} title={state.text}>
          <span className={clsx('dot', state.dot)} />
          <span className={styles.text}>
            {state.text}
            {server.version ? (
              <span className={clsx('dim', styles.version)}>Pharos {server.version}</span>
            ) : null}
          </span>
        </div>
      </div>
    </nav>
  );
}
