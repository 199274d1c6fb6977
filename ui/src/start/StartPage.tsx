import clsx from 'clsx';
import { Fragment, useState, type ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import { PageLink } from '../address/PageLink';
import { makeTenantToken, type NewToken } from '../api/accounts';
import { senders } from '../api/start';
import { useAsked } from '../api/useAsked';
import { formatAgo } from '../design/format';
import { useNow } from '../design/hooks';
import { CopyIcon, Note } from '../design/parts';
import { Tabs } from '../design/Tabs';
import { Value } from '../design/Value';
import { Body, Page, PageHead } from '../page/Page';
import { asksWho, useMay, useSession } from '../session/session';
import { useDeed } from '../session/useDeed';
import { SecretOnce } from '../tokens/SecretOnce';
import { arrivalsOf, joined, othersSend, searchOf, type Arrival, type Known, type Signal } from './arrivals';
import { DemoCard } from './DemoCard';
import { placeOf, snippets } from './snippets';
import styles from './start.module.css';

const LOOK_MS = 2_000;
/** Senders that are named before the rest is counted. */
const MOST_SHOWN = 6;
const TOKEN_LASTS_S = 90 * 86_400;

/** What has come since the page was opened, and who sends already. */
interface Heard {
  known: Known | null;
  arrivals: readonly Arrival[];
}

const NOTHING_HEARD: Heard = { known: null, arrivals: [] };

const SIGNALS: readonly {
  signal: Signal;
  name: string;
  waits: string;
  page: 'explore' | 'logs' | 'traces';
}[] = [
  { signal: 'metrics', name: 'Metrics', waits: 'Waiting for a first sample…', page: 'explore' },
  { signal: 'logs', name: 'Logs', waits: 'Waiting for a first line…', page: 'logs' },
  { signal: 'traces', name: 'Traces', waits: 'Waiting for a first span…', page: 'traces' },
];

function sendersOf(known: Known, signal: Signal): readonly string[] {
  return signal === 'metrics' ? known.jobs : known[signal];
}

function Waiting({ heard }: { heard: Heard }): ReactElement {
  const now = useNow(1_000);
  const { known, arrivals } = heard;
  return (
    <section className="panel card" aria-label="What arrives">
      <header className="row">
        <h2 className="grow">What arrives</h2>
      </header>
      <ul className={styles.signals} aria-live="polite">
        {SIGNALS.map(({ signal, name, waits, page }) => {
          const here = arrivals.filter((one) => one.signal === signal);
          const before = known ? sendersOf(known, signal) : [];
          return (
            <li key={signal} data-signal={signal}>
              <b>{name}</b>
              {here.length === 0 ? (
                <span className={clsx('row', styles.waits)}>
                  <i className={clsx('dot', styles.pulse)} />{' '}
                  {othersSend(before) ? 'Waiting for a sender that is new…' : waits}
                </span>
              ) : (
                here.map((one) => (
                  <span key={one.text} className="row wrap">
                    <i className="dot good" />
                    <PageLink page={page} search={searchOf(one)}>
                      <Value text={one.text} />
                    </PageLink>
                    <span className="dim">{formatAgo(one.atMs, now)}</span>
                  </span>
                ))
              )}
              {here.length === 0 && before.length > 0 ? (
                <span className={clsx('dim', styles.before)} title={before.join(', ')}>
                  Sending already:{' '}
                  {before.slice(0, MOST_SHOWN).map((sender, i) => (
                    <Fragment key={sender}>
                      {i > 0 ? ', ' : ''}
                      <PageLink page={page} search={searchOf({ signal, name: sender })}>
                        <Value text={sender} />
                      </PageLink>
                    </Fragment>
                  ))}
                  {before.length > MOST_SHOWN ? ` and ${before.length - MOST_SHOWN} more` : ''}
                </span>
              ) : null}
            </li>
          );
        })}
      </ul>
    </section>
  );
}

/** Looks who sends, again and again, and remembers what came since the page was opened. */
function useHeard(): { heard: Heard; error: Error | null } {
  const may = useMay();
  const allowed = { metrics: may('metrics.view'), logs: may('logs.view'), traces: may('traces.view') };
  const asked = useAsked({
    key: ['senders', allowed],
    ask: (asking) => senders(allowed, asking),
    refreshMs: LOOK_MS,
    structuralSharing: false,
  });
  const [heard, setHeard] = useState({ ...NOTHING_HEARD, seen: null as Known | null });
  if (asked.data !== undefined && asked.data !== heard.seen) {
    const { data, dataUpdatedAt } = asked;
    const news = heard.known === null ? [] : arrivalsOf(heard.known, data, dataUpdatedAt);
    setHeard({
      known: heard.known === null ? data : joined(heard.known, data),
      arrivals: [...heard.arrivals, ...news],
      seen: data,
    });
  }
  return { heard, error: asked.error };
}

/** Makes a token that may send and nothing else. */
function TokenStep(props: {
  made: NewToken | null;
  onMade: (made: NewToken) => void;
  tenant: string | null;
}): ReactElement {
  const { made, onMade, tenant } = props;
  const may = useMay();
  const deed = useDeed();
  if (made)
    return (
      <SecretOnce label={`Token ${made.token.name}`} text={made.text}>
        It stands in what is below, is good for 90 days, may only send, and is never shown again.
      </SecretOnce>
    );
  return (
    <div className={styles.token}>
      <p className="dim">
        Senders must say who they are here.{' '}
        {may('tokens.manage') ? null : 'An admin of the tenant can give you a token.'}
      </p>
      {may('tokens.manage') ? (
        <button
          type="button"
          className="button primary"
          disabled={deed.busy}
          onClick={() => {
            const wanted = {
              name: `getting started ${new Date().toISOString().slice(0, 16)}`,
              tenant: null,
              roles: ['writer'],
              permissions: null,
              lasts_s: TOKEN_LASTS_S,
            };
            void deed
              .run(() => makeTenantToken(wanted, { tenant }))
              .then((done) => done && onMade(done.done));
          }}
        >
          Make a token for senders
        </button>
      ) : null}
      {deed.error ? <Note level="bad">No token was made: {deed.error.message}</Note> : null}
    </div>
  );
}

/** Ways to send data, with what arrives shown as it does. */
export default function StartPage(): ReactElement {
  const { tenant, search, setOwn } = useAddress();
  const { me } = useSession();
  const closed = asksWho(me);
  // Of another tenant's token nothing may stand on this one's page.
  const [made, setMade] = useState<{ token: NewToken; tenant: string | null } | null>(null);
  const token = made && made.tenant === tenant ? made.token : null;
  const all = snippets(placeOf(window.location.origin, tenant, closed, token?.text));
  const chosen = all.find(({ id }) => id === search.with)?.id ?? all[0]?.id ?? '';
  return (
    <Page>
      <PageHead title="Send data" about="Paste something, and see it arrive." />
      <Body>
        <div className={styles.split}>
          <section className={clsx('panel card', styles.senders)} aria-label="How to send">
            {closed ? (
              <TokenStep made={token} onMade={(done) => setMade({ token: done, tenant })} tenant={tenant} />
            ) : null}
            <Tabs
              label="Sender"
              value={chosen}
              onChange={(id) => setOwn({ with: id === all[0]?.id ? undefined : id }, true)}
              tabs={all.map(({ id, name, hint, text }) => ({
                id,
                label: name,
                content: (
                  <>
                    <p className={clsx('dim', styles.hint)}>{hint}</p>
                    <div className={styles.snippet}>
                      <pre tabIndex={0} aria-label={`Configuration for ${name}`}>
                        {text}
                      </pre>
                      <CopyIcon text={text} label="Copy" />
                    </div>
                  </>
                ),
              }))}
            />
          </section>
          <div className={styles.beside}>
            <Heard key={tenant} />
            <DemoCard />
          </div>
        </div>
      </Body>
    </Page>
  );
}

function Heard(): ReactElement {
  const { heard, error } = useHeard();
  return (
    <>
      {error ? <Note level="bad">It cannot be seen what arrives: {error.message}</Note> : null}
      <Waiting heard={heard} />
    </>
  );
}
