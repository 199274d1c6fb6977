import type { ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import type { Asking } from '../api/client';
import { holdVersions, type DependencyDocument, type WindowDocument } from '../api/holds';
import { History, written } from '../history/History';

/** Either, as a version of it is kept. */
type Kept = WindowDocument & DependencyDocument & { version: number };

/** All versions of a window or of a dependency, deleted ones too; `put` makes one of them count again. */
export function HoldVersions(props: {
  kind: Parameters<typeof holdVersions>[0];
  name: string;
  whyNot: string | null;
  put: (name: string, document: Kept, asking: Asking) => Promise<unknown>;
}): ReactElement {
  const { kind, name, whyNot, put } = props;
  const { tenant } = useAddress();
  const list = async (asking: Asking) => (await holdVersions(kind, name, asking)).data;
  return (
    <History
      id={[kind, name]}
      ask={async (asking) => (await list(asking)).map((one) => ({ ...one, text: written(one.definition) }))}
      whyNot={whyNot}
      restore={async (version, current) => {
        const found = (await list({ tenant })).find((one) => one.version === version)?.definition;
        return put(name, { ...(found as unknown as Kept), version: current }, { tenant });
      }}
    />
  );
}
