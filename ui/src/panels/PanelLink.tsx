import type { MouseEvent, ReactElement, ReactNode } from 'react';
import { visibleText } from '../design/value';
import { usePanelPage } from './context';
import type { MadeLink } from './links';

/** A link of a panel: within Pharos it loads nothing anew, elsewhere it tells nobody where it was. */
export function PanelLink(props: {
  link: MadeLink;
  className?: string | undefined;
  children: ReactNode;
}): ReactElement {
  const { link, className, children } = props;
  const { go } = usePanelPage();
  const follow = (event: MouseEvent): void => {
    if (
      !link.own ||
      link.newTab ||
      !go ||
      event.ctrlKey ||
      event.metaKey ||
      event.shiftKey ||
      event.button !== 0
    )
      return;
    event.preventDefault();
    go(link.href);
  };
  return (
    <a
      href={link.href}
      className={className}
      title={visibleText(link.title)}
      onClick={follow}
      {...(link.newTab || !link.own ? { target: '_blank', rel: 'noreferrer' } : {})}
    >
      {children}
    </a>
  );
}
