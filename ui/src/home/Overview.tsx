import clsx from 'clsx';
import { useMemo, type ReactElement, type ReactNode } from 'react';
import { PageLink } from '../address/PageLink';
import type { AlertView } from '../api/alerts';
import { auditEntries } from '../api/governance';
import { ratesBy } from '../api/traces';
import { useAsked } from '../api/useAsked';
import { useAlerts } from '../alerts/useAlerts';
import { formatAgo, formatInstant, formatThings } from '../design/format';
import { useNow, usePageClock } from '../design/hooks';
import { StatusDot } from '../design/StatusChip';
import { visibleText } from '../design/value';
import { Value } from '../design/Value';
import { compareHosts, filled, judgeHost, type Disk, type Host } from '../hosts/hosts';
import { loadHosts } from '../hosts/load';
import { DiskCell, HostLink } from '../hosts/parts';
import { loadServices } from '../services/load';
import { ServiceLink } from '../services/parts';
import { compareJudged, judgeService } from '../services/services';
import { useMay } from '../session/session';
import { auditChanges, hostChanges, newest, VERSION_FIELD, versionChanges, type Change } from './changes';
import styles from './home.module.css';

const NO_ALERTS: readonly AlertView[] = [];
const NO_HOSTS: readonly Host[] = [];
const NO_CHANGES: readonly Change[] = [];
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const STEP_S = 900;
/** What burns among services and hosts changes slowly beside the figures of the page. */
const SLOW_MS = 30_000;
const ROWS = 5;
const LOUD = new Set(['critical', 'warning', 'unknown']);

function Card(props: {
  title: string;
  /** Undefined until it is known. */
  rows: readonly ReactNode[] | undefined;
  calm: string;
  error: Error | null;
  children?: ReactNode;
}): ReactElement {
  const { title, rows, calm, error, children } = props;
  return (
    <section
      className={clsx('panel card', styles.watched)}
      aria-label={title}
      aria-busy={rows === undefined && error === null}
    >
      <header className="row">
        <h2 className="grow">{title}</h2>
        {children}
      </header>
      {rows === undefined ? (
        <p className="dim">{error ? `Not known: ${error.message}` : 'Looking…'}</p>
      ) : rows.length === 0 ? (
        <p className="dim">{calm}</p>
      ) : (
        <ul>{rows}</ul>
      )}
    </section>
  );
}

function useWatched(refreshMs: number, young: boolean) {
  const may = useMay();
  const traces = may('traces.view');
  const slow = refreshMs === 0 || young ? refreshMs : Math.max(refreshMs, SLOW_MS);
  const services = useAsked({
    key: ['home-services', traces],
    ask: (asking) => {
      const toMs = Date.now();
      return loadServices({ fromMs: toMs - HOUR_MS, toMs }, { traces, metrics: true }, asking);
    },
    refreshMs: slow,
    keep: true,
  });
  const hosts = useAsked({
    key: ['home-hosts'],
    ask: (asking) => {
      const toMs = Date.now();
      return loadHosts({ fromMs: toMs - HOUR_MS, toMs }, asking);
    },
    refreshMs: slow,
    keep: true,
  });
  const versions = useAsked({
    key: ['home-versions'],
    ask: async (asking) => {
      const end = Math.floor(Date.now() / 1000 / STEP_S) * STEP_S + STEP_S;
      const start = end - DAY_MS / 1000;
      const { data } = await ratesBy(`service,${VERSION_FIELD}`, {}, { start, end }, STEP_S, asking);
      return versionChanges(data, start * 1000, STEP_S * 1000);
    },
    enabled: traces,
    refreshMs: slow,
    keep: true,
  });
  const audit = useAsked({
    key: ['home-audit'],
    ask: async (asking) => {
      const start = (Date.now() - DAY_MS) / 1000;
      return auditChanges((await auditEntries({ start, limit: 50 }, asking)).data.entries);
    },
    enabled: may('audit.view'),
    refreshMs: slow,
    keep: true,
  });
  return { services, hosts, versions, audit };
}

function ChangeRow({ change, now }: { change: Change; now: number }): ReactElement {
  const { utc } = usePageClock();
  const { of, text, atMs } = change;
  const said = <Value text={text} />;
  return (
    <li>
      <span className="grow ellipsis" title={visibleText(text)}>
        {of.kind === 'service' ? (
          <ServiceLink name={of.name}>{said}</ServiceLink>
        ) : of.kind === 'host' ? (
          <HostLink name={of.name}>{said}</HostLink>
        ) : (
          <PageLink page="audit" search={{}}>
            {said}
          </PageLink>
        )}
      </span>
      <span className="dim" title={formatInstant(Math.floor(atMs / 1000) * 1000, utc)}>
        {formatAgo(atMs, now)}
      </span>
    </li>
  );
}

