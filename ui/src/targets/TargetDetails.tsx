import type { ReactElement, ReactNode } from 'react';
import { PageLink } from '../address/PageLink';
import type { ActiveTarget } from '../api/types';
import { Drawer } from '../design/Drawer';
import { formatInstant, formatSeconds } from '../design/format';
import { usePageClock } from '../design/hooks';
import { StatusChip } from '../design/StatusChip';
import { LabelSet, Value } from '../design/Value';
import { lastScrapeMs } from './group';
import { HEALTH_STATUS, TargetUrl } from './parts';
import styles from './targets.module.css';

/** A selector of the series of one target. */
export function ofTarget(metric: string, labels: Readonly<Record<string, string>>): string {
  const matchers = ['job', 'instance']
    .filter((name) => labels[name] !== undefined)
    .map((name) => `${name}=${JSON.stringify(labels[name])}`);
  return `${metric}{${matchers.join(', ')}}`;
}

function Facts({ target }: { target: ActiveTarget }): ReactElement {
  const { utc } = usePageClock();
  const last = lastScrapeMs(target);
  const facts: readonly (readonly [string, ReactNode])[] = [
    ['Health', <StatusChip status={HEALTH_STATUS[target.health]}>{target.health}</StatusChip>],
    ['Pool', <Value text={target.scrapePool} />],
    ['Endpoint', <TargetUrl target={target} />],
    ['Last scrape', Number.isNaN(last) ? 'never' : formatInstant(last, utc)],
    ['Took', target.lastScrapeDuration > 0 ? formatSeconds(target.lastScrapeDuration) : '–'],
    ['Every', `${target.scrapeInterval}, given up after ${target.scrapeTimeout}`],
    ['Labels', <LabelSet labels={target.labels} />],
    ['As discovered', <LabelSet labels={target.discoveredLabels} />],
  ];
  return (
    <dl className={styles.facts}>
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** All that is known of one target, its labels before relabelling too. */
export function TargetDetails(props: {
  target: ActiveTarget | undefined;
  onClose: () => void;
}): ReactElement {
  const { target, onClose } = props;
  return (
    <Drawer
      open={target !== undefined}
      onClose={onClose}
      title={target ? <Value text={target.labels.instance ?? target.scrapeUrl} /> : ''}
    >
      {target ? (
        <>
          <Facts target={target} />
          <div className="row">
            <PageLink page="explore" className="button" search={{ q0: ofTarget('up', target.labels) }}>
              History of its health
            </PageLink>
            <PageLink
              page="explore"
              className="button"
              search={{ q0: ofTarget('scrape_duration_seconds', target.labels) }}
            >
              How long it took
            </PageLink>
          </div>
        </>
      ) : null}
    </Drawer>
  );
}
