import { lazy, Suspense, useMemo, useState, type ReactElement } from 'react';
import { useNavigate } from '@tanstack/react-router';
import { useAddress, useCarried } from '../address/hooks';
import { folders as askFolders, summaries, type Summary } from '../api/dashboards';
import { useAsked } from '../api/useAsked';
import { ChoiceField } from '../design/fields';
import { EmptyState } from '../design/EmptyState';
import { FilterBar } from '../design/FilterBar';
import { formatAgo } from '../design/format';
import { Icon } from '../design/Icon';
import { useNow } from '../design/hooks';
import { Unreadable } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import type { TableColumn } from '../design/table/columns';
import { DataTable } from '../design/table/DataTable';
import { Value } from '../design/Value';
import { visibleText } from '../design/value';
import { Body, Page, PageHead, Toolbar } from '../page/Page';
import { PanelPageContext, type PanelPage } from '../panels/context';
import { useRouter } from '@tanstack/react-router';
import { PanelLink } from '../panels/PanelLink';
import { useMay } from '../session/session';
import { ImportDashboard, NewDashboard } from './Dialogs';
import { readStarred, toggleStar } from './kept';
import { dashboardPath } from './path';
import styles from './dashboard.module.css';

const FolderDrawer = lazy(() => import('./FolderDrawer'));
const PlayDialog = lazy(() => import('./PlayDialog'));

const SOURCES: Readonly<Record<Summary['source'], string>> = { stored: '', file: 'file', shipped: 'shipped' };
const NO_FOLDER = 'general';

function columnsOf(about: {
  starred: readonly string[];
  onStar: (uid: string) => void;
  hrefOf: (summary: Summary) => string;
  onTag: (tag: string) => void;
  nowMs: number;
}): TableColumn<Summary>[] {
  const { starred, onStar, hrefOf, onTag, nowMs } = about;
  return [
    {
      id: 'title',
      title: 'title',
      value: ({ title }) => title,
      cell: (one) => (
        <span className={styles.title}>
          <button
            type="button"
            className="plain"
            aria-pressed={starred.includes(one.uid)}
            aria-label={`Star ${visibleText(one.title)}`}
            title={starred.includes(one.uid) ? 'Take the star' : 'Star'}
            onClick={() => onStar(one.uid)}
          >
            <span className={starred.includes(one.uid) ? styles.star : styles.noStar}>★</span>
          </button>
          <PanelLink link={{ title: one.title, href: hrefOf(one), newTab: false, own: true }}>
            <Value text={one.title} />
          </PanelLink>
        </span>
      ),
      chars: 44,
      least: 24,
    },
    {
      id: 'folder',
      title: 'folder',
      titled: true,
      value: ({ folder_title: folder }) => folder || null,
      chars: 20,
    },
    {
      id: 'tags',
      title: 'tags',
      value: ({ tags }) => tags.join(' ') || null,
      cell: ({ tags }) => (
        <span className={styles.cellTags}>
          {tags.slice(0, 4).map((tag) => (
            <button key={tag} type="button" className={styles.tag} onClick={() => onTag(tag)}>
              <Value text={tag} />
            </button>
          ))}
        </span>
      ),
      chars: 30,
      least: 10,
    },
    { id: 'panels', title: 'panels', kind: 'number', value: ({ panels }) => panels },
    {
      id: 'changed',
      title: 'changed',
      value: ({ updated_at: at, source }) => SOURCES[source] || (at === null ? null : Date.parse(at)),
      cell: ({ updated_at: at, updated_by: by, source }) =>
        source === 'stored' && at !== null ? (
          <span title={by ?? ''}>{formatAgo(Date.parse(at), nowMs)}</span>
        ) : (
          <span className="dim">{SOURCES[source]}</span>
        ),
      chars: 12,
    },
  ];
}

function usePage(): PanelPage {
  const { history } = useRouter();
  return useMemo(
    () => ({ syncKey: null, rangeQuery: '', variablesQuery: '', go: (href) => history.push(href) }),
    [history],
  );
}

