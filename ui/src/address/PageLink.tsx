import { Link } from '@tanstack/react-router';
import type { AnchorHTMLAttributes, ReactElement } from 'react';
import { PATHS, type PageId } from './places';
import { useCarried } from './hooks';
import { lastSearch } from './memory';
import type { Search } from './context';

export interface PageLinkProps extends Omit<AnchorHTMLAttributes<HTMLAnchorElement>, 'href'> {
  page: PageId;
  /** The page's parameters; context among them goes before what the present page has. Without it, what it showed last. */
  search?: Search;
}

/** A link to a page that carries the context: tenant, range, zone, refresh, host. */
export function PageLink({ page, search, ...anchor }: PageLinkProps): ReactElement {
  const to = PATHS[page];
  const carried = useCarried(search ?? lastSearch(to));
  return <Link {...anchor} to={to} search={carried} />;
}
