import { useQuery } from '@tanstack/react-query';
import { protections, type Protection } from '../api/governance';

const NONE: readonly Protection[] = [];

/** Which policies are protected in a tenant, by its own rules or those of all; none are known to who may not propose. */
export function useRules(tenant: string | null, mayPropose: boolean): readonly Protection[] {
  const { data } = useQuery({
    queryKey: [tenant, 'protections'],
    queryFn: ({ signal }) => protections({ tenant, signal }),
    enabled: mayPropose,
  });
  return data?.data ?? NONE;
}
