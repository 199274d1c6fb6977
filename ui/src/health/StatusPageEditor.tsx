import { useState, type ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import {
  putStatusPage,
  statusPage,
  type ComponentView,
  type ShownComponent,
  type StatusPage,
} from '../api/health';
import { useAsked } from '../api/useAsked';
import { Button } from '../design/Button';
import { CheckField, ChoiceField, TextAreaField, TextField } from '../design/fields';
import { CopyIcon, Note, Unreadable } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import { toasts } from '../design/toasts';
import { Value } from '../design/Value';
import { useDeed } from '../session/useDeed';
import { Announcements } from './Announcements';
import styles from './health.module.css';

/** Which components are shown, each under a name for everybody. */
function Shown(props: {
  shown: readonly ShownComponent[];
  components: readonly ComponentView[];
  onChange: (shown: readonly ShownComponent[]) => void;
}): ReactElement {
  const { shown, components, onChange } = props;
  const options = components.map(({ name }) => ({ value: name }));
  const set = (at: number, next: Partial<ShownComponent>): void =>
    onChange(shown.map((one, i) => (i === at ? { ...one, ...next } : one)));
  const free = components.find(({ name }) => !shown.some((one) => one.component === name));
  return (
    <>
      <h3>Components that are shown</h3>
      {shown.length === 0 ? (
        <p className="dim">None yet: the page says how everything is, and no more.</p>
      ) : null}
      {shown.map((one, i) => (
        <div className={styles.shown} key={i}>
          <ChoiceField
            label="Component"
            free
            options={options}
            value={one.component}
            onChange={(component) => set(i, { component: component ?? '' })}
          />
          <TextField
            label="Its name for everybody"
            value={one.title}
            onChange={(title) => set(i, { title })}
          />
          <button
            type="button"
            className="button"
            onClick={() => onChange(shown.filter((_, at) => at !== i))}
          >
            Remove
          </button>
        </div>
      ))}
      <button
        type="button"
        className="button"
        onClick={() =>
          onChange([
            ...shown,
            { component: free?.name ?? '', title: free?.title ?? free?.name ?? '', description: '' },
          ])
        }
      >
        Add a component
      </button>
    </>
  );
}

function Addresses({ page }: { page: StatusPage }): ReactElement {
  const address = `${location.origin}${page.path}`;
  const badge = `![${page.title}](${address}/badge.svg)`;
  return (
    <section className="panel card">
      <h2>Where it is</h2>
      {page.version === 0 || !page.public ? (
        <p className="dim">Nobody sees it until it is public.</p>
      ) : (
        <ul className={styles.list}>
          <li>
            <a href={page.path} target="_blank" rel="noreferrer">
              <Value text={address} />
            </a>
          </li>
          {page.domains.map((domain) => (
            <li key={domain}>
              <a href={`https://${domain}/`} target="_blank" rel="noreferrer">
                <Value text={`https://${domain}/`} />
              </a>
            </li>
          ))}
          <li className={styles.line}>
            <img src={`${page.path}/badge.svg`} alt="The badge" height={20} />
            <CopyIcon text={badge} label="Copy the badge as Markdown" />
          </li>
          <li className="dim">
            Feeds: <a href={`${page.path}/feed.xml`}>RSS</a>, <a href={`${page.path}/feed.json`}>JSON</a>. For
            programs: <a href={`${page.path}/summary.json`}>summary.json</a>.
          </li>
        </ul>
      )}
    </section>
  );
}

function Form(props: {
  kept: StatusPage;
  components: readonly ComponentView[];
  whyNot: string | null;
}): ReactElement {
  const { kept, components, whyNot } = props;
  const { tenant } = useAddress();
  const [page, setPage] = useState<StatusPage>(kept);
  const deed = useDeed();
  const set = (next: Partial<StatusPage>): void => {
    deed.clear();
    setPage((before) => ({ ...before, ...next }));
  };
  const send = async (): Promise<void> => {
    const { public: isPublic, slug, title, description, shows_uptime, link } = page;
    const said = {
      public: isPublic,
      slug,
      title,
      description,
      shows_uptime,
      link,
      components: page.components,
    };
    const found = await deed.run(() => putStatusPage({ ...said, version: page.version }, { tenant }));
    if (!found) return;
    setPage(found.done);
    toasts.show({ level: 'ok', text: 'The status page is saved' });
  };
  return (
    <form
      className="panel card form"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <h2>What everybody sees</h2>
      <CheckField
        label="Public: everybody sees it, without signing in"
        checked={page.public}
        onChange={(next) => set({ public: next })}
      />
      <div className={styles.two}>
        <TextField label="Title" required value={page.title} onChange={(title) => set({ title })} />
        <TextField
          label="Address"
          required
          mono
          hint={`/status/${page.slug === '' ? 'acme' : page.slug}`}
          placeholder="acme"
          value={page.slug}
          onChange={(slug) => set({ slug })}
        />
      </div>
      <TextAreaField
        label="A few words"
        value={page.description}
        onChange={(description) => set({ description })}
      />
      <TextField
        label="Help"
        placeholder="https://help.example.com/"
        value={page.link}
        onChange={(link) => set({ link })}
      />
      <CheckField
        label="Show the last 90 days of each component"
        checked={page.shows_uptime}
        onChange={(next) => set({ shows_uptime: next })}
      />
      <Shown shown={page.components} components={components} onChange={(next) => set({ components: next })} />
      {deed.error ? <Note level="bad">{deed.error.message}</Note> : null}
      <div className="form-actions">
        <Button
          type="submit"
          className="button primary"
          whyNot={whyNot}
          disabled={deed.busy || page.title.trim() === '' || page.slug === ''}
        >
          Save
        </Button>
      </div>
    </form>
  );
}

/** What everybody sees of this tenant's health, and what is announced there. */
export function StatusPageEditor(props: {
  components: readonly ComponentView[];
  whyNot: string | null;
}): ReactElement {
  const { components, whyNot } = props;
  const answer = useAsked({ key: ['status page'], ask: statusPage });
  const page = answer.data?.data;
  return (
    <div className={styles.stack}>
      <Unreadable what="The status page" error={answer.error} asOfMs={answer.dataUpdatedAt} />
      {answer.isPending ? <Skeleton kind="table" label="The status page" rows={5} /> : null}
      {page === undefined ? null : (
        <div className={styles.two}>
          <Form key={page.version} kept={page} components={components} whyNot={whyNot} />
          <div className={styles.stack}>
            <Addresses page={page} />
            <Announcements components={page.components} whyNot={whyNot} />
          </div>
        </div>
      )}
    </div>
  );
}
