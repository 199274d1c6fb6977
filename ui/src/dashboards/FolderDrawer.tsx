import { useState, type ReactElement } from 'react';
import { useTenant } from '../address/hooks';
import { members, roles } from '../api/accounts';
import {
  changeFolder,
  folderEntries,
  removeFolder,
  setFolderEntries,
  type Folder,
  type FolderEntry,
} from '../api/dashboards';
import { useAsked } from '../api/useAsked';
import { Choice, type Option } from '../design/Choice';
import { Confirm } from '../design/Confirm';
import { Drawer } from '../design/Drawer';
import { TextField } from '../design/fields';
import { formatThings } from '../design/format';
import { Icon } from '../design/Icon';
import { IconButton } from '../design/IconButton';
import { Note, Unreadable } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import { toasts } from '../design/toasts';
import { DeedForm } from '../session/DeedForm';
import { useMay } from '../session/session';
import { useDeed } from '../session/useDeed';
import { replaced, without } from './editing/put';
import styles from './folder.module.css';

const PERMISSIONS = [
  { value: 'view', label: 'look' },
  { value: 'edit', label: 'change' },
  { value: 'manage', label: 'change, and say who may what' },
] as const;

const SUBJECT = /^(?:everyone|(?:role|user|token):.+)$/u;

/** Whom entries can name: everyone, roles, and the members that who asks may see. */
function useSubjects(): readonly Option[] {
  const may = useMay();
  const allowed = may('members.view');
  const known = useAsked({
    key: ['folder-subjects'],
    ask: async (asking) => {
      const [found, people] = await Promise.all([roles(asking), members(asking)]);
      return [
        ...found.data.roles.map(({ name }) => ({ value: `role:${name}`, label: name, note: 'role' })),
        ...people.data.map(({ id, name, display_name: shown }) => ({
          value: `user:${id}`,
          label: shown || name,
          note: 'person',
        })),
      ];
    },
    enabled: allowed,
    staleTime: 30_000,
  });
  return [{ value: 'everyone', label: 'everyone' }, ...(known.data ?? [])];
}

function Entries(props: {
  entries: readonly FolderEntry[];
  onChange: (entries: readonly FolderEntry[]) => void;
}): ReactElement {
  const { entries, onChange } = props;
  const subjects = useSubjects();
  return (
    <>
      {entries.length === 0 ? (
        <p className="dim">Everybody may what their role says, as in the folder around it.</p>
      ) : (
        <p className="dim">Only these may, and who manages members. Others do not see the folder.</p>
      )}
      {entries.map((entry, i) => (
        <div key={i} className={styles.entry} role="group" aria-label={`Entry ${i + 1}`}>
          <Choice
            label="Who"
            free
            options={subjects}
            value={entry.subject}
            placeholder="everyone, role:… or token:…"
            onChange={(subject) => onChange(replaced(entries, i, { ...entry, subject: subject ?? '' }))}
          />
          <Choice
            label="May"
            options={PERMISSIONS}
            value={entry.permission}
            onChange={(permission) =>
              onChange(
                replaced(entries, i, {
                  ...entry,
                  permission: PERMISSIONS.find(({ value }) => value === permission)?.value ?? 'view',
                }),
              )
            }
          />
          <IconButton
            icon="close"
            label={`Remove entry ${i + 1}`}
            onClick={() => onChange(without(entries, i))}
          />
        </div>
      ))}
      <div>
        <button
          type="button"
          className="button"
          onClick={() => onChange([...entries, { subject: 'role:viewer', permission: 'view' }])}
        >
          <Icon name="plus" size={13} /> Add somebody
        </button>
      </div>
    </>
  );
}

function Form(props: {
  folder: Folder;
  before: readonly FolderEntry[];
  onClose: () => void;
  onGone: () => void;
}): ReactElement {
  const { folder, before, onClose, onGone } = props;
  const tenant = useTenant();
  const deed = useDeed();
  const [title, setTitle] = useState(folder.title);
  const [entries, setEntries] = useState(before);
  const [leaving, setLeaving] = useState(false);
  const send = async (): Promise<void> => {
    const done = await deed.run(async () => {
      if (title.trim() !== folder.title)
        await changeFolder(folder.uid, title.trim(), folder.parent, { tenant });
      await setFolderEntries(folder.uid, entries, { tenant });
    });
    if (!done) return;
    toasts.show({ level: 'ok', text: `${title.trim()} is changed` });
    onClose();
  };
  const erase = async (): Promise<void> => {
    setLeaving(false);
    const done = await deed.run(() => removeFolder(folder.uid, true, { tenant }));
    if (done) onGone();
  };
  return (
    <DeedForm
      deed={deed}
      action="Save"
      ready={title.trim() !== '' && entries.every(({ subject }) => SUBJECT.test(subject))}
      send={send}
      onCancel={onClose}
      aside={
        <button type="button" className="button" onClick={() => setLeaving(true)}>
          Delete the folder
        </button>
      }
    >
      <TextField label="Title" required value={title} onChange={deed.edit(setTitle)} />
      <h3>Who may what</h3>
      <Entries entries={entries} onChange={deed.edit(setEntries)} />
      <Confirm
        open={leaving}
        title="Delete the folder"
        action="Delete"
        danger
        onCancel={() => setLeaving(false)}
        onConfirm={() => void erase()}
      >
        {folder.dashboards === 0
          ? 'It is empty.'
          : `${formatThings(folder.dashboards, 'dashboard')} in it are deleted with it.`}
      </Confirm>
    </DeedForm>
  );
}

/** A folder: what it is called, and who may look at what lies in it, change it, or say so. */
export default function FolderDrawer({
  folder,
  onClose,
  onGone,
}: {
  folder: Folder;
  onClose: () => void;
  onGone: () => void;
}): ReactElement {
  const answer = useAsked({
    key: ['folder-entries', folder.uid],
    ask: (asking) => folderEntries(folder.uid, asking),
    refetchOnWindowFocus: false,
  });
  return (
    <Drawer open onClose={onClose} title="Folder">
      {answer.data === undefined ? (
        answer.error ? (
          <Unreadable what="Who may what" error={answer.error} asOfMs={0} />
        ) : (
          <Skeleton kind="text" label="Who may what" />
        )
      ) : folder.may_manage ? (
        <Form folder={folder} before={answer.data} onClose={onClose} onGone={onGone} />
      ) : (
        <Note level="info">Who may manage the folder changes it.</Note>
      )}
    </Drawer>
  );
}
