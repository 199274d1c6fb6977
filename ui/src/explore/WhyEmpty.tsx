import type { ReactElement } from 'react';
import { PageLink } from '../address/PageLink';
import { labelValues, metricNames, parseQuery } from '../api/calls';
import type { Asking } from '../api/client';
import { useAsked } from '../api/useAsked';
import { EmptyState } from '../design/EmptyState';
import { Expression } from '../design/Value';
import { rankOffers } from '../page/fit';
import type { Span } from '../time/range';
import { namesIn } from './names';
import styles from './browser.module.css';

const NEAREST = 4;

/** Why a query found nothing, as far as that can be told. */
type Why =
  | { reason: 'no-such'; name: string; nearest: readonly string[] }
  | { reason: 'out-of-range'; name: string }
  | { reason: 'filtered' };

/** The names that come nearest to one that is none: those that hold most of its words. */
function nearestTo(name: string, all: readonly string[]): string[] {
  const words = name.split(/[_:]+/u).filter((word) => word.length > 2);
  const scored = all.map((one) => ({ one, held: words.filter((word) => one.includes(word)).length }));
  const held = scored
    .filter((one) => one.held > 0)
    .sort((a, b) => b.held - a.held || a.one.length - b.one.length);
  if (held.length > 0) return held.slice(0, NEAREST).map(({ one }) => one);
  const offers = all.map((label) => ({ group: '', label, search: {} }));
  return rankOffers(offers, name, [], NEAREST).flatMap((group) => group.offers.map(({ label }) => label));
}

async function whyEmpty(expr: string, span: Span, asking: Asking): Promise<Why> {
  const [tree, all] = await Promise.all([parseQuery(expr, asking), metricNames(asking)]);
  const known = new Set(all.data);
  for (const name of namesIn(tree.data)) {
    if (!known.has(name)) return { reason: 'no-such', name, nearest: nearestTo(name, all.data) };
    const range = { start: span.fromMs / 1000, end: span.toMs / 1000 };
    const there = await labelValues('__name__', `{__name__=${JSON.stringify(name)}}`, asking, range);
    if (there.data.length === 0) return { reason: 'out-of-range', name };
  }
  return { reason: 'filtered' };
}

/** What stands where a graph would be when nothing was found: which of the reasons it is, and how to go on. */
export function WhyEmpty({ expr, span }: { expr: string; span: Span }): ReactElement {
  const { data } = useAsked({
    key: ['why-empty', expr, span],
    ask: (asking) => whyEmpty(expr, span, asking),
    staleTime: Infinity,
    retry: false,
  });
  switch (data?.reason) {
    case 'no-such':
      return (
        <EmptyState
          reason="no-such"
          title="There is no metric of that name here"
          actions={
            <span className={styles.chips}>
              {data.nearest.map((name) => (
                <PageLink key={name} page="explore" search={{ q0: name }} className="button">
                  <Expression text={name} />
                </PageLink>
              ))}
            </span>
          }
        >
          This tenant has no series called <Expression text={data.name} />
          {data.nearest.length === 0 ? '.' : '; nearest are:'}
        </EmptyState>
      );
    case 'out-of-range':
      return (
        <EmptyState reason="out-of-range" title="Nothing of it in this range">
          <Expression text={data.name} /> has samples at other times: widen the range.
        </EmptyState>
      );
    case 'filtered':
      return (
        <EmptyState reason="filtered" title="The query found nothing in this range">
          Its metrics have samples here, but none that meet its filters and comparisons.
        </EmptyState>
      );
    case undefined:
      return <EmptyState reason="out-of-range" title="The query found nothing in this range" />;
  }
}
