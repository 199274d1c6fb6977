import { useState, type ReactElement } from 'react';
import { Icon } from './Icon';
import { CopyIcon } from './parts';
import { Value } from './Value';
import styles from './code.module.css';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** More members than these are shown only when asked for. */
const FIRST = 100;

function Leaf({ value }: { value: null | boolean | number | string }): ReactElement {
  if (typeof value === 'string')
    return (
      <span className={styles.string}>&quot;{value === '' ? null : <Value text={value} mono />}&quot;</span>
    );
  return <span className={typeof value === 'number' ? styles.number : styles.word}>{String(value)}</span>;
}

function Node(props: { name: string | null; value: Json; depth: number; open: number }): ReactElement {
  const { name, value, depth, open } = props;
  const [limit, setLimit] = useState(FIRST);
  const [shown, setShown] = useState(depth < open);
  const key =
    name === null ? null : (
      <>
        <span className={styles.key}>
          <Value text={name} mono />
        </span>
        {': '}
      </>
    );
  if (value === null || typeof value !== 'object')
    return (
      <div className={styles.leaf}>
        {key}
        <Leaf value={value} />
      </div>
    );
  const list = Array.isArray(value);
  const members: [string, Json][] = Object.entries(value);
  return (
    <details open={shown} onToggle={(event) => setShown(event.currentTarget.open)}>
      <summary>
        <Icon name="chevronRight" size={13} />
        {key}
        {list ? '[' : '{'}
        {shown ? '' : list ? '…]' : '…}'}{' '}
        <span className={styles.count}>
          {members.length}{' '}
          {list ? (members.length === 1 ? 'item' : 'items') : members.length === 1 ? 'key' : 'keys'}
        </span>
      </summary>
      {shown ? (
        <div>
          {members.slice(0, limit).map(([member, inner]) => (
            <Node key={member} name={list ? null : member} value={inner} depth={depth + 1} open={open} />
          ))}
          {members.length > limit ? (
            <button type="button" className="button" onClick={() => setLimit(limit * 10)}>
              Show more of {members.length}
            </button>
          ) : null}
        </div>
      ) : null}
    </details>
  );
}

/** A JSON document as a tree that opens and closes, `open` levels of it at first. */
export function JsonView(props: { value: Json; label: string; open?: number }): ReactElement {
  const { value, label, open = 2 } = props;
  return (
    <div className={styles.code} role="group" aria-label={label}>
      <div className={styles.copy}>
        <CopyIcon text={() => JSON.stringify(value, null, 2)} label={`Copy ${label}`} />
      </div>
      <div className={styles.tree}>
        <Node name={null} value={value} depth={0} open={open} />
      </div>
    </div>
  );
}
