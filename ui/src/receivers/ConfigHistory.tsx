import type { ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import { configVersions, putConfig } from '../api/receivers';
import type { Labels } from '../api/types';
import { History } from '../history/History';

/** The versions of the tenant's own configuration; one of them again, with the secrets that are kept now. */
export function ConfigHistory({ files }: { files: Labels }): ReactElement {
  const { tenant } = useAddress();
  return (
    <section className="panel card" aria-label="Versions of the configuration">
      <header>
        <h2>Versions</h2>
      </header>
      <History
        id={['alerting config']}
        ask={async (asking) => (await configVersions(asking)).map((one) => ({ ...one, text: one.config }))}
        restore={async (version, current, reason) => {
          const all = await configVersions({ tenant });
          const config = all.find((one) => one.version === version)?.config ?? '';
          // Where the newest version went back to the server's there is none to take the place of.
          const replaced = all[0]?.config === null ? 0 : current;
          return putConfig({ config, template_files: files, version: replaced, reason }, { tenant });
        }}
      />
    </section>
  );
}
