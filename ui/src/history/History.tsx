import { useState, type ReactElement } from 'react';
import type { Asking } from '../api/client';
import { useAsked } from '../api/useAsked';
import { Button } from '../design/Button';
import { Dialog } from '../design/Confirm';
import { formatInstant } from '../design/format';
import { usePageClock } from '../design/hooks';
import { LineDiff } from '../design/LineDiff';
import { lineDiff, nearby } from '../design/lines';
import { Note, Unreadable } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import { toasts } from '../design/toasts';
import { Value } from '../design/Value';
import { useDeed } from '../session/useDeed';
import styles from './history.module.css';

/** What something was from one change to the next. */
export interface Past {
  version: number;
  /** As it is compared; null where it was taken away. */
  text: string | null;
  by: string;
  reason: string;
  /** RFC 3339. */
  at: string;
}

function Chosen(props: { name: string; version: number; on: boolean; onChange: () => void }): ReactElement {
  return (
    <td className={styles.choice}>
      <input
        type="radio"
        name={props.name}
        aria-label={`${props.name} version ${props.version}`}
        checked={props.on}
        onChange={props.onChange}
      />
    </td>
  );
}

/** All versions of something, the newest first: who, when and why; what differs between two; one of them again. */
export function History(props: {
  /** What it is of, for the cache and for readers. */
  id: readonly string[];
  ask: (asking: Asking) => Promise<readonly Past[]>;
  /** Makes a version the one that counts; `current` is what it takes the place of. Null where it cannot be done. */
  restore: ((version: number, current: number, reason: string) => Promise<unknown>) | null;
  /** Why a version cannot be restored, in words. */
  whyNot?: string | null;
}): ReactElement {
  const { id, ask, restore, whyNot = null } = props;
  const { utc } = usePageClock();
  const [from, setFrom] = useState<number | null>(null);
  const [to, setTo] = useState<number | null>(null);
  const [restoring, setRestoring] = useState(false);
  const deed = useDeed();
  const answer = useAsked({ key: ['versions', ...id], ask });
  const all = answer.data;
  if (all === undefined)
    return answer.error ? (
      <Unreadable what="The versions" error={answer.error} asOfMs={0} />
    ) : (
      <Skeleton kind="table" label="The versions" rows={3} />
    );
  const newest = all[0];
  if (newest === undefined) return <p className="dim">Nothing was changed here yet.</p>;
  const after = all.find(({ version }) => version === to) ?? newest;
  const before =
    all.find(({ version }) => version === from) ?? all.find(({ version }) => version < after.version) ?? null;
  const run = async (): Promise<void> => {
    if (restore === null) return;
    const reason = `version ${after.version} again`;
    if (await deed.run(() => restore(after.version, newest.version, reason))) {
      toasts.show({ level: 'ok', text: `Version ${after.version} counts again` });
      setRestoring(false);
      setFrom(null);
      setTo(null);
    }
  };
  const isOld = after.version !== newest.version && after.text !== null;
  return (
    <section className={styles.history} aria-label="Versions">
      <div className={styles.scroll} tabIndex={0} role="region" aria-label="The versions">
        <table className={styles.versions}>
          <thead>
            <tr>
              <th scope="col">from</th>
              <th scope="col">to</th>
              <th scope="col">version</th>
              <th scope="col">who, when, why</th>
            </tr>
          </thead>
          <tbody>
            {all.map((one) => (
              <tr key={one.version}>
                <Chosen
                  name="From"
                  version={one.version}
                  on={before?.version === one.version}
                  onChange={() => setFrom(one.version)}
                />
                <Chosen
                  name="To"
                  version={one.version}
                  on={after.version === one.version}
                  onChange={() => setTo(one.version)}
                />
                <td>{one.version}</td>
                <td>
                  <Value text={one.by} />{' '}
                  <span className="dim">
                    {formatInstant(Math.floor(Date.parse(one.at) / 1000) * 1000, utc)}
                  </span>
                  {one.text === null ? <span className="dim"> taken away</span> : null}
                  {one.reason === '' ? null : (
                    <div>
                      <Value text={one.reason} />
                    </div>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p className="dim">
        {before === null
          ? `Version ${after.version} is the first one.`
          : `From version ${before.version} to version ${after.version}:`}
      </p>
      <LineDiff label="What differs" lines={nearby(lineDiff(before?.text ?? '', after.text ?? ''))} />
      {restore === null || !isOld ? null : (
        <div className="form-actions">
          <Button whyNot={whyNot} onClick={() => setRestoring(true)}>
            Restore version {after.version}
          </Button>
        </div>
      )}
      {restoring ? (
        <Dialog open alert onClose={() => setRestoring(false)} title={`Restore version ${after.version}?`}>
          <div className="form">
            <p>
              It becomes a version of its own, after version {newest.version}, and counts from now on. This is
              what changes:
            </p>
            <LineDiff
              label="What restoring changes"
              lines={nearby(lineDiff(newest.text ?? '', after.text ?? ''))}
            />
            {deed.error ? <Note level="bad">{deed.error.message}</Note> : null}
            <div className="form-actions">
              <button type="button" className="button" onClick={() => setRestoring(false)} data-autofocus>
                Cancel
              </button>
              <button
                type="button"
                className="button primary"
                disabled={deed.busy}
                onClick={() => void run()}
              >
                Restore
              </button>
            </div>
          </div>
        </Dialog>
      ) : null}
    </section>
  );
}

/** A document as its versions are compared. */
export function written(document: unknown): string | null {
  return document === null || document === undefined ? null : `${JSON.stringify(document, null, 2)}\n`;
}
