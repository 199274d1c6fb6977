import clsx from 'clsx';
import { useState, type ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import { PageLink } from '../address/PageLink';
import { checkDetail, checkVersions, dropCheck, newAddress, putCheck, type CheckDetail } from '../api/health';
import { useAsked } from '../api/useAsked';
import { Button } from '../design/Button';
import { Drawer } from '../design/Drawer';
import { EmptyState } from '../design/EmptyState';
import { formatInstant, formatSeconds } from '../design/format';
import { usePageClock } from '../design/hooks';
import { CopyIcon, Note, Unreadable } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import { Sparkline } from '../design/Sparkline';
import { LabelSet, Value } from '../design/Value';
import { History, written } from '../history/History';
import { Body, Page, PageHead } from '../page/Page';
import { TimeControls } from '../page/TimeControls';
import { ConfirmDeed } from '../session/ConfirmDeed';
import { whyNot } from '../session/lacking';
import { useMay } from '../session/session';
import { useDeed } from '../session/useDeed';
import { CheckForm } from './CheckForm';
import { text } from './draft';
import { CheckChip, DayStrip, Since } from './parts';
import { uptimeText } from './strip';
import styles from './health.module.css';

const SHOWN_RUNS = 15;

function At({ at }: { at: string }): ReactElement {
  const { utc } = usePageClock();
  return <span className="dim">{formatInstant(Math.floor(Date.parse(at) / 1000) * 1000, utc)}</span>;
}

function Facts({ check }: { check: CheckDetail }): ReactElement {
  const days = check.certificate_days;
  return (
    <section className="panel card">
      <h2>What is checked</h2>
      <dl className={styles.facts}>
        <dt>type</dt>
        <dd>{check.type}</dd>
        {check.target === '' ? null : (
          <>
            <dt>target</dt>
            <dd className="mono">
              <Value text={check.target} />
            </dd>
          </>
        )}
        <dt>every</dt>
        <dd>
          {check.beats === null ? (
            formatSeconds(check.interval_ms / 1000)
          ) : (
            <Value text={text(check.definition['every'])} />
          )}
        </dd>
        {check.component === '' ? null : (
          <>
            <dt>component</dt>
            <dd>
              <Value text={check.component} />
            </dd>
          </>
        )}
        {check.depends_on.length === 0 ? null : (
          <>
            <dt>depends on</dt>
            <dd className={styles.line}>
              {check.depends_on.map((name) => (
                <PageLink key={name} page="health" search={{ check: name }}>
                  <Value text={name} />
                </PageLink>
              ))}
            </dd>
          </>
        )}
        {days === null ? null : (
          <>
            <dt>certificate</dt>
            <dd>{Math.floor(days)} days left</dd>
          </>
        )}
        <dt>labels</dt>
        <dd>{Object.keys(check.labels).length === 0 ? 'none' : <LabelSet labels={check.labels} />}</dd>
        <dt>declared</dt>
        <dd>
          {check.source === 'file' ? (
            <>
              in <Value text={check.file} />
            </>
          ) : (
            <>
              here, version {check.version}, by <Value text={check.updated_by} />
            </>
          )}
        </dd>
      </dl>
    </section>
  );
}

function Heartbeat({
  check,
  whyNot: why,
}: {
  check: CheckDetail;
  whyNot: string | null;
}): ReactElement | null {
  const { tenant } = useAddress();
  const deed = useDeed();
  const [address, setAddress] = useState<string | null>(null);
  const { beats } = check;
  if (beats === null) return null;
  const make = async (): Promise<void> => {
    const found = await deed.run(() => newAddress(check.name, { tenant }));
    if (found) setAddress(found.done.url === '' ? `${location.origin}${found.done.path}` : found.done.url);
  };
  return (
    <section className={clsx('panel card', styles.stack)}>
      <h2>Where it reports</h2>
      <dl className={styles.facts}>
        <dt>last success</dt>
        <dd>
          <Since at={beats.heard} />
        </dd>
        <dt>last start</dt>
        <dd>
          <Since at={beats.started} />
        </dd>
        <dt>last failure</dt>
        <dd>
          <Since at={beats.failed} />
        </dd>
      </dl>
      {address === null ? (
        <p className="dim">
          {beats.has_address
            ? 'Its address is secret and was shown when it was made. A new one ends the old one.'
            : 'It has no address yet.'}
        </p>
      ) : (
        <Note level="info">
          Shown this once. At the end of a job, or behind its line in a crontab:
          <p className={`mono ${styles.address ?? ''}`}>
            curl -fsS -m 10 --retry 5 {address}/$?{' '}
            <CopyIcon text={`curl -fsS -m 10 --retry 5 ${address}/$?`} label="Copy" />
          </p>
          At its begin: <span className={`mono ${styles.address ?? ''}`}>{address}/start</span>
        </Note>
      )}
      {deed.error ? <Note level="bad">{deed.error.message}</Note> : null}
      <div>
        <Button whyNot={why} disabled={deed.busy} onClick={() => void make()}>
          {beats.has_address ? 'New address' : 'Make its address'}
        </Button>
      </div>
    </section>
  );
}

function Past({ check }: { check: CheckDetail }): ReactElement {
  return (
    <div className={styles.two}>
      <section className="panel card">
        <h2>Changes</h2>
        {check.changes.length === 0 ? <p className="dim">It did not change yet.</p> : null}
        <ul className={styles.list} aria-label="Changes">
          {check.changes.map((one, i) => (
            <li key={i}>
              <span className={styles.line}>
                <CheckChip check={{ state: one.became, maintenance: '', enabled: true }} />
                <At at={one.at} />
              </span>
              {one.reason === '' ? null : <Value text={one.reason} />}
            </li>
          ))}
        </ul>
      </section>
      <section className="panel card">
        <h2>Last looks</h2>
        {check.runs.length === 0 ? <p className="dim">It was not looked at since Pharos started.</p> : null}
        <ul className={styles.list} aria-label="Last looks">
          {check.runs.slice(0, SHOWN_RUNS).map((one) => (
            <li key={one.at}>
              <span className={styles.line}>
                <CheckChip
                  check={{
                    state: one.up ? 'up' : one.known ? 'down' : 'unknown',
                    maintenance: '',
                    enabled: true,
                  }}
                />
                {formatSeconds(one.duration_ms / 1000)} <At at={one.at} />
              </span>
              {one.reason === '' ? null : <Value text={one.reason} />}
            </li>
          ))}
        </ul>
      </section>
    </div>
  );
}

function Shown({ check, whyNot: why }: { check: CheckDetail; whyNot: string | null }): ReactElement {
  const known = check.runs.toReversed().map((one) => (one.up ? one.duration_ms / 1000 : null));
  return (
    <>
      {check.maintenance === '' ? null : (
        <Note level="info">
          In maintenance: <Value text={check.maintenance} />
        </Note>
      )}
      {check.reason === '' || !check.enabled ? null : (
        <Note level={check.state === 'down' ? 'bad' : 'warn'}>
          <Value text={check.reason} />
          {check.state === 'up' ? ' It counts once it fails again.' : ''}
        </Note>
      )}
      <section className="panel card">
        <h2>{uptimeText(check.uptime)}</h2>
        <DayStrip label={check.name} strip={check.strip} uptime={check.uptime} tall />
        <div className={styles.scale}>
          <span>{check.strip.length} days ago</span>
          <span>today</span>
        </div>
      </section>
      <div className={styles.two}>
        <Facts check={check} />
        {check.beats === null ? (
          <section className={clsx('panel card', styles.spark)}>
            <h2>How long it took</h2>
            <Sparkline label="How long it took" values={known} unit="seconds" width={420} height={90} />
          </section>
        ) : (
          <Heartbeat check={check} whyNot={why} />
        )}
      </div>
      <Past check={check} />
    </>
  );
}

/** One check: how it is, why, and what it was. */
export function CheckPage({ name }: { name: string }): ReactElement {
  const { search, refreshMs, setOwn, tenant } = useAddress();
  const may = useMay();
  const answer = useAsked({
    key: ['check', name],
    ask: (asking) => checkDetail(name, asking),
    refreshMs,
    retry: false,
  });
  const [dropping, setDropping] = useState(false);
  const check = answer.data?.data;
  const may_not = whyNot(may, 'alerts.configure', 'Checks are changed');
  const why = check?.source === 'file' ? `It stands in ${check.file}: change it there.` : may_not;
  const close = (): void => setOwn({ edit: undefined, history: undefined });
  const deed = (label: string, run: () => void): ReactElement => (
    <Button whyNot={why} disabled={check === undefined} onClick={run}>
      {label}
    </Button>
  );
  return (
    <Page>
      <PageHead
        title={check === undefined || check.title === '' ? name : check.title}
        breadcrumb={[{ name: 'Health', page: 'health', search: {} }]}
        about={
          check === undefined ? null : (
            <span className="row">
              <CheckChip check={check} /> {check.since === null ? null : <Since at={check.since} />}
            </span>
          )
        }
        actions={
          <>
            {deed('Edit', () => setOwn({ edit: '' }))}
            {check?.source === 'kept' ? deed('Versions', () => setOwn({ history: '' })) : null}
            {deed('Delete', () => setDropping(true))}
          </>
        }
        time={<TimeControls busy={answer.isFetching} onNow={() => void answer.refetch()} />}
      />
      <Body>
        <div className={styles.stack}>
          {check === undefined && answer.error ? (
            <EmptyState reason="no-such" title="This check cannot be shown">
              {answer.error.message}
            </EmptyState>
          ) : (
            <Unreadable what="The check" error={answer.error} asOfMs={answer.dataUpdatedAt} />
          )}
          {answer.isPending ? <Skeleton kind="table" label="The check" rows={6} /> : null}
          {check === undefined ? null : <Shown check={check} whyNot={may_not} />}
        </div>
        <Drawer
          open={search.edit !== undefined && check !== undefined}
          onClose={close}
          title={`Change ${name}`}
        >
          {check === undefined ? null : <CheckForm kept={check} onDone={close} onCancel={close} />}
        </Drawer>
        <Drawer open={search.history !== undefined} onClose={close} title={`Versions of ${name}`}>
          <History
            id={['check', name]}
            ask={async (asking) =>
              (await checkVersions(name, asking)).data.map((one) => ({
                version: one.version,
                at: one.updated,
                by: one.updated_by,
                reason: one.reason,
                text: written(one.check),
              }))
            }
            whyNot={why}
            restore={async (version, current) => {
              const all = (await checkVersions(name, { tenant })).data;
              const wanted = all.find((one) => one.version === version)?.check;
              if (!wanted) throw new Error('that version is none any more');
              return putCheck(name, wanted, current, { tenant });
            }}
          />
        </Drawer>
        {dropping ? (
          <ConfirmDeed
            title="Delete this check?"
            action="Delete the check"
            said="The check is gone"
            run={async () => {
              await dropCheck(name, { tenant });
              setOwn({ check: undefined });
            }}
            onClose={() => setDropping(false)}
          >
            <p>
              <Value text={name} />: nobody is told of it any more. Its versions and its changes are kept.
            </p>
          </ConfirmDeed>
        ) : null}
      </Body>
    </Page>
  );
}
