import type { ReactElement } from 'react';
import { useTenant } from '../address/hooks';
import { useSaved } from '../api/saved';
import { Menu, type MenuEntry } from '../design/Menu';
import { useMay } from '../session/session';
import { exportPath, type Exported, type FileFormat } from './path';

/** Saves what a query or a search finds: all of it and not only what is shown, as the server writes it. */
export function ExportMenu({
  what,
  onShown,
  name = 'Export',
}: {
  /** Null while there is nothing to export. */
  what: Exported | null;
  /** Saves what is shown, as a file that the page makes. */
  onShown?: () => void;
  /** What the menu is called, where there are several. */
  name?: string;
}): ReactElement | null {
  const may = useMay();
  const tenant = useTenant();
  const { busy, run } = useSaved();
  const allowed = what === null || may(`${what.signal}.export`);
  if (!allowed && !onShown) return null;
  const save = (format: FileFormat): void => {
    if (what === null) return;
    const at = new Date(what.toMs).toISOString().slice(0, 19).replaceAll(':', '');
    void run(exportPath(what, format), `pharos-${what.signal}-${at}.${format}`, tenant);
  };
  const entries: MenuEntry[] = [
    ...(onShown ? [{ kind: 'action' as const, label: 'CSV of what is shown', run: onShown }] : []),
    ...(allowed
      ? [
          { kind: 'action' as const, label: onShown ? 'CSV, a row a value' : 'CSV', run: () => save('csv') },
          { kind: 'action' as const, label: 'Parquet', run: () => save('parquet') },
        ]
      : []),
  ];
  return <Menu label={name} icon="download" compact disabled={busy || what === null} entries={entries} />;
}
