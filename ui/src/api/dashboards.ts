// Dashboards: what there are, one with all that it shows, and changes of them.

import type { AnswerFrame } from '../panels/answer';
import type { Json, JsonObject } from '../panels/json';
import { ask, change, type Asking } from './client';

export interface Summary {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly folder: string;
  readonly folder_title: string;
  readonly source: 'stored' | 'file' | 'shipped';
  readonly file: string;
  readonly panels: number;
  readonly version: number;
  readonly updated_at: string | null;
  readonly updated_by: string | null;
  readonly may_edit: boolean;
  readonly deleted_at: string | null;
}

export interface Summaries {
  readonly total: number;
  readonly tags: readonly { readonly tag: string; readonly count: number }[];
  readonly dashboards: readonly Summary[];
}

export interface Folder {
  readonly uid: string;
  readonly title: string;
  readonly parent: string;
  readonly source: string;
  readonly dashboards: number;
  readonly may_edit: boolean;
  readonly may_manage: boolean;
  /** Somebody said who may what in it. */
  readonly restricted: boolean;
}

/** Who may what in a folder: `everyone`, `role:…`, `user:…` or `token:…`. */
export interface FolderEntry {
  readonly subject: string;
  readonly permission: 'view' | 'edit' | 'manage';
}

export interface Remark {
  readonly level: 'lost' | 'changed' | 'note';
  readonly panel: number | null;
  readonly where: string;
  readonly message: string;
  readonly hint: string;
}

export interface GridBox {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

export interface PanelModel {
  readonly key: string;
  readonly id: number | null;
  readonly type: string;
  readonly title: string;
  readonly description: string;
  readonly transparent: boolean;
  readonly grid: GridBox;
  readonly options: JsonObject;
  readonly fieldConfig: JsonObject;
  readonly transformations: readonly JsonObject[];
  readonly targets: readonly JsonObject[];
  readonly links: readonly JsonObject[];
  readonly library: { readonly uid: string; readonly name: string; readonly is_found: boolean } | null;
  readonly original_type: string;
  readonly interval: string | null;
  readonly maxDataPoints: number | null;
  readonly timeFrom: string | null;
  readonly timeShift: string | null;
  /** The variable for each of whose values it is shown; empty for none. */
  readonly repeat: string;
  readonly repeatDirection: string;
  readonly maxPerRow: number;
  readonly scoped?: Readonly<Record<string, readonly string[]>>;
}

export interface RowModel {
  readonly key: string;
  readonly id: number | null;
  readonly title: string;
  readonly header: boolean;
  readonly collapsed: boolean;
  readonly repeat: string;
  readonly panels: readonly PanelModel[];
}

export interface TabModel {
  readonly key: string;
  readonly title: string;
  readonly rows: readonly RowModel[];
}

export interface DashboardLink {
  readonly title: string;
  readonly type: 'link' | 'dashboards';
  readonly url: string;
  readonly tooltip: string;
  readonly as_dropdown: boolean;
  readonly target_blank: boolean;
  readonly include_vars: boolean;
  readonly keep_time: boolean;
  readonly dashboards?: readonly { readonly uid: string; readonly title: string; readonly url: string }[];
}

export type VariableType =
  | 'query'
  | 'custom'
  | 'interval'
  | 'datasource'
  | 'constant'
  | 'textbox'
  | 'adhoc'
  | 'groupby'
  | 'switch'
  | 'system';

export interface AdHocFilter {
  readonly key: string;
  readonly operator: string;
  readonly value: string;
}

export interface Failure {
  readonly ref: string;
  readonly message: string;
  readonly hint: string;
  readonly error_type: string;
}

export interface Variable {
  readonly name: string;
  readonly label: string;
  readonly type: VariableType;
  readonly description: string;
  readonly hide: 'no' | 'label' | 'all';
  readonly multi: boolean;
  readonly include_all: boolean;
  readonly allow_custom: boolean;
  readonly skip_url_sync: boolean;
  readonly enabled_value?: string;
  readonly disabled_value?: string;
  readonly value: readonly string[];
  readonly text: readonly string[];
  readonly options: readonly { readonly value: string; readonly text: string }[];
  readonly filters?: readonly AdHocFilter[];
  readonly truncated: boolean;
  readonly error: Failure | null;
}

export interface AnnotationModel {
  readonly name: string;
  readonly enable: boolean;
  readonly hide: boolean;
  readonly color: string;
}

export interface DashboardModel {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly editable: boolean;
  readonly time: { readonly from: string; readonly to: string };
  readonly refresh: string;
  readonly timezone: string;
  readonly hide_time_controls: boolean;
  readonly tooltip: 'none' | 'crosshair' | 'all';
  readonly variables: readonly Pick<Variable, 'name' | 'label' | 'hide' | 'type'>[];
  readonly annotations: readonly AnnotationModel[];
  readonly links: readonly DashboardLink[];
  readonly tabs: readonly TabModel[];
}

/** What a dashboard defines beside its panels, in the words of the classic schema. */
export interface Definitions {
  readonly variables: readonly JsonObject[];
  readonly annotations: readonly JsonObject[];
  readonly links: readonly JsonObject[];
}

export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly version: number;
  readonly folder: string;
  readonly folder_title: string;
  readonly source: 'stored' | 'file' | 'shipped';
  readonly file: string;
  readonly may_edit: boolean;
  readonly updated_at: string | null;
  readonly updated_by: string | null;
  readonly message: string;
  readonly format: 'classic' | 'v2';
  readonly document: JsonObject;
  readonly model: DashboardModel;
  readonly definitions: Definitions;
  readonly report: readonly Remark[];
}

