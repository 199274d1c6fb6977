import { useState, type ReactElement } from 'react';
import type { RowModel } from '../../api/dashboards';
import { Dialog } from '../../design/Confirm';
import { ChoiceField, TextField } from '../../design/fields';
import { Menu } from '../../design/Menu';
import { visibleText } from '../../design/value';
import type { JsonObject } from '../../panels/json';
import type { Draft } from '../useDraft';

/** What can be done with a row of a dashboard that is edited. */
export default function RowTools({ row, draft }: { row: RowModel; draft: Draft }): ReactElement {
  const [open, setOpen] = useState(false);
  const { key, title, repeat, panels } = row;
  const set = (next: JsonObject): void => draft.change({ op: 'set_row', key, row: next });
  const remove = (whole: boolean): void => draft.change({ op: 'remove_row', key, with_panels: whole });
  const name = visibleText(title || 'Row');
  return (
    <>
      <Menu
        label={`Menu of the row ${name}`}
        icon="more"
        compact
        entries={[
          { kind: 'action', label: 'Name and repeat', icon: 'format', run: () => setOpen(true) },
          { kind: 'line' },
          {
            kind: 'action',
            label: panels.length === 0 ? 'Remove' : 'Remove, keep its panels',
            icon: 'trash',
            run: () => remove(false),
          },
          ...(panels.length === 0
            ? []
            : [
                {
                  kind: 'action' as const,
                  label: 'Remove with its panels',
                  icon: 'trash' as const,
                  danger: true,
                  run: () => remove(true),
                },
              ]),
        ]}
      />
      <Dialog open={open} onClose={() => setOpen(false)} title={`Row ${name}`}>
        <div className="form">
          <TextField label="Title" value={title} onChange={(next) => set({ title: next })} data-autofocus />
          <ChoiceField
            label="Repeated for each value of"
            clearable
            placeholder="not repeated"
            options={draft.model.variables.map((one) => ({ value: one.name }))}
            value={repeat === '' ? null : repeat}
            onChange={(next) => set({ repeat: next ?? '' })}
          />
          <div className="form-actions">
            <button type="button" className="button primary" onClick={() => setOpen(false)}>
              Done
            </button>
          </div>
        </div>
      </Dialog>
    </>
  );
}