/** All dashboards: found by words, folder and tags. */
export default function DashboardsPage(): ReactElement {
  const { search, setOwn } = useAddress();
  const navigate = useNavigate();
  const carried = useCarried({});
  const may = useMay();
  const page = usePage();
  const nowMs = useNow(30_000);
  const [open, setOpen] = useState<'new' | 'import' | 'folder' | 'play' | null>(null);
  const [starred, setStarred] = useState(readStarred);
  const { filter = '', folder = '', tag = '', stars, shipped } = search;
  const answer = useAsked({
    key: ['dashboards', '', [], ''],
    ask: (asking) => summaries({}, asking),
    keep: true,
  });
  const folders = useAsked({ key: ['dashboard-folders'], ask: askFolders, staleTime: 10_000 });
  const known = useMemo(() => answer.data?.dashboards ?? [], [answer.data]);
  const rows = useMemo(() => {
    const words = filter
      .toLowerCase()
      .split(/\s+/u)
      .filter((word) => word !== '');
    return known.filter((one) => {
      if (tag !== '' && !one.tags.includes(tag)) return false;
      if (folder !== '' && one.folder !== (folder === NO_FOLDER ? '' : folder)) return false;
      if (shipped !== undefined && one.source !== 'shipped') return false;
      if (stars !== undefined && !starred.includes(one.uid)) return false;
      const text = `${one.title} ${one.folder_title} ${one.tags.join(' ')}`.toLowerCase();
      return words.every((word) => text.includes(word));
    });
  }, [known, filter, folder, tag, stars, shipped, starred]);
  const columns = useMemo(() => {
    const query = new URLSearchParams(
      Object.entries(carried).filter((one): one is [string, string] => one[1] !== undefined),
    ).toString();
    return columnsOf({
      starred,
      nowMs,
      onStar: (uid) => setStarred(toggleStar(uid)),
      hrefOf: ({ uid, title }) => `${dashboardPath(uid, title)}${query === '' ? '' : `?${query}`}`,
      onTag: (next) => setOwn({ tag: next }),
    });
  }, [starred, nowMs, carried, setOwn]);
  const options = [
    { value: NO_FOLDER, label: 'no folder' },
    ...(folders.data ?? []).map(({ uid, title, dashboards }) => ({
      value: uid,
      label: title,
      note: String(dashboards),
    })),
  ];
  const edits = may('dashboards.edit');
  const opened = folders.data?.find(({ uid }) => uid === folder);
  const close = (): void => setOpen(null);
  const play = (
    <button type="button" className="button" disabled={rows.length === 0} onClick={() => setOpen('play')}>
      Play
    </button>
  );
  const actions = edits ? (
    <>
      <button type="button" className="button" onClick={() => setOpen('import')}>
        Import
      </button>
      <button type="button" className="button primary" onClick={() => setOpen('new')}>
        <Icon name="plus" size={14} /> New
      </button>
    </>
  ) : null;
  return (
    <PanelPageContext value={page}>
      <Page>
        <PageHead
          title="Dashboards"
          about={answer.data ? String(answer.data.total) : null}
          actions={
            <>
              {play}
              {actions}
            </>
          }
        />
        <Toolbar label="Which dashboards">
          <FilterBar
            label="Filter dashboards"
            placeholder="Words of title, folder or tags"
            words={filter}
            onWords={(next) => setOwn({ filter: next || undefined }, true)}
          />
          <span className={styles.control}>
            <ChoiceField
              label="Folder"
              clearable
              placeholder="all"
              options={options}
              value={folder === '' ? null : folder}
              onChange={(next) => setOwn({ folder: next ?? undefined })}
            />
          </span>
          {opened?.may_manage && opened.source === 'stored' ? (
            <button type="button" className="button" onClick={() => setOpen('folder')}>
              {opened.restricted ? 'Folder, restricted' : 'Folder'}
            </button>
          ) : null}
          <button
            type="button"
            className={styles.tag}
            aria-pressed={shipped !== undefined}
            onClick={() => setOwn({ shipped: shipped === undefined ? '1' : undefined })}
          >
            comes with Pharos
          </button>
          <button
            type="button"
            className={styles.tag}
            aria-pressed={stars !== undefined}
            onClick={() => setOwn({ stars: stars === undefined ? '1' : undefined })}
          >
            ★ starred
          </button>
          <span className={styles.tags}>
            {(answer.data?.tags ?? []).slice(0, 16).map(({ tag: name, count }) => (
              <button
                key={name}
                type="button"
                className={styles.tag}
                aria-pressed={tag === name}
                onClick={() => setOwn({ tag: tag === name ? undefined : name })}
              >
                <Value text={name} /> {count}
              </button>
            ))}
          </span>
        </Toolbar>
        <Body>
          <Unreadable what="The dashboards" error={answer.error} asOfMs={answer.dataUpdatedAt} />
          {answer.isPending ? (
            <Skeleton kind="table" label="The dashboards" rows={8} />
          ) : (
            <DataTable
              label="Dashboards"
              tall="narrow"
              columns={columns}
              rows={rows}
              total={known.length}
              rowKey={({ uid }) => uid}
              sort={{ id: 'title', desc: false }}
              onOpen={({ uid, title }) => void navigate({ to: dashboardPath(uid, title), search: carried })}
              empty={
                known.length === 0 ? (
                  <EmptyState reason="none-yet" title="No dashboards yet" actions={actions}>
                    Make one, or bring any of Grafana’s: a file or its text.
                  </EmptyState>
                ) : (
                  <EmptyState
                    reason="filtered"
                    title="No dashboard fits"
                    actions={
                      <button
                        type="button"
                        className="button"
                        onClick={() =>
                          setOwn({
                            filter: undefined,
                            folder: undefined,
                            tag: undefined,
                            stars: undefined,
                            shipped: undefined,
                          })
                        }
                      >
                        Show all
                      </button>
                    }
                  />
                )
              }
            />
          )}
        </Body>
        {open === 'new' ? <NewDashboard onClose={close} /> : null}
        {open === 'import' ? <ImportDashboard onClose={close} /> : null}
        <Suspense fallback={null}>
          {open === 'play' ? <PlayDialog dashboards={rows} onClose={close} /> : null}
          {open === 'folder' && opened ? (
            <FolderDrawer
              folder={opened}
              onClose={close}
              onGone={() => {
                close();
                setOwn({ folder: undefined });
              }}
            />
          ) : null}
        </Suspense>
      </Page>
    </PanelPageContext>
  );
}
