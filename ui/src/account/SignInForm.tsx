import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState, type ReactElement, type SyntheticEvent } from 'react';
import { signIn, waysIn } from '../api/accounts';
import { ApiError } from '../api/client';
import { useNow } from '../design/hooks';
import { Note } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import { TextField } from '../design/fields';
import { visibleText } from '../design/value';
import { enter } from '../session/session';
import { secondsLeft } from './signs';
import { PasswordField } from './PasswordField';
import styles from './account.module.css';

function Password(props: {
  name: string;
  autoFocus: boolean;
  onEntered?: (() => void) | undefined;
}): ReactElement {
  const client = useQueryClient();
  const [name, setName] = useState(props.name);
  const [password, setPassword] = useState('');
  const [busy, setBusy] = useState(false);
  const [refused, setRefused] = useState<{ error: Error; atMs: number } | null>(null);
  const now = useNow(500);
  const retryS = refused?.error instanceof ApiError ? refused.error.retryAfterS : 0;
  const left = refused && retryS > 0 ? secondsLeft(refused.atMs, retryS, now) : 0;
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault();
    if (busy || left > 0) return;
    setBusy(true);
    signIn(name.trim(), password).then(
      (me) => {
        enter(client, me);
        props.onEntered?.();
      },
      (error: unknown) => {
        setBusy(false);
        setPassword('');
        setRefused({ error: error as Error, atMs: Date.now() });
      },
    );
  };
  return (
    <form className={styles.form} onSubmit={submit}>
      <TextField
        label="Name"
        name="username"
        autoComplete="username"
        autoCapitalize="none"
        spellCheck={false}
        autoFocus={props.autoFocus && props.name === ''}
        value={name}
        onChange={setName}
      />
      <PasswordField
        label="Password"
        current
        autoFocus={props.autoFocus && props.name !== ''}
        value={password}
        onChange={setPassword}
      />
      {refused === null ? null : (
        <Note level="bad">
          {left > 0
            ? `Too many attempts failed. Try again in ${left} s.`
            : retryS > 0
              ? 'You may try again now.'
              : refused.error.message}
        </Note>
      )}
      <button
        type="submit"
        className="button primary"
        disabled={busy || left > 0 || name.trim() === '' || password === ''}
      >
        {busy ? 'Signing in…' : 'Sign in'}
      </button>
    </form>
  );
}

/** All ways to sign in. */
export function SignInForm(props: {
  /** Who is expected; empty for anybody. */
  name?: string;
  /** Where a browser comes back to that has to go elsewhere to sign in. */
  then: string;
  /** Providers are gone to in a tab of their own, so that this page stays as it is. */
  apart?: boolean;
  /** Once somebody came in by a password here. */
  onEntered?: () => void;
}): ReactElement {
  const { name = '', then, apart = false, onEntered } = props;
  const ways = useQuery({
    queryKey: [null, 'ways-in'],
    queryFn: ({ signal }) => waysIn({ tenant: null, signal }),
  });
  const [isSlow, setSlow] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setSlow(true), 300);
    return () => clearTimeout(timer);
  }, []);
  if (ways.error)
    return (
      <div className={styles.form}>
        <Note level="bad">How to sign in cannot be found out: {ways.error.message}</Note>
        <button type="button" className="button" onClick={() => void ways.refetch()}>
          Try again
        </button>
      </div>
    );
  if (!ways.data) return isSlow ? <Skeleton kind="text" label="Ways to sign in" rows={4} /> : <div />;
  const { openness, has_password: hasPassword, providers } = ways.data.data;
  if (openness === 'setup')
    return (
      <div className={styles.form}>
        <Note level="info">
          Nobody may come in yet. Open the link that <code>pharos up</code> printed where it was started, or
          run <code>pharos user add</code> there.
        </Note>
      </div>
    );
  return (
    <div className={styles.form}>
      {providers.map(({ id, label, path }) => (
        <a
          key={id}
          className="button"
          href={`${path}?then=${encodeURIComponent(apart ? '/sign-in' : then)}`}
          {...(apart ? { target: '_blank', rel: 'opener' } : {})}
        >
          Sign in with {visibleText(label)}
        </a>
      ))}
      {providers.length > 0 && hasPassword ? <div className={styles.or}>or</div> : null}
      {hasPassword ? <Password name={name} autoFocus={providers.length === 0} onEntered={onEntered} /> : null}
    </div>
  );
}
