import type { ReactElement } from 'react';
import type { Dashboard, Variable } from '../../api/dashboards';
import { Drawer } from '../../design/Drawer';
import { Tabs } from '../../design/Tabs';
import type { JsonObject } from '../../panels/json';
import type { TimeRange } from '../../time/range';
import type { Draft } from '../useDraft';
import { Annotations } from './Annotations';
import { listOf, setList, settingsOf, type ListName, type Settings } from './definitions';
import { General } from './General';
import { Links } from './Links';
import { SourceText } from './SourceText';
import { Variables } from './Variables';

/** What a dashboard is besides its panels. Changes go into the draft at once, and are saved with it. */
export default function SettingsDrawer(props: {
  dashboard: Dashboard;
  draft: Draft;
  variables: readonly Variable[];
  range: TimeRange;
  /** Which part is shown. */
  part: string;
  onPart: (part: string) => void;
  onClose: () => void;
}): ReactElement {
  const { dashboard, draft, variables, range, part, onPart, onClose } = props;
  const { changes, model, definitions } = draft;
  const document = draft.document ?? dashboard.document;
  const list = (name: ListName): readonly JsonObject[] => listOf(definitions, changes, name);
  const put =
    (name: ListName) =>
    (next: readonly JsonObject[]): void =>
      draft.change(setList(name, next));
  const settings = settingsOf(model, changes);
  return (
    <Drawer open onClose={onClose} title="Settings" wide>
      <Tabs
        label="Settings of the dashboard"
        value={part}
        onChange={onPart}
        tabs={[
          {
            id: 'general',
            label: 'General',
            content: (
              <General
                settings={settings}
                range={range}
                onChange={(next: Partial<Settings>) => draft.change({ op: 'set', settings: next })}
              />
            ),
          },
          {
            id: 'variables',
            label: 'Variables',
            count: list('variables').length,
            content: <Variables list={list('variables')} now={variables} onChange={put('variables')} />,
          },
          {
            id: 'annotations',
            label: 'Annotations',
            count: list('annotations').length,
            content: <Annotations list={list('annotations')} model={model} onChange={put('annotations')} />,
          },
          {
            id: 'links',
            label: 'Links',
            count: list('links').length,
            content: <Links list={list('links')} tags={settings.tags} onChange={put('links')} />,
          },
          {
            id: 'json',
            label: 'JSON',
            content: (
              <SourceText
                document={document}
                onChange={(next) => draft.change({ op: 'replace', document: next })}
              />
            ),
          },
        ]}
      />
    </Drawer>
  );
}
