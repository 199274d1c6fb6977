import { useState, type ReactElement } from 'react';
import { TextAreaField } from '../../design/fields';
import { object, type JsonObject } from '../../panels/json';
import { readJson } from './parts';

/** The JSON of a dashboard as a text that can be changed as a whole. */
export function SourceText(props: {
  document: JsonObject;
  onChange: (document: JsonObject) => void;
}): ReactElement {
  const { document, onChange } = props;
  const [typed, setTyped] = useState<string | null>(null);
  const written = JSON.stringify(document, null, 2);
  const read = typed === null ? document : object(readJson(typed));
  const good = Object.keys(read).length > 0;
  return (
    <div className="form">
      <TextAreaField
        label="The dashboard’s JSON"
        rows={26}
        value={typed ?? written}
        error={good ? undefined : 'This is not the JSON of an object'}
        onChange={setTyped}
      />
      <div className="form-actions">
        <button type="button" className="button" disabled={typed === null} onClick={() => setTyped(null)}>
          As it was
        </button>
        <button
          type="button"
          className="button primary"
          disabled={typed === null || !good || typed === written}
          onClick={() => {
            onChange(read);
            setTyped(null);
          }}
        >
          Take it
        </button>
      </div>
    </div>
  );
}
