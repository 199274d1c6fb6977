import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactElement, ReactNode } from 'react';
import { useAddress } from '../address/hooks';
import { FilterBar } from '../design/FilterBar';
import { Unreadable } from '../design/parts';
import { Skeleton } from '../design/Skeleton';

/** A list below the words that it is filtered by: it is awaited, or cannot be read, or stands there. */
export function FilteredList(props: {
  /** What is listed: `silences`. */
  what: string;
  placeholder: string;
  answer: Pick<UseQueryResult, 'error' | 'isPending' | 'dataUpdatedAt'>;
  /** Its class: how its parts stand. */
  className: string | undefined;
  children: ReactNode;
}): ReactElement {
  const { what, placeholder, answer, className, children } = props;
  const { search, setOwn } = useAddress();
  return (
    <div className={className}>
      <FilterBar
        label={`Filter ${what}`}
        placeholder={placeholder}
        words={search.filter ?? ''}
        onWords={(next) => setOwn({ filter: next || undefined }, true)}
      />
      <Unreadable what={`The ${what}`} error={answer.error} asOfMs={answer.dataUpdatedAt} />
      {answer.isPending ? <Skeleton kind="table" label={`The ${what}`} rows={4} /> : null}
      {children}
    </div>
  );
}
