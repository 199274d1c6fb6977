import { useState, type ReactElement } from 'react';
import { useTenant } from '../address/hooks';
import { PageLink } from '../address/PageLink';
import { propose, type Proposal, type Protection, type Wanted } from '../api/governance';
import { Dialog } from '../design/Confirm';
import { TextAreaField } from '../design/fields';
import { DeedForm } from '../session/DeedForm';
import { useDeed } from '../session/useDeed';
import { needsOf } from './rules';

/** Asks for the reason of a proposal, makes it, and leads to it. */
export function Propose(props: {
  wanted: Wanted;
  /** What the change needs. */
  rule: Protection;
  onClose: () => void;
  /** Once it is proposed. */
  onDone?: () => void;
}): ReactElement {
  const { wanted, rule, onClose, onDone } = props;
  const tenant = useTenant();
  const [reason, setReason] = useState('');
  const [made, setMade] = useState<Proposal | null>(null);
  const deed = useDeed();
  return (
    <Dialog open onClose={onClose} title={made ? 'Proposed' : 'Propose this change'} alert>
      {made ? (
        <div className="form">
          <p>Nothing has changed yet: others decide. It needs {needsOf(rule)}.</p>
          <div className="form-actions">
            <button type="button" className="button" onClick={onClose}>
              Close
            </button>
            <PageLink
              page="proposals"
              search={{ of: made.id, ...(wanted.place === null ? {} : { tenant: wanted.place }) }}
              className="button primary"
            >
              See the proposal
            </PageLink>
          </div>
        </div>
      ) : (
        <DeedForm
          deed={deed}
          action="Propose"
          ready={reason.trim() !== ''}
          send={() =>
            deed
              .run(() => propose(wanted, reason.trim(), tenant))
              .then((result) => {
                if (!result) return;
                setMade(result.done);
                onDone?.();
              })
          }
          onCancel={onClose}
        >
          <p>
            The policy {wanted.policy} is protected: a change needs {needsOf(rule)}, of others than you.
          </p>
          <TextAreaField label="Reason" hint="For those who decide" value={reason} onChange={setReason} />
        </DeedForm>
      )}
    </Dialog>
  );
}
