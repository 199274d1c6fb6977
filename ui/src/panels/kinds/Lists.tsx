import type { ReactElement } from 'react';
import { PageLink } from '../../address/PageLink';
import { ALERT_NAME, compareAlerts, summaryOf } from '../../alerts/alerts';
import { Ago, SeverityChip } from '../../alerts/parts';
import { useAlerts } from '../../alerts/useAlerts';
import { summaries, type Summary } from '../../api/dashboards';
import { useAsked } from '../../api/useAsked';
import { dashboardPath } from '../../dashboards/path';
import { readStarred, readVisited } from '../../dashboards/kept';
import { Unreadable } from '../../design/parts';
import { Skeleton } from '../../design/Skeleton';
import { Value } from '../../design/Value';
import { usePanelPage, type KindProps } from '../context';
import { PanelLink } from '../PanelLink';
import { flagAt, numberAt, object, textAt, texts, at } from '../json';
import { fitFont } from '../figures';
import { NoData } from './NoData';
import styles from './lists.module.css';

const WHILE_SEEN_MS = 15_000;

/** The alerts of the tenant, those that burn first. */
export default function AlertList({ options, height, title }: KindProps): ReactElement {
  const answer = useAlerts(WHILE_SEEN_MS);
  if (answer.data === undefined)
    return answer.error ? (
      <Unreadable what="Alerts" error={answer.error} asOfMs={0} />
    ) : (
      <Skeleton kind="table" label="Alerts" height={height} />
    );
  const states = object(options.stateFilter);
  const asked = Object.values(states).some((one) => one === true);
  const name = textAt(options, 'alertName').toLowerCase();
  const shown = answer.data.data.alerts
    .filter(({ state }) => {
      if (!asked) return state !== 'resolved';
      if (state === 'pending') return states.pending === true;
      if (state === 'unknown') return states.noData === true || states.error === true;
      if (state === 'resolved') return states.normal === true;
      return states.firing === true;
    })
    .filter(({ labels }) => (labels[ALERT_NAME] ?? '').toLowerCase().includes(name))
    .sort(compareAlerts);
  if (textAt(options, 'viewMode') === 'stat')
    return (
      <div
        className={styles.count}
        style={{ height, fontSize: fitFont(String(shown.length), 200, height * 0.7, 64) }}
      >
        {shown.length}
      </div>
    );
  if (shown.length === 0)
    return (
      <NoData frames={[]} height={height} text={asked ? 'No alert is in these states' : 'No alert burns'} />
    );
  return (
    <ul className={styles.list} style={{ height }} aria-label={title || 'Alerts'} tabIndex={0}>
      {shown.slice(0, numberAt(options, 'maxItems') ?? 20).map((alert) => (
        <li key={alert.fingerprint}>
          <SeverityChip alert={alert} />
          <span className={styles.what}>
            <PageLink page="alert" search={{ id: alert.fingerprint }}>
              <Value text={alert.labels[ALERT_NAME] ?? alert.fingerprint} />
            </PageLink>
            <span className="dim">
              <Value text={summaryOf(alert) || alert.state} />
            </span>
          </span>
          <Ago at={alert.since} />
        </li>
      ))}
    </ul>
  );
}

function Part(props: {
  title: string;
  headed: boolean;
  foldered: boolean;
  all: readonly Summary[];
  options: KindProps['options'];
}): ReactElement | null {
  const { title, headed, foldered, all, options } = props;
  const page = usePanelPage();
  const query = [
    ...(flagAt(options, 'keepTime') ? [page.rangeQuery] : []),
    ...(flagAt(options, 'includeVars') ? [page.variablesQuery] : []),
  ].filter((part) => part !== '');
  if (all.length === 0) return null;
  return (
    <>
      {headed ? <h4 className={styles.heading}>{title}</h4> : null}
      <ul className={styles.plain}>
        {all
          .slice(0, numberAt(options, 'maxItems') ?? 10)
          .map(({ uid, title: name, folder_title: folder }) => (
            <li key={uid}>
              <PanelLink
                link={{
                  title: name,
                  href: `${dashboardPath(uid, name)}${query.length > 0 ? `?${query.join('&')}` : ''}`,
                  newTab: false,
                  own: true,
                }}
              >
                <Value text={name} />
              </PanelLink>
              {foldered && folder !== '' ? (
                <span className="dim">
                  <Value text={folder} />
                </span>
              ) : null}
            </li>
          ))}
      </ul>
    </>
  );
}

/** Dashboards: starred, seen lately, or found by words, tags and folder. */
export function DashboardList({ options, height, title }: KindProps): ReactElement {
  const tags = texts(at(options, 'tags'));
  const folder = textAt(options, 'folderUID');
  const query = textAt(options, 'query');
  const answer = useAsked({
    key: ['dashboards', query, tags, folder],
    ask: (asking) => summaries({ query, tag: tags, ...(folder === '' ? {} : { folder }) }, asking),
  });
  const every = useAsked({ key: ['dashboards', '', [], ''], ask: (asking) => summaries({}, asking) });
  if (answer.data === undefined || every.data === undefined)
    return answer.error ? (
      <Unreadable what="Dashboards" error={answer.error} asOfMs={0} />
    ) : (
      <Skeleton kind="table" label="Dashboards" height={height} />
    );
  const known = every.data.dashboards;
  const find = (uids: readonly string[]): Summary[] =>
    uids.flatMap((uid) => known.filter((one) => one.uid === uid));
  const searched = flagAt(options, 'showSearch');
  const look = {
    headed: flagAt(options, 'showHeadings', true),
    foldered: flagAt(options, 'showFolderNames', true),
    options,
  };
  const [starred, visited] = [
    flagAt(options, 'showStarred', !searched) ? find(readStarred()) : [],
    flagAt(options, 'showRecentlyViewed') ? find(readVisited()) : [],
  ];
  const found = searched ? answer.data.dashboards : [];
  if (starred.length + visited.length + found.length === 0)
    return <NoData frames={[]} height={height} text="No dashboard is starred, was seen lately or fits" />;
  return (
    <div
      className={styles.list}
      style={{ height }}
      role="group"
      aria-label={title || 'Dashboards'}
      tabIndex={0}
    >
      <Part title="Starred" all={starred} {...look} />
      <Part title="Seen lately" all={visited} {...look} />
      <Part title="Found" all={found} {...look} />
    </div>
  );
}
