import { useNavigate } from '@tanstack/react-router';
import { useState, type ReactElement } from 'react';
import { useTenant } from '../address/hooks';
import {
  bring,
  dashboard as readDashboard,
  difference,
  folders,
  make,
  makeFolder,
  restore,
  save,
  share,
  shares,
  unshare,
  versions,
  type Dashboard,
  type Imported,
  type Share,
} from '../api/dashboards';
import { ApiError } from '../api/client';
import { useAsked } from '../api/useAsked';
import { Dialog } from '../design/Confirm';
import { Drawer } from '../design/Drawer';
import { CheckField, ChoiceField, TextField } from '../design/fields';
import { formatInstant, formatThings } from '../design/format';
import { usePageClock } from '../design/hooks';
import { LineDiff } from '../design/LineDiff';
import { lineDiff, nearby } from '../design/lines';
import { CopyIcon, Note, Unreadable } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import { Tabs } from '../design/Tabs';
import { toasts } from '../design/toasts';
import { Value } from '../design/Value';
import type { Json } from '../panels/json';
import { DeedForm } from '../session/DeedForm';
import { useDeed } from '../session/useDeed';
import { changedInWords } from './changed';
import type { Draft } from './useDraft';
import { dashboardPath } from './path';
import { Report } from './Report';
import styles from './dashboard.module.css';

/** Of a dashboard, as the server takes it. */
const MOST_BYTES = 4 << 20;

/** Goes to a dashboard, in the context that the page is in. */
function useGo(): (uid: string, title: string, own?: Record<string, string>) => void {
  const navigate = useNavigate();
  return (uid, title, own = {}) => void navigate({ to: dashboardPath(uid, title), search: own });
}

function FolderField({
  value,
  onChange,
}: {
  value: string;
  onChange: (folder: string) => void;
}): ReactElement {
  const known = useAsked({ key: ['dashboard-folders'], ask: folders, staleTime: 10_000 });
  const editable = (known.data ?? []).filter(({ may_edit: may, source }) => may && source === 'stored');
  return (
    <ChoiceField
      label="Folder"
      hint="A name that is not there becomes a new folder"
      free
      clearable
      placeholder="none"
      options={editable.map(({ uid, title }) => ({ value: uid, label: title }))}
      value={value === '' ? null : value}
      onChange={(next) => onChange(next ?? '')}
    />
  );
}

/** The uid of the folder that was chosen, made where it is not there. */
async function folderOf(chosen: string, asking: { tenant: string | null }): Promise<string> {
  if (chosen === '') return '';
  const known = await folders(asking);
  const found = known.find(({ uid, title }) => uid === chosen || title === chosen);
  return found?.uid ?? (await makeFolder(chosen, asking)).uid;
}

/** A new dashboard, without panels. */
export function NewDashboard({ onClose }: { onClose: () => void }): ReactElement {
  const tenant = useTenant();
  const deed = useDeed();
  const go = useGo();
  const [title, setTitle] = useState('');
  const [folder, setFolder] = useState('');
  const send = async (): Promise<void> => {
    const made = await deed.run(async () =>
      make({ title: title.trim(), folder: await folderOf(folder, { tenant }) }, { tenant }),
    );
    if (made) go(made.done.uid, made.done.title, { edit: '1' });
  };
  return (
    <Dialog open onClose={onClose} title="New dashboard">
      <DeedForm deed={deed} action="Create" ready={title.trim() !== ''} send={send} onCancel={onClose}>
        <TextField label="Title" required value={title} onChange={deed.edit(setTitle)} data-autofocus />
        <FolderField value={folder} onChange={deed.edit(setFolder)} />
      </DeedForm>
    </Dialog>
  );
}

function Outcome({
  report,
  inputs,
  onInputs,
}: {
  report: Imported;
  inputs: Readonly<Record<string, string>>;
  onInputs: (next: Record<string, string>) => void;
}): ReactElement {
  return (
    <>
      <p>
        <b>
          <Value text={report.title} />
        </b>
        , {formatThings(report.panels, 'panel')}.{' '}
        {report.is_new ? '' : 'A dashboard of this uid is there already.'}
      </p>
      {report.inputs.map(({ name, label, description, value }) => (
        <TextField
          key={name}
          label={label || name}
          hint={description || undefined}
          value={inputs[name] ?? value}
          onChange={(next) => onInputs({ ...inputs, [name]: next })}
        />
      ))}
      <Report remarks={report.report} />
    </>
  );
}

