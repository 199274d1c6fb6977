import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import './design/mantine.css';
import './design/tokens.css';
import './design/base.css';
import { makeQueryClient } from './api/useAsked';
import { router } from './router';
import { askSession } from './session/session';

const client = makeQueryClient();
askSession(client);
const root = document.getElementById('root');
if (!root) throw new Error('index.html has no element #root');
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={client}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  </StrictMode>,
);
