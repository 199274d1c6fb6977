import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Link,
  redirect,
} from '@tanstack/react-router';
import { fromGraphParams } from './explore/state';
import { HomePage } from './home/HomePage';
import { Empty } from './design/parts';
import { Crash } from './shell/Crash';
import { Shell } from './shell/Shell';

/** Search parameters as they are: flat text, readable in the address bar; pages parse what is theirs. */
export type Search = Readonly<Record<string, string | undefined>>;

function parseSearch(text: string): Record<string, string> {
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
  notFoundComponent: () => (
    <div className="page">
      <Empty icon="search">
        There is no such page. <Link to="/">Go home</Link>
      </Empty>
    </div>
  ),
});

const home = createRoute({ getParentRoute: () => root, path: '/', component: HomePage });

const explore = createRoute({
  getParentRoute: () => root,
  path: '/explore',
  component: lazyRouteComponent(() => import('./explore/ExplorePage'), 'ExplorePage'),
});

/** Links that Prometheus' alerts carry (`generatorURL`) lead to the same query in Explore. */
const graph = createRoute({
  getParentRoute: () => root,
  path: '/graph',
  beforeLoad: ({ search }) => {
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- the router's way to redirect
    throw redirect({ to: '/explore', search: fromGraphParams(search as Search) as never });
  },
});

const targets = createRoute({
  getParentRoute: () => root,
  path: '/targets',
  component: lazyRouteComponent(() => import('./targets/TargetsPage'), 'TargetsPage'),
});

const cardinality = createRoute({
  getParentRoute: () => root,
  path: '/cardinality',
  component: lazyRouteComponent(() => import('./cardinality/CardinalityPage'), 'CardinalityPage'),
});

export const router = createRouter({
  routeTree: root.addChildren([home, explore, graph, targets, cardinality]),
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