/** A dashboard out of a file or pasted text: first looked at, then kept. */
export function ImportDashboard({ onClose }: { onClose: () => void }): ReactElement {
  const tenant = useTenant();
  const deed = useDeed();
  const go = useGo();
  const [text, setText] = useState('');
  const [folder, setFolder] = useState('');
  const [overwrite, setOverwrite] = useState(false);
  const [inputs, setInputs] = useState<Record<string, string>>({});
  const [found, setFound] = useState<Imported | null>(null);
  const [tooLarge, setTooLarge] = useState(false);
  const read = async (file: File | undefined): Promise<void> => {
    if (!file) return;
    setFound(null);
    deed.clear();
    setTooLarge(file.size > MOST_BYTES);
    setText(file.size > MOST_BYTES ? '' : await file.text());
  };
  const send = async (): Promise<void> => {
    const looked = found === null;
    const made = await deed.run(async () =>
      bring(
        {
          text,
          folder: looked ? '' : await folderOf(folder, { tenant }),
          inputs,
          overwrite: looked || overwrite,
          dry_run: looked,
        },
        { tenant },
      ),
    );
    if (!made) return;
    if (looked) setFound(made.done);
    else {
      toasts.show({ level: 'ok', text: `${made.done.title} is imported` });
      go(made.done.uid, made.done.title);
    }
  };
  return (
    <Drawer open onClose={onClose} title="Import a dashboard" wide>
      <DeedForm
        deed={deed}
        action={found === null ? 'Look at it' : 'Import'}
        ready={text.trim() !== ''}
        send={send}
        onCancel={onClose}
      >
        <p className="dim">
          Any dashboard of Grafana: the file as it was exported, JSON or YAML, old or new.
        </p>
        <input
          type="file"
          accept=".json,.yaml,.yml,application/json"
          aria-label="File"
          className={styles.file}
          onChange={(event) => void read(event.target.files?.[0])}
        />
        {tooLarge ? (
          <Note level="bad">The file is larger than {MOST_BYTES >> 20} MB, and is no dashboard.</Note>
        ) : null}
        <textarea
          className={`field ${styles.paste ?? ''}`}
          aria-label="The dashboard's JSON"
          placeholder='{"title": …, "panels": …}, or a file dropped here'
          spellCheck={false}
          value={text}
          onDrop={(event) => {
            const [file] = event.dataTransfer.files;
            if (!file) return;
            event.preventDefault();
            void read(file);
          }}
          onChange={(event) => {
            setFound(null);
            setTooLarge(false);
            deed.clear();
            setText(event.target.value);
          }}
        />
        {found === null ? null : (
          <>
            <Outcome report={found} inputs={inputs} onInputs={setInputs} />
            <FolderField value={folder} onChange={setFolder} />
            {found.is_new ? null : (
              <CheckField label="Overwrite what is there" checked={overwrite} onChange={setOverwrite} />
            )}
          </>
        )}
      </DeedForm>
    </Drawer>
  );
}

/** What of a dashboard a draft changes, by the names of what it is. */
function Words({ dashboard, draft }: { dashboard: Dashboard; draft: Draft }): ReactElement {
  const said = changedInWords(dashboard, draft);
  if (said.length === 0)
    return <p className="dim">No panel, row or setting differs; the difference below says what does.</p>;
  return (
    <dl className={styles.words} aria-label="What changes">
      {said.map(({ what, names }) => (
        <div key={what}>
          <dt>{what}</dt>
          {names.map((name, i) => (
            <dd key={`${i} ${name}`}>
              <Value text={name} />
            </dd>
          ))}
        </div>
      ))}
    </dl>
  );
}

