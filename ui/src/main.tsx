import { MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import './design/mantine.css';
import './design/tokens.css';
import './design/base.css';
import { ApiError } from './api/client';
import { schemeStorage, theme } from './design/theme';
import { router } from './router';

const client = new QueryClient({
  defaultOptions: {
    queries: {
      // The health check is what notices a lost server and asks again; retrying every query would only pile up.
      retry: (count, error) => count < 1 && error instanceof ApiError && error.kind === 'network',
      retryDelay: 500,
      refetchOnWindowFocus: true,
      staleTime: 2_000,
      networkMode: 'always',
    },
  },
});

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no element #root');
createRoot(root).render(
  <StrictMode>
    <MantineProvider
      theme={theme}
      defaultColorScheme="auto"
      colorSchemeManager={schemeStorage()}
      withCssVariables={false}
      withGlobalClasses={false}
      withStaticClasses={false}
    >
      <QueryClientProvider client={client}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
