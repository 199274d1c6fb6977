import { useNavigate } from '@tanstack/react-router';
import { lazy, Suspense, useState, type ReactElement } from 'react';
import { useAddress, useTenant } from '../address/hooks';
import { PATHS } from '../address/places';
import { copy, exportPath, remove, type Dashboard, type Variable } from '../api/dashboards';
import { Confirm } from '../design/Confirm';
import { IconButton } from '../design/IconButton';
import { Menu } from '../design/Menu';
import { toasts } from '../design/toasts';
import { Value } from '../design/Value';
import { whyNot } from '../session/lacking';
import { useMay } from '../session/session';
import { useDeed } from '../session/useDeed';
import { absolute, type Span } from '../time/range';
import { SaveDialog, ShareDialog, Versions } from './Dialogs';
import { readStarred, toggleStar } from './kept';
import { dashboardPath } from './path';
import styles from './dashboard.module.css';
import { readValues, writeView, type View } from './state';
import type { Draft } from './useDraft';

const SettingsDrawer = lazy(() => import('./editing/SettingsDrawer'));

type Open = 'save' | 'share' | 'versions' | 'delete' | 'discard' | null;

const NOT_EDITING = { editing: false, edited: null, settings: null } as const;

/** What of an address is of whoever edits, and of no one that a link is given to. */
const NOT_SHARED: readonly string[] = ['edit', 'editPanel', 'settings', 'refresh'];

function shareLink(
  search: Readonly<Record<string, string | undefined>>,
  span: Span | null,
  path: string,
): string {
  const form = new URLSearchParams();
  for (const [key, value] of Object.entries(search))
    if (value !== undefined && !NOT_SHARED.includes(key)) form.set(key, value);
  if (span)
    for (const [key, value] of Object.entries(absolute(span.fromMs, span.toMs)))
      form.set(key, value as string);
  return `${window.location.origin}${path}?${form.toString()}`;
}