/** The disks to look at, those that will be full soonest first, then the fullest. */
function urgent(hosts: readonly Host[]): { host: Host; disk: Disk }[] {
  return hosts
    .flatMap((host) => host.disks.map((disk) => ({ host, disk })))
    .sort(
      (a, b) =>
        (a.disk.fullInS ?? Infinity) - (b.disk.fullInS ?? Infinity) ||
        (filled(b.disk) ?? 0) - (filled(a.disk) ?? 0),
    );
}

/** What burns among services and hosts, what changed, and when disks will be full. */
export default function Overview(props: {
  refreshMs: number;
  /** The data are so young that what is not there yet will be soon. */
  young: boolean;
}): ReactElement {
  const { refreshMs, young } = props;
  const { services, hosts, versions, audit } = useWatched(refreshMs, young);
  const alerts = useAlerts(refreshMs).data?.data.alerts ?? NO_ALERTS;
  const now = useNow(15_000);
  const known = hosts.data?.hosts ?? NO_HOSTS;
  // That no host was measured yet says nothing about hosts.
  const measured = hosts.data !== undefined && !(young && known.length === 0);
  const burning = useMemo(() => {
    const ofServices = (services.data?.services ?? [])
      .map((service) => ({
        service,
        verdict: judgeService(service, alerts, services.data?.grid.step ?? 60),
      }))
      .sort(compareJudged)
      .map(({ service, verdict }) => ({ kind: 'service' as const, name: service.name, verdict }));
    const ofHosts = known
      .map((host) => ({ host, verdict: judgeHost(host, alerts, now) }))
      .sort(compareHosts)
      .map(({ host, verdict }) => ({ kind: 'host' as const, name: host.name, verdict }));
    const all = [...ofServices, ...ofHosts].filter(({ verdict }) => LOUD.has(verdict.status));
    return all.sort(
      (a, b) => Number(b.verdict.status === 'critical') - Number(a.verdict.status === 'critical'),
    );
  }, [services.data, known, alerts, now]);
  const changes = newest(
    [...(versions.data ?? NO_CHANGES), ...hostChanges(known, now - DAY_MS), ...(audit.data ?? NO_CHANGES)],
    ROWS,
  );
  const disks = urgent(known).slice(0, ROWS);
  const counted = `${formatThings(services.data?.services.length ?? 0, 'service')} and ${formatThings(known.length, 'host')}`;
  return (
    <div className={styles.overview}>
      <Card
        title="Needs attention"
        error={services.error ?? hosts.error}
        calm={`Nothing among ${counted}.`}
        rows={
          services.data && measured
            ? burning.slice(0, ROWS).map(({ kind, name, verdict }) => (
                <li key={`${kind} ${name}`}>
                  <StatusDot status={verdict.status} label={visibleText(name)} />
                  <span className="ellipsis" title={verdict.reasons.map(visibleText).join('\n')}>
                    {kind === 'service' ? (
                      <ServiceLink name={name}>
                        <b>
                          <Value text={name} />
                        </b>
                      </ServiceLink>
                    ) : (
                      <HostLink name={name}>
                        <b>
                          <Value text={name} />
                        </b>
                      </HostLink>
                    )}{' '}
                    <span className="dim">{visibleText(verdict.reasons[0] ?? '')}</span>
                  </span>
                </li>
              ))
            : undefined
        }
      >
        <PageLink page="services" search={{}}>
          {burning.length > ROWS ? `all ${burning.length}` : 'services'}
        </PageLink>
        <PageLink page="hosts" search={{}}>
          hosts
        </PageLink>
      </Card>
      <Card
        title="Changed in the last day"
        error={versions.error ?? audit.error}
        calm="No version began, no host was started, nobody changed anything."
        rows={
          measured
            ? changes.map((change) => (
                <ChangeRow key={`${change.atMs} ${change.text}`} change={change} now={now} />
              ))
            : undefined
        }
      />
      <Card
        title="Disks"
        error={hosts.error}
        calm="No file system is measured."
        rows={
          measured
            ? disks.map(({ host, disk }) => (
                <li key={`${host.name} ${disk.mount}`}>
                  <span className="grow ellipsis">
                    <HostLink name={host.name}>
                      <Value text={host.name} />
                    </HostLink>
                  </span>
                  <DiskCell disk={disk} flat />
                </li>
              ))
            : undefined
        }
      />
    </div>
  );
}
