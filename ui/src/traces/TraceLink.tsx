import { Link } from '@tanstack/react-router';
import type { ReactElement, ReactNode } from 'react';
import type { Search } from '../address/context';
import { useCarried } from '../address/hooks';
import { TRACE } from '../address/places';

/** A link to one trace, at one of its spans where that is known. */
export function TraceLink(props: {
  traceId: string;
  span?: string;
  className?: string;
  children: ReactNode;
}): ReactElement {
  const { traceId, span, className, children } = props;
  const own: Search = span === undefined ? {} : { span };
  const search = useCarried(own);
  return (
    <Link to={TRACE} params={{ traceId }} search={search} {...(className ? { className } : {})}>
      {children}
    </Link>
  );
}
