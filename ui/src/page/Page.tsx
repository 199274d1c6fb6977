// The skeleton that every page stands in: head, toolbar, body, and what stands beside it.

import clsx from 'clsx';
import { Fragment, type ReactElement, type ReactNode, type Ref } from 'react';
import { PageLink } from '../address/PageLink';
import type { Search } from '../address/context';
import type { PageId } from '../address/places';
import styles from './page.module.css';

/** A page; `ref` is given the element whose width the page may measure. */
export function Page({
  children,
  dense = false,
  ref,
}: {
  children: ReactNode;
  /** Less room between its parts. */
  dense?: boolean;
  ref?: Ref<HTMLDivElement>;
}): ReactElement {
  return (
    <div className={clsx(styles.page, dense && styles.dense)} ref={ref}>
      {children}
    </div>
  );
}

/** A page above this one. */
export interface Crumb {
  name: string;
  page: PageId;
  search?: Search;
}

/** The title, the way to it, a few words on what is shown; at the far end actions and, last, the time. */
export function PageHead(props: {
  title: string;
  breadcrumb?: readonly Crumb[];
  about?: ReactNode;
  actions?: ReactNode;
  /** The time controls, on pages where time has a meaning. */
  time?: ReactNode;
}): ReactElement {
  const { title, breadcrumb = [], about, actions, time } = props;
  return (
    <header className={styles.head}>
      {breadcrumb.length > 0 ? (
        <nav aria-label="Breadcrumb" className={styles.crumbs}>
          {breadcrumb.map((crumb) => (
            <Fragment key={crumb.name}>
              <PageLink page={crumb.page} {...(crumb.search ? { search: crumb.search } : {})}>
                {crumb.name}
              </PageLink>
              <span aria-hidden="true">/</span>
            </Fragment>
          ))}
        </nav>
      ) : null}
      <h1>{title}</h1>
      {about ? <span className={clsx('dim', styles.about)}>{about}</span> : null}
      <span className="grow" />
      {actions}
      {time}
    </header>
  );
}

/** What narrows or arranges the body: filters, views, switches. */
export function Toolbar({ children, label }: { children: ReactNode; label: string }): ReactElement {
  return (
    <div className={styles.toolbar} role="toolbar" aria-label={label}>
      {children}
    </div>
  );
}

/** The page's content; `aside` stands at its right, on narrow screens below it. */
export function Body({ children, aside }: { children: ReactNode; aside?: ReactNode }): ReactElement {
  if (aside === undefined) return <div className={styles.body}>{children}</div>;
  return (
    <div className={styles.split}>
      <div className={styles.body}>{children}</div>
      {aside}
    </div>
  );
}

/** What stands beside the body: details of what is selected, a list to choose from. */
export function Aside({ children, label }: { children: ReactNode; label: string }): ReactElement {
  return (
    <aside className={styles.aside} aria-label={label}>
      {children}
    </aside>
  );
}
