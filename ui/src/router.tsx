import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { readSearch, type Search } from './address/context';
import {
  EXPLAIN,
  DASHBOARD,
  HOST,
  PATHS,
  RUN,
  SERVICE,
  SIGN_IN,
  TRACE,
  WELCOME,
  WORKFLOW,
} from './address/places';
import { far } from './later';
import { PAGES, type PageEntry } from './pages';
import { Crash } from './shell/Crash';
import { Shell } from './shell/Shell';

function parseSearch(text: string): Search {
  return Object.fromEntries(new URLSearchParams(text));
}

function stringifySearch(search: Record<string, unknown>): string {
  const form = new URLSearchParams();
  for (const [key, value] of Object.entries(search)) if (typeof value === 'string') form.append(key, value);
  const text = form.toString();
  return text === '' ? '' : `?${text}`;
}

const root = createRootRoute({
  component: Shell,
  notFoundComponent: lazyRouteComponent(() => import('./shell/NotFound'), 'NotFound'),
  validateSearch: readSearch,
});

/** The page, with what Mantine's components need around them: neither is in the first load. */
async function load(page: Pick<PageEntry, 'component'>): Promise<{ default: () => ReactElement }> {
  const [{ Mantine }, { default: Component }] = await Promise.all([far('mantine')(), page.component()]);
  return {
    default: () => (
      <Mantine>
        <Component />
      </Mantine>
    ),
  };
}

const pages = PAGES.map((page) =>
  createRoute({
    getParentRoute: () => root,
    path: page.path,
    component: lazyRouteComponent(() => load(page)),
  }),
);

/** What is below a page and named by its address: one trace, one run, one workflow. */
function part<const Path extends string>(path: Path, component: PageEntry['component']) {
  return createRoute({
    getParentRoute: () => root,
    path,
    component: lazyRouteComponent(() => load({ component })),
  });
}

const trace = part(TRACE, far('trace'));
const runs = [
  part(RUN, far('run')),
  part(`${RUN}/$`, far('run')),
  part(WORKFLOW, far('workflow')),
  part(`${WORKFLOW}/$`, far('workflow')),
] as const;

const service = part(SERVICE, far('service'));
const explain = part(EXPLAIN, far('explain'));
const host = part(HOST, far('host'));

/** What is below the page of dashboards: one of them, one that was shared, several in turn. */
const boards = (
  [
    [DASHBOARD, far('dashboard')],
    ['/d/$uid', far('dashboard')],
    ['/dashboards/$uid', far('dashboard')],
    ['/shared', far('shared')],
  ] as const
).map(([path, component]) => part(path, component));

/** Links that Prometheus' alerts carry (`generatorURL`) lead to the same query in Explore. */
const graph = createRoute({
  getParentRoute: () => root,
  path: '/graph',
  beforeLoad: async ({ search }) => {
    const { fromGraphParams } = await import('./explore/state');
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- the router's way to redirect
    throw redirect({ to: PATHS.explore, search: fromGraphParams(search) });
  },
});

const signIn = createRoute({
  getParentRoute: () => root,
  path: SIGN_IN,
  component: lazyRouteComponent(far('signIn')),
});

const welcome = createRoute({
  getParentRoute: () => root,
  path: WELCOME,
  component: lazyRouteComponent(far('welcome')),
});

export const router = createRouter({
  routeTree: root.addChildren([
    ...pages,
    ...boards,
    service,
    host,
    explain,
    trace,
    ...runs,
    graph,
    signIn,
    welcome,
  ]),
  parseSearch,
  stringifySearch,
  defaultErrorComponent: Crash,
  defaultPreload: 'intent',
  scrollRestoration: false,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
