import { Drawer as MantineDrawer } from '@mantine/core';
import '@mantine/core/styles/Overlay.css';
import '@mantine/core/styles/ModalBase.css';
import '@mantine/core/styles/CloseButton.css';
import '@mantine/core/styles/Drawer.css';
import type { ReactElement, ReactNode } from 'react';
import { Discard, Guarded } from './Confirm';
import { useGuard } from './unsaved';
import styles from './dialog.module.css';

/**
 * Details of what was chosen, over the right of the page. Focus stays in it, Escape closes it and returns to where it
 * was opened, and asks first where something was changed in its forms. The page behind may scroll: a lock would need a `<style>` element, which the policy forbids.
 */
export function Drawer(props: {
  open: boolean;
  onClose: () => void;
  title: ReactNode;
  children: ReactNode;
  wide?: boolean;
}): ReactElement {
  const { open, onClose, title, children, wide = false } = props;
  const guard = useGuard(onClose);
  return (
    <>
      <MantineDrawer
        opened={open}
        onClose={guard.close}
        title={title}
        position="right"
        size={wide ? 'min(960px, 100vw)' : 'min(520px, 100vw)'}
        lockScroll={false}
        transitionProps={{ duration: 0 }}
        overlayProps={{ backgroundOpacity: 0.4, blur: 0 }}
        closeButtonProps={{ 'aria-label': 'Close' }}
        // A second banner beside the page's would be one too many for readers who go by landmarks.
        attributes={{ header: { role: 'none' } }}
        classNames={{
          content: styles.drawer ?? '',
          header: styles.header ?? '',
          title: styles.title ?? '',
          body: styles.body ?? '',
          close: styles.close ?? '',
        }}
      >
        <Guarded guard={guard}>{children}</Guarded>
      </MantineDrawer>
      <Discard guard={guard} />
    </>
  );
}
