import clsx from 'clsx';
import { Popover } from '@mantine/core';
import '@mantine/core/styles/Popover.css';
import { useState, type ReactElement } from 'react';
import { Glyph } from '../design/Glyph';
import { Progress } from '../design/Progress';
import type { Fault } from './query';
import styles from './logs.module.css';

const LANGUAGE: readonly (readonly [string, string])[] = [
  ['timeout', 'a word, in whatever case'],
  ['"connection reset"', 'words one after the other'],
  ['*part* time* *out', 'part of a word, its beginning, its end'],
  ['/rt=0\\.\\d+/', 'a pattern (RE2)'],
  ['level:error', 'a field has this value'],
  ['level:(warn OR error)', 'one of several'],
  ['path:/api/*', 'a value with gaps'],
  ['status:>=500  took:<1.5s', 'a comparison, units included'],
  ['status:[500 TO 599]', 'a range with its ends'],
  ['user.id:*', 'the field is there'],
  ['a b · a OR b · NOT a', 'both, either, not'],
];

function Help(): ReactElement {
  const [open, setOpen] = useState(false);
  return (
    <Popover
      opened={open}
      onChange={setOpen}
      position="bottom-end"
      offset={4}
      transitionProps={{ duration: 0 }}
    >
      <Popover.Target>
        <button
          type="button"
          className="icon-button"
          aria-label="How to search"
          title="How to search"
          onClick={() => setOpen(!open)}
        >
          <Glyph name="question" />
        </button>
      </Popover.Target>
      <Popover.Dropdown className={styles.help} aria-label="How to search">
        <dl>
          {LANGUAGE.map(([written, meaning]) => (
            <div key={written}>
              <dt>
                <code>{written}</code>
              </dt>
              <dd>{meaning}</dd>
            </div>
          ))}
        </dl>
        <a href="/docs/logs.html" target="_blank" rel="noreferrer">
          Searching logs, with examples
        </a>
      </Popover.Dropdown>
    </Popover>
  );
}

/** What the server found wrong, under the character at which it did. */
function FaultLine({ query, fault }: { query: string; fault: Fault }): ReactElement {
  const { message, at } = fault;
  return (
    <div className={styles.fault} role="alert" id="logs-fault">
      {at < 0 ? null : (
        <div className={clsx('mono', styles.faultText)}>
          <bdi>
            {query.slice(0, at)}
            <mark>{query.slice(at, at + 1).trim() || '␣'}</mark>
            {query.slice(at + 1)}
          </bdi>
        </div>
      )}
      <div>
        {message}
        {at < 0 ? null : <span className="dim"> (column {at + 1})</span>}
      </div>
    </div>
  );
}

/** The search, run by Enter. */
export function SearchBox(props: {
  query: string;
  busy: boolean;
  fault: Fault | null;
  onRun: (query: string) => void;
}): ReactElement {
  const { query, busy, fault, onRun } = props;
  const [draft, setDraft] = useState({ of: query, text: query });
  if (draft.of !== query) setDraft({ of: query, text: query });
  return (
    <form
      className={styles.search}
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        onRun(draft.text.trim());
      }}
    >
      <div className={styles.searchRow}>
        <input
          className={clsx('field mono grow', styles.input)}
          aria-label="Search logs"
          placeholder="level:error timeout"
          type="search"
          spellCheck={false}
          autoCapitalize="off"
          autoComplete="off"
          data-search
          value={draft.text}
          aria-invalid={fault !== null && draft.text === query}
          aria-describedby={fault === null ? undefined : 'logs-fault'}
          onChange={(event) => setDraft({ of: query, text: event.target.value })}
        />
        <Help />
        <button type="submit" className="button primary" title="Search (Enter)">
          Search
        </button>
      </div>
      <Progress busy={busy} />
      {fault ? <FaultLine query={query} fault={fault} /> : null}
    </form>
  );
}
