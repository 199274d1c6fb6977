import type { ReactElement } from 'react';
import { CheckField, MultiChoiceField, TextField } from '../../design/fields';
import { at, flagAt, texts, textAt, type JsonObject } from '../../panels/json';
import { ListEditor } from './ListEditor';
import { Select, Side } from './parts';

const TYPES = [
  ['dashboards', 'dashboards with tags'],
  ['link', 'an address'],
] as const;

const BEGINNING: JsonObject = {
  asDropdown: false,
  icon: 'external link',
  includeVars: false,
  keepTime: true,
  tags: [],
  targetBlank: false,
  title: 'New link',
  tooltip: '',
  url: '',
};

/** The links above the panels of a dashboard. */
export function Links(props: {
  list: readonly JsonObject[];
  tags: readonly string[];
  onChange: (list: readonly JsonObject[]) => void;
}): ReactElement {
  const { list, tags, onChange } = props;
  return (
    <ListEditor
      one="link"
      about="A link leads from here to other dashboards, or to an address such as a runbook."
      items={list}
      nameOf={(one) => textAt(one, 'title') || textAt(one, 'url')}
      noteOf={(one) => (one.type === 'dashboards' ? 'dashboards' : 'address')}
      kinds={[
        { label: 'To an address', make: () => ({ ...BEGINNING, type: 'link' }) },
        { label: 'To dashboards', make: () => ({ ...BEGINNING, type: 'dashboards', asDropdown: true }) },
      ]}
      onChange={onChange}
    >
      {(link, change) => {
        const put = (next: JsonObject): void => change({ ...link, ...next });
        const many = textAt(link, 'type') === 'dashboards';
        return (
          <>
            <Side>
              <TextField label="Title" value={textAt(link, 'title')} onChange={(title) => put({ title })} />
              <Select
                label="Leads to"
                value={many ? 'dashboards' : 'link'}
                choices={TYPES}
                onChange={(type) => put({ type })}
              />
            </Side>
            {many ? (
              <MultiChoiceField
                label="Tags"
                free
                options={tags.map((value) => ({ value }))}
                values={texts(at(link, 'tags'))}
                onChange={(next) => put({ tags: [...next] })}
              />
            ) : (
              <>
                <TextField
                  label="Address"
                  mono
                  placeholder="https://… or /d/uid"
                  value={textAt(link, 'url')}
                  onChange={(url) => put({ url })}
                />
                <TextField
                  label="Tooltip"
                  value={textAt(link, 'tooltip')}
                  onChange={(tooltip) => put({ tooltip })}
                />
              </>
            )}
            <div className="row wrap">
              {many ? (
                <CheckField
                  label="As a menu"
                  checked={flagAt(link, 'asDropdown')}
                  onChange={(asDropdown) => put({ asDropdown })}
                />
              ) : null}
              <CheckField
                label="With the time"
                checked={flagAt(link, 'keepTime')}
                onChange={(keepTime) => put({ keepTime })}
              />
              <CheckField
                label="With the variables"
                checked={flagAt(link, 'includeVars')}
                onChange={(includeVars) => put({ includeVars })}
              />
              <CheckField
                label="In a new tab"
                checked={flagAt(link, 'targetBlank')}
                onChange={(targetBlank) => put({ targetBlank })}
              />
            </div>
          </>
        );
      }}
    </ListEditor>
  );
}
