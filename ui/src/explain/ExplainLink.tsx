import type { ReactElement } from 'react';
import { Link } from '@tanstack/react-router';
import { useCarried } from '../address/hooks';
import { EXPLAIN } from '../address/places';
import { Glyph } from '../design/Glyph';
import { writeSpike, type Spike } from './spike';

/** Leads to all that changed with a spike. */
export function ExplainLink({ spike, children }: { spike: Spike; children?: string }): ReactElement {
  const search = useCarried(writeSpike(spike));
  return (
    <Link to={EXPLAIN} search={search} className="button quiet">
      <Glyph name="search" size={14} /> {children ?? 'Explain this spike'}
    </Link>
  );
}