/** Keeps the changes of a draft, with words on why. */
export function SaveDialog(props: {
  dashboard: Dashboard;
  draft: Draft;
  onClose: () => void;
  onSaved: () => void;
}): ReactElement {
  const { dashboard, draft, onClose, onSaved } = props;
  const tenant = useTenant();
  const deed = useDeed();
  const [message, setMessage] = useState('');
  const lines = draft.document
    ? nearby(lineDiff(JSON.stringify(dashboard.document, null, 2), JSON.stringify(draft.document, null, 2)))
    : [];
  const meanwhile = deed.error instanceof ApiError && deed.error.status === 409;
  const send = async (): Promise<void> => {
    const saved = await deed.run(async () => {
      // The changes are told one by one, so that they can be made to what somebody else saved.
      const { version } = meanwhile
        ? await readDashboard(dashboard.uid, null, { tenant })
        : { version: dashboard.version };
      return save(dashboard.uid, { version, message, changes: draft.changes }, { tenant });
    });
    if (!saved) return;
    toasts.show({ level: 'ok', text: `Version ${saved.done.version} is saved` });
    onSaved();
  };
  return (
    <Drawer open onClose={onClose} title="Save" wide>
      <DeedForm
        deed={deed}
        action={meanwhile ? 'Save on top of it' : 'Save'}
        fault={
          meanwhile
            ? 'Somebody saved this dashboard meanwhile. Saved on top of it, what they changed stays, but for what you changed too.'
            : (deed.error?.message ?? null)
        }
        send={send}
        onCancel={onClose}
      >
        <TextField
          label="What changes, and why"
          value={message}
          onChange={deed.edit(setMessage)}
          data-autofocus
        />
        <Words dashboard={dashboard} draft={draft} />
        <details className={styles.fold}>
          <summary>The difference in its JSON</summary>
          <LineDiff label="What is saved" lines={lines} />
        </details>
      </DeedForm>
    </Drawer>
  );
}

function Between({ uid, from, to }: { uid: string; from: number; to: number }): ReactElement {
  const answer = useAsked({
    key: ['dashboard-diff', uid, from, to],
    ask: (asking) => difference(uid, from, to, asking),
  });
  if (answer.data === undefined)
    return answer.error ? (
      <Unreadable what="The difference" error={answer.error} asOfMs={0} />
    ) : (
      <Skeleton kind="text" label="The difference" />
    );
  return (
    <LineDiff
      label={`From version ${from} to ${to}`}
      lines={nearby(lineDiff(answer.data.before, answer.data.after))}
    />
  );
}

/** The versions of a dashboard: who, when and why, what differs, and the way back. */
export function Versions({
  dashboard,
  onClose,
  onShow,
}: {
  dashboard: Dashboard;
  onClose: () => void;
  onShow: (version: number | null) => void;
}): ReactElement {
  const tenant = useTenant();
  const deed = useDeed();
  const { utc } = usePageClock();
  const [open, setOpen] = useState<number | null>(null);
  const answer = useAsked({
    key: ['dashboard-versions', dashboard.uid],
    ask: (asking) => versions(dashboard.uid, asking),
  });
  const back = async (version: number): Promise<void> => {
    const done = await deed.run(() =>
      restore(dashboard.uid, version, `back to version ${version}`, { tenant }),
    );
    if (!done) return;
    toasts.show({ level: 'ok', text: `Version ${version} is back, as version ${done.done.version}` });
    onShow(null);
    onClose();
  };
  return (
    <Drawer open onClose={onClose} title="Versions" wide>
      {deed.error ? <Note level="bad">{deed.error.message}</Note> : null}
      {answer.data === undefined ? (
        answer.error ? (
          <Unreadable what="The versions" error={answer.error} asOfMs={0} />
        ) : (
          <Skeleton kind="table" label="The versions" />
        )
      ) : null}
      <ul className={styles.versions}>
        {(answer.data ?? []).map(({ version, at, by, message }, i, all) => {
          const before = all[i + 1]?.version;
          return (
            <li key={version} className={styles.version}>
              <div className="row wrap">
                <b>Version {version}</b>
                <span className="dim">
                  {formatInstant(Date.parse(at), utc)} {by === null ? '' : <Value text={by} />}
                </span>
                <span className="grow">{message === '' ? null : <Value text={message} />}</span>
                {before === undefined ? null : (
                  <button
                    type="button"
                    className="button"
                    aria-expanded={open === version}
                    onClick={() => setOpen(open === version ? null : version)}
                  >
                    What changed
                  </button>
                )}
                <button type="button" className="button" onClick={() => onShow(i === 0 ? null : version)}>
                  Show
                </button>
                {i === 0 || !dashboard.may_edit ? null : (
                  <button
                    type="button"
                    className="button"
                    disabled={deed.busy}
                    onClick={() => void back(version)}
                  >
                    Restore
                  </button>
                )}
              </div>
              {open === version && before !== undefined ? (
                <Between uid={dashboard.uid} from={before} to={version} />
              ) : null}
            </li>
          );
        })}
      </ul>
    </Drawer>
  );
}

const EXPIRY = [
  { value: '86400', label: 'a day' },
  { value: '604800', label: 'a week' },
  { value: '', label: 'never' },
];

