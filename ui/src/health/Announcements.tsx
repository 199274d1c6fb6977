import { useState, type ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import {
  announce,
  announcements,
  dropAnnouncement,
  updateAnnouncement,
  type Announcement,
  type ShownComponent,
} from '../api/health';
import { useAsked } from '../api/useAsked';
import { Button } from '../design/Button';
import { Drawer } from '../design/Drawer';
import { ChoiceField, MultiChoiceField, TextAreaField, TextField } from '../design/fields';
import { formatInstant } from '../design/format';
import { usePageClock } from '../design/hooks';
import { Unreadable } from '../design/parts';
import { StatusChip } from '../design/StatusChip';
import { Value } from '../design/Value';
import { ConfirmDeed } from '../session/ConfirmDeed';
import { DeedForm } from '../session/DeedForm';
import { useDeed } from '../session/useDeed';
import { Since } from './parts';
import styles from './health.module.css';

const PHASES: Readonly<Record<Announcement['kind'], readonly string[]>> = {
  incident: ['investigating', 'identified', 'monitoring', 'resolved'],
  maintenance: ['scheduled', 'in progress', 'completed'],
};
const IMPACTS = ['none', 'minor', 'major', 'critical'];

function options(values: readonly string[]): { value: string }[] {
  return values.map((value) => ({ value }));
}

/** Says something new. Mounted when it opens. */
function NewForm(props: { components: readonly ShownComponent[]; onClose: () => void }): ReactElement {
  const { components, onClose } = props;
  const { tenant } = useAddress();
  const [kind, setKind] = useState('incident');
  const [title, setTitle] = useState('');
  const [impact, setImpact] = useState('minor');
  const [named, setNamed] = useState<readonly string[]>([]);
  const [starts, setStarts] = useState('');
  const [ends, setEnds] = useState('');
  const [text, setText] = useState('');
  const deed = useDeed();
  const ms = (time: string): number | null => (time === '' ? null : new Date(time).getTime());
  const send = async (): Promise<void> => {
    const said = { kind, title, impact, components: named, starts_ms: ms(starts), ends_ms: ms(ends), text };
    if (await deed.run(() => announce(said, { tenant }))) onClose();
  };
  return (
    <DeedForm deed={deed} action="Announce it" ready={title.trim() !== ''} send={send} onCancel={onClose}>
      <ChoiceField
        label="Kind"
        options={options(['incident', 'maintenance'])}
        value={kind}
        onChange={(one) => setKind(one ?? kind)}
      />
      <TextField label="Title" required value={title} onChange={deed.edit(setTitle)} data-autofocus />
      {kind === 'incident' ? (
        <ChoiceField
          label="Impact"
          options={options(IMPACTS)}
          value={impact}
          onChange={(one) => setImpact(one ?? impact)}
        />
      ) : (
        <div className={styles.two}>
          <TextField
            label="From, on your clock"
            type="datetime-local"
            value={starts}
            onChange={deed.edit(setStarts)}
          />
          <TextField label="To" type="datetime-local" value={ends} onChange={deed.edit(setEnds)} />
        </div>
      )}
      <MultiChoiceField
        label="Components"
        options={components.map(({ component, title: label }) => ({ value: component, label }))}
        values={named}
        onChange={setNamed}
      />
      <TextAreaField label="What people should know" value={text} onChange={deed.edit(setText)} rows={5} />
    </DeedForm>
  );
}

/** Says how far it is. Mounted when it opens. */
function UpdateForm({ of, onClose }: { of: Announcement; onClose: () => void }): ReactElement {
  const { tenant } = useAddress();
  const phases = PHASES[of.kind];
  const [phase, setPhase] = useState(phases[Math.min(phases.indexOf(of.phase) + 1, phases.length - 1)] ?? '');
  const [text, setText] = useState('');
  const deed = useDeed();
  const send = async (): Promise<void> => {
    if (await deed.run(() => updateAnnouncement(of.id, { phase, text }, { tenant }))) onClose();
  };
  return (
    <DeedForm deed={deed} action="Say so" send={send} onCancel={onClose}>
      <ChoiceField
        label="How far it is"
        options={options(phases)}
        value={phase}
        onChange={(one) => setPhase(one ?? phase)}
      />
      <TextAreaField label="What people should know" value={text} onChange={deed.edit(setText)} rows={5} />
    </DeedForm>
  );
}

function Item(props: {
  one: Announcement;
  whyNot: string | null;
  onUpdate: () => void;
  onDrop: () => void;
}): ReactElement {
  const { one, whyNot, onUpdate, onDrop } = props;
  const { utc } = usePageClock();
  const status = one.over ? 'ok' : one.kind === 'maintenance' ? 'info' : 'warning';
  return (
    <li>
      <span className={styles.line}>
        <StatusChip status={status}>{one.phase}</StatusChip>
        <b>
          <Value text={one.title} />
        </b>
        <span className="dim">
          {one.kind === 'incident' ? (
            <Since at={one.starts} />
          ) : (
            formatInstant(Math.floor(Date.parse(one.starts) / 60_000) * 60_000, utc)
          )}
        </span>
      </span>
      {one.updates.at(-1)?.text ? (
        <p className={styles.reason}>
          <Value text={one.updates.at(-1)?.text ?? ''} />
        </p>
      ) : null}
      <span className={styles.line}>
        <Button className="button quiet" whyNot={whyNot} onClick={onUpdate}>
          Update
        </Button>
        <Button className="button quiet" whyNot={whyNot} onClick={onDrop}>
          Delete
        </Button>
      </span>
    </li>
  );
}

/** What is announced on the status page. */
export function Announcements(props: {
  components: readonly ShownComponent[];
  whyNot: string | null;
}): ReactElement {
  const { components, whyNot } = props;
  const { tenant, refreshMs } = useAddress();
  const answer = useAsked({ key: ['announcements'], ask: announcements, refreshMs });
  const [opened, setOpened] = useState<Announcement | 'new' | null>(null);
  const [dropping, setDropping] = useState<Announcement | null>(null);
  const all = answer.data?.data ?? [];
  const close = (): void => setOpened(null);
  return (
    <section className="panel card">
      <header className={styles.line}>
        <h2>Announcements</h2>
        <span className="grow" />
        <Button whyNot={whyNot} onClick={() => setOpened('new')}>
          New announcement
        </Button>
      </header>
      <Unreadable what="The announcements" error={answer.error} asOfMs={answer.dataUpdatedAt} />
      {answer.data && all.length === 0 ? <p className="dim">Nothing was announced yet.</p> : null}
      <ul className={styles.list} aria-label="Announcements">
        {all.map((one) => (
          <Item
            key={one.id}
            one={one}
            whyNot={whyNot}
            onUpdate={() => setOpened(one)}
            onDrop={() => setDropping(one)}
          />
        ))}
      </ul>
      <Drawer
        open={opened !== null}
        onClose={close}
        title={opened === null || opened === 'new' ? 'New announcement' : <Value text={opened.title} />}
      >
        {opened === null ? null : opened === 'new' ? (
          <NewForm components={components} onClose={close} />
        ) : (
          <UpdateForm of={opened} onClose={close} />
        )}
      </Drawer>
      {dropping === null ? null : (
        <ConfirmDeed
          title="Delete this announcement?"
          action="Delete the announcement"
          said="The announcement is gone"
          run={() => dropAnnouncement(dropping.id, { tenant })}
          onClose={() => setDropping(null)}
        >
          <p>
            <Value text={dropping.title} />: it is taken off the page and its feeds, as if it had never been.
          </p>
        </ConfirmDeed>
      )}
    </section>
  );
}
