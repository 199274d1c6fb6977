import { SegmentedControl } from '@mantine/core';
import { useState, type ReactElement } from 'react';
import { useTenant } from '../address/hooks';
import { CodeView } from '../design/CodeView';
import { EmptyState } from '../design/EmptyState';
import { asksWho, useSession } from '../session/session';
import { snippets } from './snippets';
import styles from './runs.module.css';

/** That there is no run yet, and what to paste to send the first one. */
export function FirstRun({ title = 'No runs yet' }: { title?: string }): ReactElement {
  const tenant = useTenant();
  const { me } = useSession();
  const all = snippets(window.location.origin, tenant, asksWho(me));
  const [chosen, setChosen] = useState('Shell');
  const snippet = all.find(({ name }) => name === chosen) ?? all[0];
  return (
    <section className="panel card" aria-label="Send the first run">
      <EmptyState reason="none-yet" title={title}>
        A run is one execution of a workflow: a job of cron, a flow, a pipeline, a script. It appears here as
        soon as it tells that it began.
      </EmptyState>
      {snippet === undefined ? null : (
        <div className={styles.first}>
          <div className="row wrap">
            <SegmentedControl
              size="xs"
              data={all.map(({ name }) => name)}
              value={chosen}
              onChange={setChosen}
              aria-label="Sender"
            />
            <span className="dim">{snippet.hint}</span>
          </div>
          <CodeView
            text={snippet.text}
            label={`the lines for ${snippet.name}`}
            language={snippet.language}
            numbered={false}
          />
          <p className="dim">
            Airflow, Prefect, Temporal, OpenLineage and OpenTelemetry send what they have:{' '}
            <a href="/docs/runs.html" target="_blank">
              how
            </a>
            .
          </p>
        </div>
      )}
    </section>
  );
}