function NewShare(props: {
  dashboard: Dashboard;
  kind: 'live' | 'snapshot';
  from: string;
  to: string;
  values: Readonly<Record<string, Json>>;
}): ReactElement {
  const { dashboard, kind, from, to, values } = props;
  const tenant = useTenant();
  const deed = useDeed();
  const [expiry, setExpiry] = useState('86400');
  const [made, setMade] = useState<Share | null>(null);
  const send = async (): Promise<void> => {
    const done = await deed.run(() =>
      share(
        {
          uid: dashboard.uid,
          kind,
          name: '',
          from,
          to,
          variables: values,
          expires_s: expiry === '' ? null : Number(expiry),
        },
        { tenant },
      ),
    );
    if (done) setMade(done.done);
  };
  if (made) {
    const link = `${window.location.origin}${made.url}`;
    return (
      <div className="row">
        <input
          className="field mono grow"
          readOnly
          value={link}
          aria-label="Link"
          onFocus={(event) => event.target.select()}
        />
        <CopyIcon text={link} label="Copy the link" />
      </div>
    );
  }
  return (
    <DeedForm
      deed={deed}
      action={kind === 'live' ? 'Make a link' : 'Take a snapshot'}
      send={send}
      onCancel={() => deed.clear()}
    >
      <p className="dim">
        {kind === 'live'
          ? 'Whoever has the link sees this dashboard with these variables and this time, its data as they are then. They must be signed in to this tenant.'
          : 'The data as they are now, kept as they are: for a report, or what must not change.'}
      </p>
      <ChoiceField
        label="It expires after"
        options={EXPIRY}
        value={expiry}
        onChange={(next) => setExpiry(next ?? '')}
      />
    </DeedForm>
  );
}

/** The links and snapshots that were made of a dashboard, each of which can be ended. */
function Shares({ uid }: { uid: string }): ReactElement {
  const tenant = useTenant();
  const deed = useDeed();
  const { utc } = usePageClock();
  const answer = useAsked({ key: ['dashboard-shares', uid], ask: (asking) => shares(uid, asking) });
  if (answer.data === undefined)
    return answer.error ? (
      <Unreadable what="The links" error={answer.error} asOfMs={0} />
    ) : (
      <Skeleton kind="text" label="The links" />
    );
  if (answer.data.length === 0) return <p className="dim">No links and no snapshots were made.</p>;
  return (
    <>
      {deed.error ? <Note level="bad">{deed.error.message}</Note> : null}
      <ul className={styles.versions}>
        {answer.data.map(({ id, kind, by, created_at: made, expires_at: ends }) => (
          <li key={id} className={styles.version}>
            <div className="row wrap">
              <b>{kind === 'live' ? 'Link' : 'Snapshot'}</b>
              <span className="dim grow">
                {formatInstant(Date.parse(made), utc)} <Value text={by} />,{' '}
                {ends === null ? 'for ever' : `until ${formatInstant(Date.parse(ends), utc)}`}
              </span>
              <button
                type="button"
                className="button"
                disabled={deed.busy}
                onClick={() => void deed.run(() => unshare(id, { tenant }))}
              >
                End
              </button>
            </div>
          </li>
        ))}
      </ul>
    </>
  );
}

/** Ways to show a dashboard to others. */
export function ShareDialog(props: {
  dashboard: Dashboard;
  link: string;
  from: string;
  to: string;
  values: Readonly<Record<string, Json>>;
  onClose: () => void;
}): ReactElement {
  const { link, onClose, ...rest } = props;
  return (
    <Dialog open onClose={onClose} title="Share">
      <Tabs
        label="How"
        tabs={[
          {
            id: 'address',
            label: 'Address',
            content: (
              <>
                <p className="dim">
                  Exactly what is seen: the time made absolute, the variables as they are.
                </p>
                <div className="row">
                  <input
                    className="field mono grow"
                    readOnly
                    value={link}
                    aria-label="Address"
                    onFocus={(event) => event.target.select()}
                  />
                  <CopyIcon text={link} label="Copy the address" />
                </div>
              </>
            ),
          },
          { id: 'live', label: 'Link', content: <NewShare kind="live" {...rest} /> },
          { id: 'snapshot', label: 'Snapshot', content: <NewShare kind="snapshot" {...rest} /> },
          { id: 'made', label: 'Made', content: <Shares uid={rest.dashboard.uid} /> },
        ]}
      />
    </Dialog>
  );
}
