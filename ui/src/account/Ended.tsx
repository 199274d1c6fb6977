import { useState, type ReactElement } from 'react';
import type { Me } from '../api/types';
import { Dialog } from '../design/Confirm';
import { Mantine } from '../design/Mantine';
import { Icon } from '../design/Icon';
import { SignInForm } from './SignInForm';
import styles from './account.module.css';

/** The session ended in the midst of things: signing in goes on with the page as it stands. */
export default function Ended({ before }: { before: Me }): ReactElement {
  const [away, setAway] = useState(false);
  if (away)
    return (
      <div className={styles.ended} role="alert">
        <Icon name="warning" />
        <span className="grow">You are signed out. What you see is the last that arrived.</span>
        <button type="button" className="button primary" onClick={() => setAway(false)}>
          Sign in
        </button>
      </div>
    );
  return (
    <Mantine>
      <Dialog open onClose={() => setAway(true)} title="Your session has ended" alert>
        <p className="dim">Sign in to go on where you are. Nothing that you typed is lost.</p>
        <SignInForm name={before.identity.name} then="/sign-in" apart />
      </Dialog>
    </Mantine>
  );
}