/** What can be done with a dashboard. */
export function Actions(props: {
  dashboard: Dashboard;
  draft: Draft;
  view: View;
  variables: readonly Variable[];
  span: Span | null;
}): ReactElement {
  const { dashboard, draft, view, span } = props;
  const { uid, title, may_edit: mayEdit, source } = dashboard;
  const { search, path, range, setOwn } = useAddress();
  const tenant = useTenant();
  const may = useMay();
  const navigate = useNavigate();
  const deed = useDeed();
  const [open, setOpen] = useState<Open>(null);
  const [starred, setStarred] = useState(() => readStarred().includes(uid));
  const close = (): void => setOpen(null);
  const changed = draft.changes.length > 0;
  const duplicate = async (): Promise<void> => {
    const made = await deed.run(() => copy(uid, { title: `${title} (copy)` }, { tenant }));
    if (made) {
      toasts.show({ level: 'ok', text: 'The copy is yours to change' });
      void navigate({ to: dashboardPath(made.done.uid, made.done.title), search: {} });
    }
  };
  const erase = async (): Promise<void> => {
    close();
    const done = await deed.run(() => remove(uid, { tenant }));
    if (done) {
      toasts.show({ level: 'ok', text: `${title} is deleted` });
      void navigate({ to: PATHS.dashboards, search: {} });
    }
  };
  const failed = deed.error;
  if (failed) {
    toasts.show({ level: 'critical', text: failed.message });
    deed.clear();
  }
  const leave = (): void => {
    if (changed) setOpen('discard');
    else setOwn(writeView(NOT_EDITING));
  };
  const barred =
    source === 'stored'
      ? mayEdit
        ? null
        : (whyNot(may, 'dashboards.edit', 'Dashboards are deleted') ?? 'Its folder lets you look only')
      : source === 'file'
        ? 'It is read from a file: delete it there'
        : 'It comes with Pharos';
  const editable = mayEdit && source === 'stored' && view.version === null;
  return (
    <>
      <IconButton
        icon={<span className={starred ? styles.star : styles.noStar}>★</span>}
        label={starred ? 'Take the star' : 'Star'}
        active={starred}
        onClick={() => setStarred(toggleStar(uid).includes(uid))}
      />
      {view.editing ? (
        <>
          <button type="button" className="button" onClick={() => setOwn(writeView({ settings: 'general' }))}>
            Settings
          </button>
          <button
            type="button"
            className="button"
            disabled={!changed}
            title="Undo (Ctrl+Z)"
            onClick={draft.undo}
          >
            Undo
          </button>
          <button type="button" className="button" onClick={leave}>
            {changed ? 'Discard' : 'Done'}
          </button>
          <button
            type="button"
            className="button primary"
            disabled={!changed}
            onClick={() => setOpen('save')}
          >
            Save{changed ? ` (${draft.changes.length})` : ''}
          </button>
        </>
      ) : editable ? (
        <button type="button" className="button" onClick={() => setOwn(writeView({ editing: true }))}>
          Edit
        </button>
      ) : source !== 'stored' && may('dashboards.edit') ? (
        <button type="button" className="button" disabled={deed.busy} onClick={() => void duplicate()}>
          Copy to change
        </button>
      ) : null}
      <button type="button" className="button" onClick={() => setOpen('share')}>
        Share
      </button>
      <Menu
        label="More"
        icon="more"
        compact
        entries={[
          {
            kind: 'action',
            label: 'Fill the screen',
            icon: 'monitor',
            keys: 'Esc ends',
            run: () => setOwn(writeView({ kiosk: true })),
          },
          {
            kind: 'action',
            label: 'Versions',
            icon: 'history',
            whyNot: source === 'shipped' ? 'It comes with Pharos, and as it is' : null,
            run: () => setOpen('versions'),
          },
          {
            kind: 'action',
            label: 'Save as JSON',
            icon: 'download',
            run: () => window.open(exportPath(uid, 'json'), '_self'),
          },
          { kind: 'line' },
          {
            kind: 'action',
            label: 'Copy',
            icon: 'copy',
            whyNot: whyNot(may, 'dashboards.edit', 'Dashboards are copied'),
            run: () => void duplicate(),
          },
          {
            kind: 'action',
            label: 'Delete',
            icon: 'trash',
            danger: true,
            whyNot: barred,
            run: () => setOpen('delete'),
          },
        ]}
      />
      {editable && view.settings !== null ? (
        <Suspense fallback={null}>
          <SettingsDrawer
            dashboard={dashboard}
            draft={draft}
            variables={props.variables}
            range={range}
            part={view.settings}
            onPart={(settings) => setOwn(writeView({ settings }), true)}
            onClose={() => setOwn(writeView({ settings: null, editing: true }))}
          />
        </Suspense>
      ) : null}
      {open === 'save' ? (
        <SaveDialog
          dashboard={dashboard}
          draft={draft}
          onClose={close}
          onSaved={() => setOwn(writeView(NOT_EDITING))}
        />
      ) : null}
      {open === 'versions' ? (
        <Versions
          dashboard={dashboard}
          onClose={close}
          onShow={(version) => setOwn(writeView({ version, ...NOT_EDITING }))}
        />
      ) : null}
      {open === 'share' ? (
        <ShareDialog
          dashboard={dashboard}
          link={shareLink(search, span, path)}
          from={range.from}
          to={range.to}
          values={readValues(search)}
          onClose={close}
        />
      ) : null}
      <Confirm
        open={open === 'delete'}
        title="Delete the dashboard"
        action="Delete"
        danger
        onCancel={close}
        onConfirm={() => void erase()}
      >
        <Value text={title} /> is no longer found. Its versions are kept, and it can be brought back.
      </Confirm>
      <Confirm
        open={open === 'discard'}
        title="Discard the changes"
        action="Discard"
        danger
        onCancel={close}
        onConfirm={() => {
          draft.discard();
          close();
          setOwn(writeView(NOT_EDITING));
        }}
      >
        {draft.changes.length === 1 ? 'One change is' : `${draft.changes.length} changes are`} not saved.
      </Confirm>
    </>
  );
}