/** What is asked of a dashboard's data. */
export interface Question {
  readonly uid?: string;
  readonly document?: JsonObject;
  readonly version?: number;
  /** Of a link, in the place of the three above. */
  readonly token?: string;
  readonly from?: string | number;
  readonly to?: string | number;
  readonly timezone?: string;
  readonly variables?: Readonly<Record<string, Json>>;
  /** Variables whose values may be none of their options, because somebody typed them. */
  readonly custom?: readonly string[];
  readonly include?: readonly ('variables' | 'layout' | 'annotations' | 'panels')[];
  readonly panels?: readonly string[];
  readonly collapsed?: Readonly<Record<string, boolean>>;
  readonly tab?: string;
  readonly width_px: number;
  readonly refresh_variables?: boolean;
}

export interface PanelAnswer {
  readonly kind: 'panel';
  readonly panel: string;
  readonly frames: readonly AnswerFrame[];
  readonly errors: readonly Failure[];
  readonly notices: readonly {
    readonly ref: string;
    readonly severity: 'info' | 'warning';
    readonly text: string;
  }[];
  readonly interval_ms: number;
  readonly took_ms: number;
  readonly from: number;
  readonly to: number;
  readonly label: string | null;
}

export interface AnnotationAnswer {
  readonly kind: 'annotations';
  readonly name: string;
  readonly color: string;
  readonly panels: { readonly ids: readonly number[]; readonly exclude: boolean } | null;
  readonly events: readonly {
    readonly time: number;
    readonly end: number | null;
    readonly title: string;
    readonly text: string;
    readonly tags: readonly string[];
  }[];
  readonly error: Failure | null;
}

/** One line of the answer to a question. */
export type AnswerLine =
  | { readonly kind: 'range'; readonly from: number; readonly to: number; readonly now: number }
  | { readonly kind: 'variables'; readonly variables: readonly Variable[] }
  | {
      readonly kind: 'layout';
      readonly title: string;
      readonly tabs: readonly TabModel[];
      readonly links: readonly DashboardLink[];
    }
  | PanelAnswer
  | AnnotationAnswer
  | {
      readonly kind: 'end';
      readonly took_ms: number;
      readonly queries: number;
      readonly shared: number;
      readonly failed: number;
    };

export interface Version {
  readonly version: number;
  readonly at: string;
  readonly by: string | null;
  readonly message: string;
  readonly restored_from: number | null;
  readonly is_deletion: boolean;
}

export interface Imported {
  readonly uid: string;
  readonly title: string;
  readonly version: number;
  readonly is_new: boolean;
  readonly inputs: readonly {
    readonly name: string;
    readonly type: string;
    readonly label: string;
    readonly description: string;
    readonly plugin: string;
    readonly value: string;
  }[];
  readonly panels: number;
  readonly report: readonly Remark[];
}

const ROOT = '/api/pharos';

function one(uid: string, rest = ''): string {
  return `${ROOT}/dashboards/${encodeURIComponent(uid)}${rest}`;
}

/** Those that fit `query` in title, tags or folder; all where it is empty. */
export async function summaries(
  asked: { query?: string; tag?: readonly string[]; folder?: string; deleted?: boolean },
  asking: Asking,
): Promise<Summaries> {
  const { query, tag, folder, deleted } = asked;
  const params = {
    query: query || undefined,
    tag,
    folder,
    deleted: deleted ? 'true' : undefined,
    limit: 1_000,
  };
  return (await ask<Summaries>(`${ROOT}/dashboards`, params, asking)).data;
}

export async function folders(asking: Asking): Promise<readonly Folder[]> {
  return (await ask<readonly Folder[]>(`${ROOT}/folders`, {}, asking)).data;
}

export function makeFolder(title: string, asking: Asking): Promise<Folder> {
  return change('POST', `${ROOT}/folders`, { title }, asking);
}

function oneFolder(uid: string, rest = ''): string {
  return `${ROOT}/folders/${encodeURIComponent(uid)}${rest}`;
}

export function changeFolder(uid: string, title: string, parent: string, asking: Asking): Promise<Folder> {
  return change('PUT', oneFolder(uid), { title, parent }, asking);
}

/** Takes a folder away, and with `force` all that lies in it. */
export function removeFolder(uid: string, force: boolean, asking: Asking): Promise<unknown> {
  return change('DELETE', oneFolder(uid, force ? '?force=true' : ''), null, asking);
}

