import { useMemo, useState, type ReactElement, type ReactNode } from 'react';
import { useAddress } from '../address/hooks';
import { Drawer } from '../design/Drawer';
import { EmptyState } from '../design/EmptyState';
import { Note } from '../design/parts';
import type { TableColumn } from '../design/table/columns';
import { DataTable } from '../design/table/DataTable';
import { toasts } from '../design/toasts';
import { Value } from '../design/Value';
import { ConfirmDeed } from '../session/ConfirmDeed';
import { Deeds } from './Deeds';

/** How the form of a definition ends. */
export interface FormEnds {
  onDone: () => void;
  onCancel: () => void;
}

/**
 * Definitions that have names: a table of them, and by the address the form of one (`new`, `edit`) or its versions
 * (`history`).
 */
export function Definitions<T extends { readonly name: string }>(props: {
  label: string;
  /** One of them: `window`. */
  one: string;
  /** One of them, in titles. */
  title: string;
  /** Undefined while they are not known; what is new needs none of them. */
  all: readonly T[] | undefined;
  rows: readonly T[];
  columns: readonly TableColumn<T>[];
  /** What stands where there is none. */
  none: ReactElement;
  /** Why they cannot be changed; null where they can. */
  whyNot: string | null;
  form: (kept: T | null, ends: FormEnds) => ReactElement;
  versions: (name: string) => ReactElement;
  drop: (name: string) => Promise<unknown>;
  /** What comes of deleting one, after its name. */
  lost: (of: T) => ReactNode;
}): ReactElement {
  const { label, one, title, all, rows, columns, none, whyNot, form, versions, drop, lost } = props;
  const { search, setOwn } = useAddress();
  const [dropping, setDropping] = useState<T | null>(null);
  const close = (): void => setOwn({ new: undefined, edit: undefined, history: undefined });
  const ends = (came: string): FormEnds => ({
    onCancel: close,
    onDone: () => {
      toasts.show({ level: 'ok', text: `The ${one} is ${came}` });
      close();
    },
  });
  const edited = all?.find(({ name }) => name === search.edit);
  const withDeeds = useMemo<readonly TableColumn<T>[]>(
    () => [
      ...columns,
      {
        id: 'deeds',
        title: '',
        chars: 33,
        least: 33,
        value: () => null,
        cell: (row) => (
          <Deeds
            name={row.name}
            whyNot={whyNot}
            onEdit={() => setOwn({ edit: row.name })}
            onHistory={() => setOwn({ history: row.name })}
            onDrop={() => setDropping(row)}
          />
        ),
      },
    ],
    [columns, setOwn, whyNot],
  );
  return (
    <>
      {all === undefined ? null : (
        <section className="panel card">
          <DataTable
            label={label}
            tall
            columns={withDeeds}
            rows={rows}
            total={all.length}
            rowKey={({ name }) => name}
            empty={
              all.length === 0 ? none : <EmptyState reason="filtered" title={`No ${one} fits these words`} />
            }
          />
        </section>
      )}
      <Drawer
        open={search.new !== undefined || (search.edit !== undefined && all !== undefined)}
        onClose={close}
        title={search.new !== undefined ? `New ${title}` : <Value text={search.edit ?? ''} />}
      >
        {whyNot !== null ? (
          <Note level="info">{whyNot}</Note>
        ) : search.new !== undefined ? (
          form(null, ends('made'))
        ) : edited ? (
          form(edited, ends('changed'))
        ) : (
          <EmptyState reason="no-such" title={`There is no such ${one} any more`} />
        )}
      </Drawer>
      <Drawer
        open={search.history !== undefined}
        onClose={close}
        title={
          <>
            Versions of <Value text={search.history ?? ''} />
          </>
        }
      >
        {search.history === undefined ? null : versions(search.history)}
      </Drawer>
      {dropping === null ? null : (
        <ConfirmDeed
          title={`Delete this ${title}?`}
          action={`Delete the ${one}`}
          said={`The ${one} is gone`}
          run={() => drop(dropping.name)}
          onClose={() => setDropping(null)}
        >
          <p>
            <Value text={dropping.name} />: {lost(dropping)}
          </p>
        </ConfirmDeed>
      )}
    </>
  );
}
