import { SegmentedControl } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useState, type ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import { contextOf } from '../address/context';
import { ApiError } from '../api/client';
import { dashboard as askOne, make, save, summaries, type Dashboard, type Summary } from '../api/dashboards';
import { useAsked } from '../api/useAsked';
import { addPanel, lastOpenRow } from '../dashboards/newPanel';
import { dashboardPath } from '../dashboards/path';
import { Dialog } from '../design/Confirm';
import { ChoiceField, TextField } from '../design/fields';
import type { Unit } from '../design/format';
import { Note, Unreadable } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import { toasts } from '../design/toasts';
import type { JsonObject } from '../panels/json';
import { DeedForm } from '../session/DeedForm';
import { useDeed } from '../session/useDeed';
import { dashboardOf, panelOf, sizeOf, titleOf, type Kind } from './panel';
import type { QueryPanel } from './state';

const CONFLICT = 409;

/** Saves the next version of a dashboard, as it is now, with `panel` at its end. */
async function append(
  { uid, title }: Summary,
  panel: JsonObject,
  kind: Kind,
  tenant: string | null,
): Promise<Dashboard> {
  const found = await askOne(uid, null, { tenant });
  const row = lastOpenRow(found.model.tabs[0]?.rows ?? []);
  const changes = [addPanel(row, panel, sizeOf(kind))];
  const message = 'a panel from Explore';
  try {
    return await save(uid, { version: found.version, message, changes }, { tenant });
  } catch (error) {
    if (error instanceof ApiError && error.status === CONFLICT)
      throw new Error(`Somebody saved “${title}” at this very moment. Add the panel once more.`, {
        cause: error,
      });
    throw error;
  }
}

/** The dashboards that a panel can be added to; null while they are not known. */
function useChangeable(): { list: readonly Summary[] | null; error: Error | null; askedMs: number } {
  const answer = useAsked({ key: ['dashboards', '', [], ''], ask: (asking) => summaries({}, asking) });
  const list =
    answer.data?.dashboards.filter(({ may_edit: may, source }) => may && source === 'stored') ?? null;
  return { list, error: answer.error, askedMs: answer.dataUpdatedAt };
}

function Where(props: {
  isNew: boolean;
  dashboards: readonly Summary[];
  uid: string | null;
  name: string;
  onNew: (isNew: boolean) => void;
  onUid: (uid: string | null) => void;
  onName: (name: string) => void;
}): ReactElement {
  const { isNew, dashboards, uid, name, onNew, onUid, onName } = props;
  const none = dashboards.length === 0;
  return (
    <>
      {none ? (
        <Note level="info">There is no dashboard yet that you may change; this makes one.</Note>
      ) : (
        <SegmentedControl
          size="xs"
          aria-label="Which dashboard"
          data={[
            { value: 'kept', label: 'One that is there' },
            { value: 'new', label: 'A new one' },
          ]}
          value={isNew ? 'new' : 'kept'}
          onChange={(next) => onNew(next === 'new')}
        />
      )}
      {isNew ? (
        <TextField
          label="Name of the dashboard"
          required
          value={name}
          onChange={onName}
          autoFocus
          data-autofocus
        />
      ) : (
        <ChoiceField
          label="Dashboard"
          required
          first
          placeholder="Type to find one"
          options={dashboards.map((one) => ({
            value: one.uid,
            label: one.title,
            ...(one.folder_title === '' ? {} : { note: one.folder_title }),
          }))}
          value={uid}
          onChange={onUid}
        />
      )}
    </>
  );
}

/** The form that makes a panel of what Explore shows. */
export default function AddToDashboard(props: {
  panel: QueryPanel;
  kind: Kind;
  unit: Unit;
  onClose: () => void;
}): ReactElement {
  const { panel, kind, unit, onClose } = props;
  const { tenant, range, search } = useAddress();
  const navigate = useNavigate();
  const deed = useDeed();
  const { list, error, askedMs } = useChangeable();
  const [chosen, setNew] = useState<boolean | null>(null);
  const [uid, setUid] = useState<string | null>(null);
  const [name, setName] = useState('');
  const [title, setTitle] = useState(() => titleOf(panel.expr));
  const known = list ?? [];
  const isNew = known.length === 0 || (chosen ?? false);
  const target = known.find((one) => one.uid === uid);
  const send = async (): Promise<void> => {
    const made = panelOf(panel, kind, title.trim(), unit);
    const added = await deed.run(() => {
      if (!isNew && target) return append(target, made, kind, tenant);
      const document = dashboardOf(name.trim(), made, kind, range);
      return make({ document, folder: '', message: 'a panel from Explore' }, { tenant });
    });
    if (!added) return;
    const { uid: saved, title: called } = added.done;
    onClose();
    toasts.show({
      level: 'ok',
      text: `The panel is added to ${called}`,
      action: {
        label: 'Open the dashboard',
        run: () =>
          void navigate({ to: dashboardPath(saved, called), search: { ...contextOf(search), ...range } }),
      },
    });
  };
  return (
    <Dialog open onClose={onClose} title="Add to a dashboard">
      <DeedForm
        deed={deed}
        action="Add the panel"
        ready={(list !== null || error !== null) && (isNew ? name.trim() !== '' : target !== undefined)}
        send={send}
        onCancel={onClose}
      >
        <Unreadable what="The dashboards that are there" error={error} asOfMs={askedMs} />
        {list === null && error === null ? (
          <Skeleton kind="text" label="The dashboards" rows={2} />
        ) : (
          <Where
            isNew={isNew}
            dashboards={known}
            uid={uid}
            name={name}
            onNew={deed.edit(setNew)}
            onUid={deed.edit(setUid)}
            onName={deed.edit(setName)}
          />
        )}
        <TextField label="Title of the panel" value={title} onChange={deed.edit(setTitle)} />
      </DeedForm>
    </Dialog>
  );
}
