import { useState, type ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import {
  alertingConfig,
  checkConfig,
  dropConfig,
  putConfig,
  type AlertingConfig,
  type Checked,
} from '../api/receivers';
import { useAsked } from '../api/useAsked';
import { Button } from '../design/Button';
import { Confirm } from '../design/Confirm';
import { TextAreaField, TextField } from '../design/fields';
import { formatInstant } from '../design/format';
import { usePageClock } from '../design/hooks';
import { LineDiff } from '../design/LineDiff';
import { lineDiff, nearby } from '../design/lines';
import { Note, Unreadable } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import { toasts } from '../design/toasts';
import { Value } from '../design/Value';
import { useDeed } from '../session/useDeed';
import { ConfigHistory } from './ConfigHistory';
import { exampleOf, STARTERS, tellsNobody } from './starters';
import styles from './receivers.module.css';

function Verdict({ checked }: { checked: Checked }): ReactElement {
  const { faults, notices, receivers } = checked;
  return (
    <>
      {faults.length === 0 ? (
        <Note level="info">
          It is good, with {receivers.length} {receivers.length === 1 ? 'receiver' : 'receivers'}.
        </Note>
      ) : (
        <Note level="bad">
          {faults.map((fault) => (
            <div key={fault}>
              <Value text={fault} />
            </div>
          ))}
        </Note>
      )}
      {notices.map((notice) => (
        <Note level="warn" key={notice}>
          <Value text={notice} />
        </Note>
      ))}
    </>
  );
}

function Source({ found }: { found: AlertingConfig }): ReactElement {
  const { utc } = usePageClock();
  if (found.source === 'server')
    return (
      <p className="dim">
        The server&rsquo;s own configuration counts, which is only read here. What is saved is this
        tenant&rsquo;s own, and counts instead of it.
      </p>
    );
  return (
    <p className="dim">
      This tenant&rsquo;s own configuration, version {found.version}
      {found.at === null ? '' : `, of ${formatInstant(Date.parse(found.at), utc)}`}
      {found.by === '' ? '' : ' by '}
      {found.by === '' ? null : <Value text={found.by} />}
      {found.reason === '' ? '' : ': '}
      {found.reason === '' ? null : <Value text={found.reason} />}
    </p>
  );
}

function Editor({ found }: { found: AlertingConfig }): ReactElement {
  const { tenant } = useAddress();
  const [text, setText] = useState(found.config);
  const [reason, setReason] = useState('');
  const [checked, setChecked] = useState<{ text: string; verdict: Checked } | null>(null);
  const [dropping, setDropping] = useState(false);
  const deed = useDeed();
  const verdict = checked?.text === text ? checked.verdict : null;
  const isGood = verdict !== null && verdict.faults.length === 0;
  const same = text === found.config;
  const files = { template_files: found.template_files };
  const check = async (): Promise<void> => {
    const answer = await deed.run(() => checkConfig({ config: text, ...files }, { tenant }));
    if (answer) setChecked({ text, verdict: answer.done });
  };
  const save = async (): Promise<void> => {
    const wanted = { config: text, ...files, version: found.version, reason: reason.trim() };
    if (await deed.run(() => putConfig(wanted, { tenant })))
      toasts.show({
        level: 'ok',
        text: 'The configuration counts from now on; Receivers has a test of each',
      });
  };
  const drop = async (): Promise<void> => {
    setDropping(false);
    if (await deed.run(() => dropConfig({ tenant })))
      toasts.show({ level: 'ok', text: 'The server’s configuration counts again' });
  };
  return (
    <form
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        void (isGood ? save() : check());
      }}
    >
      <Source found={found} />
      {tellsNobody(found.config) ? (
        <div className={styles.actions} role="group" aria-label="Begin with">
          <span className="dim">Nobody is told yet. Begin with</span>
          {STARTERS.map((starter) => (
            <button
              type="button"
              className="button"
              key={starter.name}
              onClick={() => setText(exampleOf(starter))}
            >
              {starter.name}
            </button>
          ))}
        </div>
      ) : null}
      <div className={styles.yaml}>
        <TextAreaField
          label="alertmanager.yml"
          hint={
            found.source === 'tenant'
              ? '<secret> stands for a secret that is kept here; leave it to keep it, or write another one'
              : '<secret> stands for a secret of the server’s, which is not handed on: write one in its place'
          }
          rows={Math.min(28, Math.max(10, text.split('\n').length + 1))}
          value={text}
          onChange={setText}
        />
      </div>
      {verdict ? <Verdict checked={verdict} /> : null}
      {verdict && isGood && !same ? (
        <>
          <LineDiff label="The change" lines={nearby(lineDiff(found.config, text))} />
          <TextField
            label="Reason"
            placeholder="For those who read the history"
            value={reason}
            onChange={setReason}
          />
        </>
      ) : null}
      {deed.error ? <Note level="bad">{deed.error.message}</Note> : null}
      <div className={styles.actions}>
        <button
          type="button"
          className={isGood ? 'button' : 'button primary'}
          disabled={deed.busy || text.trim() === ''}
          onClick={() => void check()}
        >
          Check
        </button>
        <Button
          type="submit"
          className={isGood ? 'button primary' : 'button'}
          whyNot={same ? 'Nothing differs yet' : isGood ? null : 'It is checked first'}
          disabled={deed.busy}
        >
          Save
        </Button>
        {same ? null : (
          <button type="button" className="button quiet" onClick={() => setText(found.config)}>
            Undo
          </button>
        )}
        {found.source === 'tenant' ? (
          <button type="button" className="button quiet" onClick={() => setDropping(true)}>
            Go by the server&rsquo;s
          </button>
        ) : null}
      </div>
      {dropping ? (
        <Confirm
          open
          danger
          title="Go by the server’s configuration?"
          action="Go by the server’s"
          onConfirm={() => void drop()}
          onCancel={() => setDropping(false)}
        >
          <p>This tenant&rsquo;s own configuration no longer counts. Its versions are kept.</p>
        </Confirm>
      ) : null}
    </form>
  );
}

// Another version is another text: what was typed is kept until then, by the key of the editor.
/** The configuration that counts, and another one in its place: checked, looked at, saved. */
export function Configuration({ whyNot }: { whyNot: string | null }): ReactElement {
  const answer = useAsked({
    key: ['alerting config'],
    ask: alertingConfig,
    enabled: whyNot === null,
    refetchOnWindowFocus: false,
  });
  if (whyNot !== null) return <Note level="info">{whyNot}</Note>;
  return (
    <div className={styles.stack}>
      <Unreadable what="The configuration" error={answer.error} asOfMs={answer.dataUpdatedAt} />
      {answer.data ? (
        <>
          <Editor key={`${answer.data.source} ${answer.data.version}`} found={answer.data} />
          <ConfigHistory files={answer.data.template_files} />
        </>
      ) : answer.error ? null : (
        <Skeleton kind="text" label="The configuration" rows={10} />
      )}
    </div>
  );
}