export async function folderEntries(uid: string, asking: Asking): Promise<readonly FolderEntry[]> {
  const found = await ask<{ entries: readonly FolderEntry[] }>(oneFolder(uid, '/permissions'), {}, asking);
  return found.data.entries;
}

export function setFolderEntries(
  uid: string,
  entries: readonly FolderEntry[],
  asking: Asking,
): Promise<unknown> {
  return change('PUT', oneFolder(uid, '/permissions'), { entries }, asking);
}

export async function dashboard(uid: string, version: number | null, asking: Asking): Promise<Dashboard> {
  return (await ask<Dashboard>(one(uid), { version: version ?? undefined }, asking)).data;
}

export function make(
  made: { title?: string; document?: JsonObject; folder: string; message?: string },
  asking: Asking,
): Promise<Dashboard> {
  return change('POST', `${ROOT}/dashboards`, made, asking);
}

export function save(
  uid: string,
  saved: { version: number; message: string; changes?: readonly JsonObject[]; document?: JsonObject },
  asking: Asking,
): Promise<Dashboard> {
  return change('PUT', one(uid), saved, asking);
}

/** `document` with `changes` made, as it would be saved. */
export function tryChanges(
  tried: { document: JsonObject; changes: readonly JsonObject[] },
  asking: Asking,
): Promise<Pick<Dashboard, 'document' | 'model' | 'definitions' | 'report'>> {
  return change('POST', `${ROOT}/dashboard_changes`, tried, asking);
}

export function remove(uid: string, asking: Asking): Promise<unknown> {
  return change('DELETE', one(uid), null, asking);
}

export function copy(
  uid: string,
  copied: { title?: string; folder?: string },
  asking: Asking,
): Promise<Dashboard> {
  return change('POST', one(uid, '/copy'), copied, asking);
}

export function move(uid: string, folder: string, asking: Asking): Promise<unknown> {
  return change('POST', one(uid, '/move'), { folder }, asking);
}

export async function versions(uid: string, asking: Asking): Promise<readonly Version[]> {
  return (await ask<readonly Version[]>(one(uid, '/versions'), {}, asking)).data;
}

export async function difference(
  uid: string,
  from: number,
  to: number,
  asking: Asking,
): Promise<{ readonly before: string; readonly after: string }> {
  return (await ask<{ before: string; after: string }>(one(uid, '/diff'), { from, to }, asking)).data;
}

export function restore(uid: string, version: number, message: string, asking: Asking): Promise<Dashboard> {
  return change('POST', one(uid, '/restore'), { version, message }, asking);
}

export function bring(
  brought: {
    text: string;
    folder: string;
    inputs?: Readonly<Record<string, string>>;
    overwrite: boolean;
    dry_run: boolean;
  },
  asking: Asking,
): Promise<Imported> {
  return change('POST', `${ROOT}/dashboards_import`, brought, asking);
}

export function exportPath(uid: string, format: 'json' | 'yaml' | 'modern'): string {
  return one(uid, `/export?format=${format}`);
}

export interface Share {
  readonly id: string;
  readonly token: string;
  readonly url: string;
}

/** A link that was made, as all who may see the dashboard are told of it: without its token. */
export interface SharedLink {
  readonly id: string;
  readonly kind: 'live' | 'snapshot';
  readonly name: string;
  readonly by: string;
  readonly created_at: string;
  readonly expires_at: string | null;
}

export async function shares(uid: string, asking: Asking): Promise<readonly SharedLink[]> {
  return (await ask<readonly SharedLink[]>(`${ROOT}/shares`, { uid }, asking)).data;
}

export function unshare(id: string, asking: Asking): Promise<unknown> {
  return change('DELETE', `${ROOT}/shares/${encodeURIComponent(id)}`, null, asking);
}

export function share(
  shared: {
    uid: string;
    kind: 'live' | 'snapshot';
    name: string;
    from: string;
    to: string;
    variables: Readonly<Record<string, Json>>;
    expires_s: number | null;
  },
  asking: Asking,
): Promise<Share> {
  return change('POST', `${ROOT}/shares`, shared, asking);
}

/** The labels that an ad hoc variable can filter by, or the values of one of them. */
export async function adHocChoices(
  asked: { uid: string; from: string | number; to: string | number; adhoc: string; key?: string },
  asking: Asking,
): Promise<readonly string[]> {
  const found = await change<{ keys?: readonly string[]; values?: readonly string[] }>(
    'POST',
    `${ROOT}/dashboard_variables`,
    { ...asked, variables: {} },
    asking,
  );
  return found.values ?? found.keys ?? [];
}

export interface Shared {
  readonly title: string;
  readonly kind: 'live' | 'snapshot';
  readonly name: string;
  readonly created_at: string;
  readonly expires_at: string | null;
  readonly from: string | number;
  readonly to: string | number;
  readonly free_range: boolean;
  readonly model: DashboardModel;
}

export const SHARED_QUERY = `${ROOT}/shared_query`;

/** What a link shows; its token goes in a body, so that no log has it. */
export function shared(token: string, asking: Asking): Promise<Shared> {
  return change('POST', `${ROOT}/shared`, { token }, asking);
}
