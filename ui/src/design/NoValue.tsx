import type { ReactElement } from 'react';

/** Stands where a row of a table has nothing to show; where cells stand below each other it is left out. */
export function NoValue(): ReactElement {
  return <span className="dim no-value">–</span>;
}
