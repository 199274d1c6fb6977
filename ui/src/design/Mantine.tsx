import { createTheme, MantineProvider } from '@mantine/core';
import type { ReactElement, ReactNode } from 'react';
import { useScheme } from './scheme';

const theme = createTheme({
  primaryColor: 'blue',
  fontFamily: 'var(--sans)',
  fontFamilyMonospace: 'var(--mono)',
  defaultRadius: 'sm',
  cursorType: 'pointer',
  respectReducedMotion: true,
});

/** What Mantine's components need around them. Stands around every page and dialog, each of which loads it. */
export function Mantine({ children }: { children: ReactNode }): ReactElement {
  return (
    <MantineProvider
      theme={theme}
      forceColorScheme={useScheme()}
      withCssVariables={false}
      withGlobalClasses={false}
      withStaticClasses={false}
    >
      {children}
    </MantineProvider>
  );
}
