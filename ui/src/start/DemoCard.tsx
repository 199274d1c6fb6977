import clsx from 'clsx';
import { useState, type ReactElement } from 'react';
import { PageLink } from '../address/PageLink';
import { demoStatus, eraseDemo, startDemo, stopDemo, type Demo } from '../api/start';
import { useAsked } from '../api/useAsked';
import { Note } from '../design/parts';
import { StatusChip } from '../design/StatusChip';
import { ConfirmDeed } from '../session/ConfirmDeed';
import { useMay } from '../session/session';
import { useDeed } from '../session/useDeed';
import styles from './start.module.css';

const LOOK_MS = 5_000;

function Stands({ demo }: { demo: Demo }): ReactElement | null {
  if (!demo.is_running) return <StatusChip status="muted">stopped</StatusChip>;
  if (demo.is_broken) return <StatusChip status="critical">payments {demo.release} goes wrong</StatusChip>;
  return <StatusChip status="ok">payments {demo.release} runs well</StatusChip>;
}

/** Starts, shows and erases the made-up shop. */
export function DemoCard(): ReactElement | null {
  const may = useMay();
  const manages = may('tenants.manage');
  const asked = useAsked({
    key: ['demo'],
    ask: (asking) => demoStatus(asking),
    refreshMs: LOOK_MS,
    enabled: may('tenants.view'),
  });
  const deed = useDeed();
  const [erasing, setErasing] = useState(false);
  const demo = asked.data;
  if (!demo || (demo.tenant === '' && !manages)) return null;
  const search = { tenant: demo.tenant };
  return (
    <section className={clsx('panel card', styles.demo)} aria-label="Demo">
      <header className="row wrap">
        <h2 className="grow">Nothing to send yet?</h2>
        {demo.tenant === '' ? null : <Stands demo={demo} />}
      </header>
      <p>
        A made-up shop of five services can live here, in a tenant of its own, with metrics, logs and traces.
        Every {Math.round(demo.cycle_s / 60)} minutes a release of its payments goes wrong: find out why.
      </p>
      {demo.tenant === '' ? null : (
        <p className={styles.ways}>
          <PageLink page="alerts" search={search}>
            Alerts
          </PageLink>
          <PageLink page="dashboards" search={search}>
            Dashboards
          </PageLink>
          <PageLink page="traces" search={search}>
            Traces
          </PageLink>
          <PageLink page="logs" search={{ ...search, q: 'level:error' }}>
            Errors in its log
          </PageLink>
        </p>
      )}
      {manages ? (
        <div className="row wrap">
          {demo.is_running ? (
            <button
              type="button"
              className="button"
              disabled={deed.busy}
              onClick={() => void deed.run(() => stopDemo({ tenant: null }))}
            >
              Stop
            </button>
          ) : (
            <button
              type="button"
              className="button primary"
              disabled={deed.busy}
              onClick={() => void deed.run(() => startDemo({ tenant: null }))}
            >
              {deed.busy ? 'One moment…' : 'Start the shop'}
            </button>
          )}
          {demo.tenant === '' ? null : (
            <button type="button" className="button" disabled={deed.busy} onClick={() => setErasing(true)}>
              Erase it
            </button>
          )}
        </div>
      ) : null}
      {deed.error ? <Note level="bad">{deed.error.message}</Note> : null}
      {erasing ? (
        <ConfirmDeed
          title="Erase the demo"
          action="Erase"
          said="The demo is erased"
          run={() => eraseDemo({ tenant: null })}
          onClose={() => setErasing(false)}
        >
          The tenant {demo.tenant} is deleted with all that is in it.
        </ConfirmDeed>
      ) : null}
    </section>
  );
}
