import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useEffect, useState, type ReactElement, type SyntheticEvent } from 'react';
import { linkOwner, takeLink } from '../api/accounts';
import { ApiError } from '../api/client';
import { TextField } from '../design/fields';
import { Note } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import { useDeed } from '../session/useDeed';
import { Gate } from './Gate';
import { LEAST_PASSWORD, PasswordField } from './PasswordField';
import styles from './account.module.css';

function Choose({ code, owner }: { code: string; owner: string | null }): ReactElement {
  const [name, setName] = useState(owner ?? '');
  const [password, setPassword] = useState('');
  const deed = useDeed();
  const first = owner === null;
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault();
    void deed.run(async () => {
      await takeLink(code, password, first ? name.trim() : '');
      // Whoever was signed in here before: the pages begin anew.
      window.location.assign('/');
    });
  };
  return (
    <form className={styles.form} onSubmit={submit}>
      <p className="dim">
        {first
          ? 'Choose a name and a password. You may do everything here, and let others in.'
          : 'Choose a password to sign in with. This link works once.'}
      </p>
      <TextField
        label={first ? 'Your name' : 'You sign in as'}
        name="username"
        autoComplete="username"
        autoFocus={first}
        readOnly={!first}
        value={name}
        onChange={setName}
        hint={first ? 'What you sign in with, and what others see' : undefined}
      />
      <PasswordField label="Password" autoFocus={!first} value={password} onChange={setPassword} />
      {deed.error ? <Note level="bad">{deed.error.message}</Note> : null}
      <button
        type="submit"
        className="button primary"
        disabled={deed.busy || password.length < LEAST_PASSWORD || name.trim() === ''}
      >
        {deed.busy ? 'One moment…' : 'Come in'}
      </button>
    </form>
  );
}

function Dead({ title, children }: { title: string; children: string }): ReactElement {
  return (
    <Gate title={title}>
      <div className={styles.form}>
        <p>{children}</p>
        <Link to="/" className="button">
          Go to the pages
        </Link>
      </div>
    </Gate>
  );
}

/** Where a link that works once leads: choose a password, and a name if there is no user yet. */
export default function WelcomePage(): ReactElement {
  const [code] = useState(() => window.location.hash.slice(1));
  const owner = useQuery({
    queryKey: [null, 'link-owner', code],
    queryFn: () => linkOwner(code),
    enabled: code !== '',
    // Once it is used it leads nowhere, and whoever uses it is still looking at this page.
    staleTime: Infinity,
    retry: false,
  });
  useEffect(() => {
    // Who looks over a shoulder, or at the history, does not find it.
    window.history.replaceState(window.history.state, '', window.location.pathname);
  }, []);
  if (code === '')
    return (
      <Dead title="This link is incomplete">
        The part behind the # is missing, or the page was loaded anew after it was opened. Open the link again
        as you were given it.
      </Dead>
    );
  if (owner.error instanceof ApiError && [403, 404].includes(owner.error.status))
    return <Dead title="This link does not work">{owner.error.message}</Dead>;
  return (
    <Gate title={owner.data?.name === null ? 'Welcome: you are the first' : 'Welcome'}>
      {owner.error ? (
        <div className={styles.form}>
          <Note level="bad">The server does not answer: {owner.error.message}</Note>
          <button type="button" className="button" onClick={() => void owner.refetch()}>
            Try again
          </button>
        </div>
      ) : owner.data ? (
        <Choose code={code} owner={owner.data.name} />
      ) : (
        <Skeleton kind="text" label="Whose link it is" rows={4} />
      )}
    </Gate>
  );
}
