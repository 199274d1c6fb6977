import { Link, useNavigate } from '@tanstack/react-router';
import { useState, type ReactElement } from 'react';
import { Note } from '../design/parts';
import { Value } from '../design/Value';
import { useSession } from '../session/session';
import { Gate } from './Gate';
import { SignInForm } from './SignInForm';
import { refusalIn } from './signs';
import styles from './account.module.css';

/** Where one signs in: at its own address, and in the place of any page until one has. */
export default function SignInPage(): ReactElement {
  const { me, standing } = useSession();
  const { pathname, search, hash } = window.location;
  const own = pathname === '/sign-in';
  const navigate = useNavigate();
  const [refusal] = useState(() => (own ? refusalIn(hash) : null));
  if (me && standing === 'in' && own)
    return (
      <Gate title="You are signed in">
        <div className={styles.form}>
          <p>
            {me.openness === 'closed' ? (
              <>
                As <Value text={me.identity.name} />. If another tab waits for you, it goes on by itself.
              </>
            ) : (
              'This server asks nobody who they are.'
            )}
          </p>
          <Link to="/" className="button primary">
            Go to the pages
          </Link>
        </div>
      </Gate>
    );
  return (
    <Gate title="Sign in">
      {refusal === null ? null : (
        <Note level="bad">
          Signing in did not succeed: <Value text={refusal} />
        </Note>
      )}
      <SignInForm
        then={own ? '/' : `${pathname}${search}`}
        {...(own ? { onEntered: () => void navigate({ to: '/', replace: true }) } : {})}
      />
    </Gate>
  );
}
