import type { ReactElement } from 'react';
import type { DashboardLink } from '../api/dashboards';
import { Glyph } from '../design/Glyph';
import { Menu } from '../design/Menu';
import { visibleText } from '../design/value';
import { Value } from '../design/Value';
import { usePanelPage } from '../panels/context';
import { safeAddress, type MadeLink } from '../panels/links';
import { PanelLink } from '../panels/PanelLink';
import type { TimeRange } from '../time/range';
import { dashboardPath } from './path';
import styles from './dashboard.module.css';

function withQuery(href: string, query: string): string {
  if (query === '') return href;
  const [path = '', hash] = href.split('#');
  return `${path}${path.includes('?') ? '&' : '?'}${query}${hash === undefined ? '' : `#${hash}`}`;
}

function made(link: DashboardLink, query: string): MadeLink[] {
  if (link.type === 'dashboards')
    return (link.dashboards ?? []).map(({ uid, title }) => ({
      title,
      href: withQuery(dashboardPath(uid, title), query),
      newTab: link.target_blank,
      own: true,
    }));
  const address = safeAddress(link.url);
  if (!address) return [];
  return [
    {
      title: link.title || address.href,
      newTab: link.target_blank,
      ...address,
      href: withQuery(address.href, query),
    },
  ];
}

/** The links of a dashboard to others and elsewhere, with its time and variables where they say so. */
export function LinksBar(props: {
  links: readonly DashboardLink[];
  range: TimeRange;
  variablesQuery: string;
}): ReactElement | null {
  const { links, range, variablesQuery } = props;
  const { go } = usePanelPage();
  const all = links.map((link) => {
    const parts = [
      ...(link.keep_time ? [new URLSearchParams({ from: range.from, to: range.to }).toString()] : []),
      ...(link.include_vars && variablesQuery !== '' ? [variablesQuery] : []),
    ];
    return { link, links: made(link, parts.join('&')) };
  });
  if (all.every((one) => one.links.length === 0)) return null;
  return (
    <nav className={styles.links} aria-label="Links">
      {all.map(({ link, links: own }, i) =>
        link.type === 'dashboards' && link.as_dropdown && own.length > 0 ? (
          <Menu
            key={i}
            label={visibleText(link.title || 'Dashboards')}
            entries={own.map(({ title, href, newTab }) => ({
              kind: 'action',
              label: visibleText(title),
              run: () => (newTab || !go ? void window.open(href, '_blank', 'noopener') : go(href)),
            }))}
          />
        ) : (
          own.map((one, at) => (
            <PanelLink key={`${i} ${at}`} link={one} className="row">
              <Glyph name={one.own ? 'link' : 'external'} size={13} />
              <Value text={one.title} />
            </PanelLink>
          ))
        ),
      )}
    </nav>
  );
}
