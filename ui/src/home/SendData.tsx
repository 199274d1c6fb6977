import clsx from 'clsx';
import { SegmentedControl } from '@mantine/core';
import { useState, type ReactElement } from 'react';
import { PageLink } from '../address/PageLink';
import { useAddress } from '../address/hooks';
import { CopyIcon } from '../design/parts';
import { asksWho, useSession } from '../session/session';
import { placeOf, snippets } from '../start/snippets';
import styles from './home.module.css';

/** The ways that most take; the page of all ways has the others, and makes a token. */
const SHOWN = ['prometheus', 'vmagent', 'opentelemetry', 'collector'];

export function SendData(): ReactElement {
  const { tenant } = useAddress();
  const { me } = useSession();
  const closed = asksWho(me);
  const all = snippets(placeOf(window.location.origin, tenant, closed));
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
          {closed ? 'A token, all ways, and a demo' : 'All ways, and a demo'}
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
