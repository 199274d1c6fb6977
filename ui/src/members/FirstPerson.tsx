import { useQueryClient } from '@tanstack/react-query';
import { useState, type ReactElement } from 'react';
import { addUser, signIn } from '../api/accounts';
import { LEAST_PASSWORD, PasswordField } from '../account/PasswordField';
import { Dialog } from '../design/Confirm';
import { EmptyState } from '../design/EmptyState';
import { TextField } from '../design/fields';
import { enter } from '../session/session';
import { DeedForm } from '../session/DeedForm';
import { useDeed } from '../session/useDeed';

/** What a server without users shows: that nobody signs in, and the way to change that. */
export function FirstPerson(): ReactElement {
  const client = useQueryClient();
  const [open, setOpen] = useState(false);
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const deed = useDeed();
  return (
    <>
      <EmptyState
        reason="none-yet"
        title="Nobody signs in here"
        actions={
          <button type="button" className="button primary" onClick={() => setOpen(true)}>
            Add the first person
          </button>
        }
      >
        Whoever reaches this server may do everything. With the first person, who is you, everybody signs in
        from then on, and what each may do is a matter of roles.
      </EmptyState>
      <Dialog open={open} onClose={() => setOpen(false)} title="Add the first person: yourself" alert>
        <DeedForm
          deed={deed}
          action={deed.busy ? 'One moment…' : 'Add and sign in'}
          ready={name.trim() !== '' && password.length >= LEAST_PASSWORD}
          send={() =>
            deed
              .run(async () => {
                await addUser({ name: name.trim(), password });
                return signIn(name.trim(), password);
              })
              .then((result) => result && enter(client, result.done))
          }
          onCancel={() => setOpen(false)}
        >
          <TextField
            label="Your name"
            name="username"
            autoComplete="username"
            data-autofocus
            hint="What you sign in with, and what others see"
            value={name}
            onChange={setName}
          />
          <PasswordField label="Password" value={password} onChange={setPassword} />
          <p className="dim">
            You become <b>operator</b>: you may do everything, and add the others. What sends data without a
            token is refused from then on; tokens are made under Members.
          </p>
        </DeedForm>
      </Dialog>
    </>
  );
}
