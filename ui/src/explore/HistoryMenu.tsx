import { Popover } from '@mantine/core';
import '@mantine/core/styles/Popover.css';
import { useState, type ReactElement } from 'react';
import { Glyph } from '../design/Glyph';
import { Empty, IconButton } from '../design/parts';
import { forgetHistory, readHistory } from './history';
import styles from './explore.module.css';

/** Queries run before in this browser; choosing one runs it. */
export function HistoryMenu({ onChoose }: { onChoose: (expr: string) => void }): ReactElement {
  const [kept, setKept] = useState<string[] | null>(null);
  const close = (): void => setKept(null);
  return (
    <Popover
      opened={kept !== null}
      onChange={(open) => setKept(open ? readHistory() : null)}
      position="bottom-end"
      trapFocus
      withRoles={false}
      transitionProps={{ duration: 0 }}
    >
      <Popover.Target>
        <span>
          <IconButton
            icon={<Glyph name="history" />}
            label="Past queries"
            onClick={() => setKept(kept ? null : readHistory())}
          />
        </span>
      </Popover.Target>
      <Popover.Dropdown className={styles.history}>
        {kept && kept.length > 0 ? (
          <>
            <ul>
              {kept.map((expr) => (
                <li key={expr}>
                  <button
                    type="button"
                    className="plain mono"
                    onClick={() => {
                      close();
                      onChoose(expr);
                    }}
                  >
                    {expr}
                  </button>
                </li>
              ))}
            </ul>
            <button
              type="button"
              className="button quiet"
              onClick={() => {
                forgetHistory();
                setKept([]);
              }}
            >
              Forget all
            </button>
          </>
        ) : (
          <Empty icon="history">Queries that you run are kept here, in this browser only.</Empty>
        )}
      </Popover.Dropdown>
    </Popover>
  );
}
