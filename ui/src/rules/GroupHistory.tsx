import type { ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import { groupVersions, putGroup } from '../api/rules';
import { History } from '../history/History';
import { tidied, writeGroup } from './draft';
import styles from './rules.module.css';

/** The versions of a group that is kept here; one of them again. */
export function GroupHistory(props: {
  namespace: string;
  group: string;
  onDone: (text: string) => void;
}): ReactElement {
  const { namespace, group, onDone } = props;
  const { tenant } = useAddress();
  return (
    <details className={styles.versions}>
      <summary>Versions</summary>
      <History
        id={['rules', namespace, group]}
        ask={async (asking) =>
          (await groupVersions(namespace, group, asking)).map((one) => ({
            version: one.version,
            text: one.group === null ? null : writeGroup(tidied(one.group)),
            by: one.updated_by,
            reason: one.reason,
            at: one.updated,
          }))
        }
        restore={async (version, current, reason) => {
          const all = await groupVersions(namespace, group, { tenant });
          const found = all.find((one) => one.version === version)?.group;
          if (!found) return;
          await putGroup(namespace, { group: found, version: current, reason }, { tenant });
          onDone(`Version ${version} counts again`);
        }}
      />
    </details>
  );
}
