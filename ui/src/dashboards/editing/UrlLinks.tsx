import type { ReactElement } from 'react';
import { CheckField } from '../../design/fields';
import { Icon } from '../../design/Icon';
import { IconButton } from '../../design/IconButton';
import { flagAt, objects, textAt, type Json, type JsonObject } from '../../panels/json';
import { replaced, without } from './put';
import styles from './editing.module.css';

/** Links of a panel, or of its values: a title and an address each. */
export function UrlLinks(props: {
  value: Json | undefined;
  placeholder: string;
  onChange: (value: readonly JsonObject[]) => void;
}): ReactElement {
  const { value, placeholder, onChange } = props;
  const links = objects(value);
  return (
    <>
      {links.map((link, i) => {
        const put = (next: JsonObject): void => onChange(replaced(links, i, { ...link, ...next }));
        return (
          <div key={i} className={styles.link} role="group" aria-label={`Link ${i + 1}`}>
            <input
              className="field"
              aria-label="Title of the link"
              placeholder="title"
              value={textAt(link, 'title')}
              onChange={({ target }) => put({ title: target.value })}
            />
            <IconButton
              icon="close"
              label={`Remove link ${i + 1}`}
              onClick={() => onChange(without(links, i))}
            />
            <input
              className="field mono"
              aria-label="Address"
              placeholder={placeholder}
              value={textAt(link, 'url')}
              onChange={({ target }) => put({ url: target.value })}
            />
            <CheckField
              label="In a new tab"
              checked={flagAt(link, 'targetBlank')}
              onChange={(targetBlank) => put({ targetBlank })}
            />
          </div>
        );
      })}
      <div>
        <button
          type="button"
          className="button"
          onClick={() => onChange([...links, { title: '', url: '', targetBlank: false }])}
        >
          <Icon name="plus" size={13} /> Add a link
        </button>
      </div>
    </>
  );
}
