import clsx from 'clsx';
import { SegmentedControl } from '@mantine/core';
import { useState, type ReactElement } from 'react';
import { PageLink } from '../address/PageLink';
import { CopyIcon } from '../design/parts';
import { snippets } from '../start/snippets';
import styles from './home.module.css';

/** The ways that most take; the page of all ways has the others, with tenant and token in them. */
const SHOWN = ['prometheus', 'vmagent', 'opentelemetry', 'collector'];

export function SendData(): ReactElement {
  const all = snippets({ origin: window.location.origin, tenant: null, token: null });
  const offered = SHOWN.flatMap((id) => all.filter((one) => one.id === id));
  const [chosen, setChosen] = useState(SHOWN[0] ?? '');
  const { name, hint, text } = offered.find(({ id }) => id === chosen) ?? { name: '', hint: '', text: '' };
  return (
    <section className={clsx('panel card', styles.footCard)} aria-label="Send data">
      <header className="row wrap">
        <h2 className="grow">Send data</h2>
        <SegmentedControl
          size="xs"
          data={offered.map((one) => ({ value: one.id, label: one.name }))}
          value={chosen}
          onChange={setChosen}
          aria-label="Sender"
        />
      </header>
      <p className={clsx('dim', styles.snippetHint)}>
        {hint}{' '}
        <PageLink page="start" className="underlined">
          All ways, and a demo
        </PageLink>
      </p>
      <div className={styles.snippet}>
        <pre tabIndex={0} aria-label={`Configuration for ${name}`}>
          {text}
        </pre>
        <CopyIcon text={text} label="Copy" />
      </div>
    </section>
  );
}
