import type { ReactElement } from 'react';
import { differences, type Fields } from './diff';
import { Value } from './Value';
import styles from './diff.module.css';

/** Fields before and after a change, those alone that differ. */
export function Diff({ before, after }: { before: Fields | null; after: Fields | null }): ReactElement {
  const rows = differences(before, after);
  if (rows.length === 0) return <p className="dim">No field differs.</p>;
  return (
    <table className={styles.diff}>
      <thead>
        <tr>
          <th scope="col">field</th>
          <th scope="col">before</th>
          <th scope="col">after</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ name, was, is }) => (
          <tr key={name}>
            <th scope="row">
              <Value text={name} mono />
            </th>
            <td className={was === null ? 'dim' : styles.was}>
              {was === null ? '–' : <Value text={was} mono />}
            </td>
            <td className={is === null ? 'dim' : styles.is}>
              {is === null ? '–' : <Value text={is} mono />}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
