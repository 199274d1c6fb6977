import type { ReactElement } from 'react';
import { PageLink } from '../address/PageLink';
import { Icon } from '../design/Icon';
import { Page, PageHead } from '../page/Page';

/** What stands at an address that is no page's. */
export function NotFound(): ReactElement {
  return (
    <Page>
      <PageHead title="Not found" />
      <div className="empty">
        <Icon name="search" size={26} />
        <div>
          There is no such page.{' '}
          <PageLink page="home" className="underlined">
            Go home
          </PageLink>
        </div>
      </div>
    </Page>
  );
}
