import { Modal } from '@mantine/core';
import type { ReactElement } from 'react';
import './dialogs.css';
import styles from './overlays.module.css';
import { Mantine } from '../design/Mantine';
import type { Shortcut } from './shortcuts';

function ShortcutList({ shortcuts }: { shortcuts: readonly Shortcut[] }): ReactElement {
  const rows: readonly { keys: readonly string[]; what: string }[] = [
    ...shortcuts,
    { keys: ['Ctrl', 'K'], what: 'Commands, pages and metrics' },
    { keys: ['Ctrl', 'Enter'], what: 'Run the query (in the editor)' },
    { keys: ['Ctrl', 'click'], what: 'Show or hide one series (in a legend)' },
  ];
  return (
    <table className={styles.keys}>
      <tbody>
        {rows.map((row) => (
          <tr key={row.what}>
            <td>{row.what}</td>
            <td className="num">
              {row.keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The list of shortcuts, over the page. */
export default function Keyboard(props: {
  onClose: () => void;
  shortcuts: readonly Shortcut[];
}): ReactElement {
  // Locking the page's scroll needs a <style> element, which the content security policy forbids.
  return (
    <Mantine>
      <Modal
        opened
        onClose={props.onClose}
        title="Keyboard shortcuts"
        closeButtonProps={{ 'aria-label': 'Close' }}
        size="sm"
        centered
        lockScroll={false}
        classNames={{ content: styles.dialog ?? '', header: styles.dialog ?? '' }}
        overlayProps={{ backgroundOpacity: 0.4 }}
        transitionProps={{ duration: 0 }}
      >
        <ShortcutList shortcuts={props.shortcuts} />
      </Modal>
    </Mantine>
  );
}
