import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useEffect, useState, type ReactElement, type SyntheticEvent } from 'react';
import { takeLink, waysIn } from '../api/accounts';
import { TextField } from '../design/fields';
import { Note } from '../design/parts';
import { useDeed } from '../session/useDeed';
import { Gate } from './Gate';
import { LEAST_PASSWORD, PasswordField } from './PasswordField';
import styles from './account.module.css';

/** Where a link that works once leads: choose a password, and a name if there is no user yet. */
export default function WelcomePage(): ReactElement {
  const [code] = useState(() => window.location.hash.slice(1));
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const ways = useQuery({
    queryKey: [null, 'ways-in'],
    queryFn: ({ signal }) => waysIn({ tenant: null, signal }),
  });
  const deed = useDeed();
  useEffect(() => {
    // Who looks over a shoulder, or at the history, does not find it.
    window.history.replaceState(window.history.state, '', window.location.pathname);
  }, []);
  const first = ways.data?.data.openness === 'setup';
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault();
    void deed.run(async () => {
      await takeLink(code, password, first ? name.trim() : '');
      // Whoever was signed in here before: the pages begin anew.
      window.location.assign('/');
    });
  };
  if (code === '')
    return (
      <Gate title="This link is incomplete">
        <div className={styles.form}>
          <p>
            The part behind the # is missing, or the page was loaded anew after it was opened. Open the link
            again as you were given it.
          </p>
          <Link to="/" className="button">
            Go to the pages
          </Link>
        </div>
      </Gate>
    );
  return (
    <Gate title={first ? 'Welcome: you are the first' : 'Welcome'}>
      <form className={styles.form} onSubmit={submit}>
        <p className="dim">
          {first
            ? 'Choose a name and a password. You may do everything here, and let others in.'
            : 'Choose a password to sign in with. This link works once.'}
        </p>
        {first ? (
          <TextField
            label="Your name"
            name="username"
            autoComplete="username"
            autoFocus
            value={name}
            onChange={setName}
            hint="What you sign in with, and what others see"
          />
        ) : null}
        <PasswordField label="Password" autoFocus={!first} value={password} onChange={setPassword} />
        {ways.error ? <Note level="bad">The server does not answer: {ways.error.message}</Note> : null}
        {deed.error ? <Note level="bad">{deed.error.message}</Note> : null}
        <button
          type="submit"
          className="button primary"
          disabled={
            deed.busy || !ways.data || password.length < LEAST_PASSWORD || (first && name.trim() === '')
          }
        >
          {deed.busy ? 'One moment…' : 'Come in'}
        </button>
      </form>
    </Gate>
  );
}
