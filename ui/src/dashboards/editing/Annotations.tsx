import type { ReactElement } from 'react';
import type { DashboardModel } from '../../api/dashboards';
import { CheckField, MultiChoiceField, TextAreaField, TextField } from '../../design/fields';
import { at, flagAt, texts, textAt, type JsonObject } from '../../panels/json';
import { ColorField } from './ColorField';
import { METRICS } from '../newPanel';
import { freeName } from './definitions';
import { ListEditor } from './ListEditor';
import { Select, Side, SourceField } from './parts';
import { putAt } from './put';

const GRAFANA = { type: 'grafana', uid: '-- Grafana --' } as const;
const SHOWN = [
  ['all', 'every panel'],
  ['some', 'some panels'],
  ['others', 'every panel but some'],
] as const;

function own(name: string, tag: string, color: string): JsonObject {
  return {
    datasource: GRAFANA,
    enable: true,
    hide: false,
    iconColor: color,
    name,
    target: { limit: 100, matchAny: false, tags: [tag], type: 'tags' },
  };
}

function isOwn(annotation: JsonObject): boolean {
  const uid = textAt(annotation, 'datasource.uid') || textAt(annotation, 'datasource');
  return uid === GRAFANA.uid || uid === 'grafana';
}

function noteOf(annotation: JsonObject): string {
  if (!flagAt(annotation, 'enable', true)) return 'off';
  return isOwn(annotation) ? texts(at(annotation, 'target.tags')).join(', ') || 'notes' : 'query';
}

type Put = (change: JsonObject) => void;

/** What is asked, and what is written of each event. */
function QueryFields({ annotation, put }: { annotation: JsonObject; put: Put }): ReactElement {
  // Newer dashboards have the query in `target`.
  const path = at(annotation, 'target.expr') === undefined ? 'expr' : 'target.expr';
  return (
    <>
      <SourceField
        value={annotation.datasource}
        kinds={['prometheus', 'loki']}
        onChange={(datasource) => put({ datasource })}
      />
      <TextAreaField
        label="Query"
        hint="Of metrics: marked while a series is not 0. Of logs: each line"
        rows={2}
        value={textAt(annotation, path)}
        onChange={(text) => put(putAt(annotation, path, text))}
      />
      <Side>
        <TextField
          label="Title"
          placeholder="{{alertname}}"
          mono
          value={textAt(annotation, 'titleFormat')}
          onChange={(titleFormat) => put({ titleFormat })}
        />
        <TextField
          label="Text"
          placeholder="{{instance}} restarted"
          mono
          value={textAt(annotation, 'textFormat')}
          onChange={(textFormat) => put({ textFormat })}
        />
        <TextField
          label="Labels as tags"
          placeholder="job, instance"
          value={textAt(annotation, 'tagKeys')}
          onChange={(tagKeys) => put({ tagKeys })}
        />
        <TextField
          label="Step"
          placeholder="60s"
          value={textAt(annotation, 'step')}
          onChange={(step) => put({ step })}
        />
      </Side>
    </>
  );
}

/** On which panels it is drawn. */
function PanelsFields(props: {
  annotation: JsonObject;
  panels: readonly { id: string; title: string }[];
  put: Put;
}): ReactElement {
  const { annotation, panels, put } = props;
  const ids = texts(at(annotation, 'filter.ids'));
  const mode =
    at(annotation, 'filter.ids') === undefined
      ? 'all'
      : flagAt(annotation, 'filter.exclude')
        ? 'others'
        : 'some';
  return (
    <>
      <Select
        label="Drawn on"
        value={mode}
        choices={SHOWN}
        onChange={(next) =>
          put({ filter: next === 'all' ? {} : { exclude: next === 'others', ids: ids.map(Number) } })
        }
      />
      {mode === 'all' ? null : (
        <MultiChoiceField
          label="Panels"
          options={panels.map(({ id, title }) => ({ value: id, label: title, note: id }))}
          values={ids}
          onChange={(next) => put({ filter: { exclude: mode === 'others', ids: next.map(Number) } })}
        />
      )}
    </>
  );
}

/** What a dashboard marks on the time axes of its panels. */
export function Annotations(props: {
  list: readonly JsonObject[];
  model: DashboardModel;
  onChange: (list: readonly JsonObject[]) => void;
}): ReactElement {
  const { list, model, onChange } = props;
  const names = list.map((one) => textAt(one, 'name'));
  const panels = model.tabs.flatMap(({ rows }) =>
    rows.flatMap((row) =>
      row.panels.flatMap(({ id, title }) =>
        id === null ? [] : [{ id: String(id), title: title || `Panel ${id}` }],
      ),
    ),
  );
  return (
    <ListEditor
      one="annotation"
      about="An annotation marks on all time axes when something was: an alert, a deployment, what a query finds."
      items={list}
      nameOf={(one) => textAt(one, 'name')}
      noteOf={noteOf}
      stays={(one) => flagAt(one, 'builtIn') || one.builtIn === 1}
      kinds={[
        {
          label: 'What a query finds',
          make: () => ({
            datasource: METRICS,
            enable: true,
            expr: 'changes(process_start_time_seconds[1m]) > 0',
            hide: false,
            iconColor: 'blue',
            name: freeName('Restarts', names),
            titleFormat: 'restart',
            textFormat: '{{instance}}',
          }),
        },
        { label: 'Alerts', make: () => own(freeName('Alerts', names), 'alert', 'red') },
        { label: 'Deployments', make: () => own(freeName('Deployments', names), 'deploy', 'blue') },
      ]}
      onChange={onChange}
    >
      {(annotation, change) => {
        const put: Put = (next) => change({ ...annotation, ...next });
        return (
          <>
            <Side>
              <TextField label="Name" value={textAt(annotation, 'name')} onChange={(name) => put({ name })} />
              <ColorField
                label="Colour"
                value={textAt(annotation, 'iconColor')}
                onChange={(iconColor) => put({ iconColor })}
              />
            </Side>
            <CheckField
              label="Drawn"
              checked={flagAt(annotation, 'enable', true)}
              onChange={(enable) => put({ enable })}
            />
            {isOwn(annotation) ? (
              <MultiChoiceField
                label="With the tags"
                hint="alert: when alerts fired and were resolved; deploy: when a new version of a service came"
                free
                options={[{ value: 'alert' }, { value: 'deploy' }]}
                values={texts(at(annotation, 'target.tags'))}
                onChange={(tags) => put(putAt(annotation, 'target.tags', [...tags]))}
              />
            ) : (
              <QueryFields annotation={annotation} put={put} />
            )}
            <PanelsFields annotation={annotation} panels={panels} put={put} />
          </>
        );
      }}
    </ListEditor>
  );
}
