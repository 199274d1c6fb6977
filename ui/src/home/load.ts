// One refresh of the home page: all its queries for the same instants, in one request.

import { queryBatch, type BatchQuery, type Outcome } from '../api/batch';
import type { Grid } from '../api/calls';
import { ApiError, type Asking } from '../api/client';
import type { InstantSeries, Labels, QueryAnswer, RangeSeries } from '../api/types';
import { gridTimes, parseFloatText, summarize, toColumn, type Column } from '../chart/columns';
import { alignGrid, chooseStep, type Span } from '../time/range';
import {
  chartRate,
  drawn,
  FIGURES,
  fillIn,
  HOSTS_QUERY,
  isRated,
  matchersOf,
  MOST_SERIES,
  nameHosts,
  NOW_WINDOW_S,
  nowRate,
  OWN_AGE_QUERY,
  PANELS,
  type Figure,
  type Host,
  type Panel,
  type PanelQuery,
  type RateWindow,
} from './panels';

export interface PanelColumns {
  names: string[];
  columns: Column[];
  /** The server's words when one of the panel's queries failed. */
  error: string | null;
}

/** The values of a panel's series at one instant, by their names. */
export type Present = ReadonlyMap<string, number>;

/** Something that could not be read, with the server's words. */
export interface Unread {
  what: string;
  error: string;
}

export interface HomeSnapshot {
  times: number[];
  grid: Grid;
  range: [number, number];
  panels: Readonly<Record<string, PanelColumns>>;
  /** What tiles and findings read, by panel: of instant queries at `takenMs`, so no range of a chart bears on it. */
  now: Readonly<Record<string, Present>>;
  figures: Figures;
  /** What could not be read, the charts aside: those tell it themselves. */
  unread: readonly Unread[];
  /** Everything has been answered, were it by an error. */
  whole: boolean;
  /** Data are so young that what has no value yet will have one soon. */
  young: boolean;
  hosts: readonly Host[];
  /** Seconds since Pharos' own first sample; null when there is none. */
  ownAgeS: number | null;
  /** The matchers of the host that is shown; null when the host panels show an overview of all. */
  matchers: string | null;
  takenMs: number;
}

export interface HomeRequest {
  /** What the charts show. */
  span: Span;
  /** What tiles and findings are of. */
  nowMs: number;
  host: string | null;
  /** About how many points a chart is wide. */
  points: number;
  /** Leave out the start of the range while nothing is known of it: a server just started looks alive so. */
  fit: boolean;
}

type Figures = Readonly<Record<Figure, number | null>>;

/** The hosts and Pharos itself, with their ages: what is asked of them depends on it. */
interface Sources {
  hosts: readonly Host[];
  ownAgeS: number | null;
}

const NO_FIGURES: Figures = {
  uptime: null,
  rejected: null,
  setAside: null,
  setAsideParts: null,
  diskFree: null,
};

/** The server's words when it refused one query. */
function refusal(outcome: Outcome): string | null {
  return outcome instanceof ApiError ? outcome.message : null;
}

function vectorOf(outcome: Outcome | undefined): readonly InstantSeries[] {
  return outcome && 'resultType' in outcome && outcome.resultType === 'vector' ? outcome.result : [];
}

function matrixOf(answer: QueryAnswer): readonly RangeSeries[] {
  return answer.resultType === 'matrix' ? answer.result : [];
}

function numberOf(series: InstantSeries | undefined): number | null {
  const value = parseFloatText(series?.value?.[1] ?? 'NaN');
  return Number.isFinite(value) ? value : null;
}

function nameOf(query: PanelQuery, labels: Labels, hosts: readonly Host[]): string {
  const told = query.name ?? labels[query.by ?? ''];
  if (told !== undefined) return told;
  const { job = '', instance = '' } = labels;
  return hosts.find((host) => host.job === job && host.instance === instance)?.name ?? instance;
}

/** The series that are not 0 throughout, largest first; at least one. */
function liveliest<T extends { column: Column }>(series: T[]): T[] {
  const sized = series.map((one) => ({ one, size: summarize(one.column).avg ?? 0 }));
  sized.sort((a, b) => b.size - a.size);
  return sized.filter(({ size }, i) => i === 0 || size > 0).map(({ one }) => one);
}

/** The index of the first instant at which any of `columns` has a value; their length when none has. */
function firstKnown(columns: readonly Column[], length: number): number {
  let first = length;
  for (const column of columns) {
    const at = column.findIndex((value) => value !== null);
    if (at >= 0 && at < first) first = at;
  }
  return first;
}

/**
 * `columns` of rates without what they say of the first window of the data, of which a part only was there: far too
 * little. Values of data that were there before the chart begins stay.
 */
export function withoutStart(columns: readonly Column[], first: number, windowSteps: number): Column[] {
  if (first === 0) return [...columns];
  return columns.map((column) => column.map((value, i) => (i < first + windowSteps ? null : value)));
}

const LEAST_FIT_S = 30;

/** The first instant with a value in any panel, a little earlier for air; the start of the range if it is old. */
export function startOfData(
  times: readonly number[],
  panels: Readonly<Record<string, PanelColumns>>,
): number {
  const first = firstKnown(
    Object.values(panels).flatMap(({ columns }) => columns),
    times.length,
  );
  const [start = 0, end = 0] = [times[0], times.at(-1)];
  const known = end - (times[first] ?? end);
  return Math.max(start, end - Math.max(LEAST_FIT_S, known * 1.15));
}

/** One question of a refresh and what its answer is put into. */
interface Question extends BatchQuery {
  read: (outcome: Outcome) => void;
}

/** Collects the answers of one refresh into snapshots. */
class Refresh {
  private readonly grid: Grid;
  private readonly times: number[];
  private readonly matchers: string | null;
  private readonly found = new Map<string, { name: string; column: Column; order: number }[]>();
  private readonly errors = new Map<string, string>();
  private readonly awaited = new Map<string, number>();
  private readonly now: Record<string, Map<string, number>> = {};
  private readonly figures: Record<Figure, number | null> = { ...NO_FIGURES };
  private readonly unread = new Map<string, string>();
  /** What the server says of them now; the questions were made of what it said before. */
  sources: Sources;

  constructor(
    private readonly request: HomeRequest,
    private readonly asked: Sources,
  ) {
    const { span, points } = request;
    this.grid = alignGrid(span, chooseStep(span.toMs - span.fromMs, points, 5));
    this.times = gridTimes(this.grid);
    this.matchers = matchersOf(request.host, asked.hosts);
    this.sources = asked;
  }

  questions(): Question[] {
    return [
      ...this.sourceQuestions(),
      ...this.figureQuestions(),
      ...PANELS.flatMap((panel) => this.of(panel)),
    ];
  }

  private get nowS(): number {
    return this.request.nowMs / 1000;
  }

  sourceQuestions(): Question[] {
    const time = this.nowS;
    return [
      {
        query: HOSTS_QUERY,
        time,
        read: (outcome) => {
          this.note('hosts', outcome);
          const hosts = vectorOf(outcome).map((one) => ({ ...one.metric, ageS: numberOf(one) ?? 0 }));
          this.sources = { ...this.sources, hosts: nameHosts(hosts) };
        },
      },
      {
        query: OWN_AGE_QUERY,
        time,
        read: (outcome) => {
          this.note("Pharos' figures", outcome);
          this.sources = { ...this.sources, ownAgeS: numberOf(vectorOf(outcome)[0]) };
        },
      },
    ];
  }

  private figureQuestions(): Question[] {
    const { ownAgeS } = this.asked;
    const rate = nowRate(ownAgeS === null ? [] : [ownAgeS]);
    return Object.entries(FIGURES).map(([name, expr]) => ({
      query: fillIn(expr, this.matchers, rate),
      time: this.nowS,
      read: (outcome) => {
        this.note("Pharos' figures", outcome);
        this.figures[name as Figure] = numberOf(vectorOf(outcome)[0]);
      },
    }));
  }

  /** Remembers that something was refused; whatever it was, it is said once. */
  private note(what: string, outcome: Outcome): void {
    const error = refusal(outcome);
    if (error !== null) this.unread.set(what, error);
  }

  private agesOf(panel: Panel): number[] {
    const { hosts, ownAgeS } = this.asked;
    if (panel.group === 'pharos') return ownAgeS === null ? [] : [ownAgeS];
    const chosen = hosts.find((host) => host.name === this.request.host) ?? hosts[0];
    return this.matchers === null ? hosts.map((host) => host.ageS) : chosen ? [chosen.ageS] : [];
  }

  private of(whole: Panel): Question[] {
    const panel = drawn(whole, this.matchers === null);
    const ages = this.agesOf(panel);
    const charted = panel.queries.map((query, order) =>
      this.chart(panel, query, order, chartRate(this.grid.step, ages)),
    );
    if (whole.chartOnly) return charted;
    const rate = nowRate(ages);
    return [...charted, ...panel.queries.map((query) => this.present(panel, query, rate))];
  }

  private chart(panel: Panel, query: PanelQuery, order: number, rate: RateWindow): Question {
    this.awaited.set(panel.id, (this.awaited.get(panel.id) ?? 0) + 1);
    return {
      query: fillIn(query.expr, this.matchers, rate),
      ...this.grid,
      read: (outcome) => {
        this.awaited.set(panel.id, (this.awaited.get(panel.id) ?? 1) - 1);
        if (outcome instanceof ApiError) {
          this.errors.set(panel.id, outcome.message);
          return;
        }
        const series = this.found.get(panel.id) ?? [];
        for (const one of matrixOf(outcome))
          series.push({
            name: nameOf(query, one.metric, this.asked.hosts),
            column: toColumn(one, this.grid, this.times.length),
            order,
          });
        this.found.set(panel.id, series);
      },
    };
  }

  private present(panel: Panel, query: PanelQuery, rate: RateWindow): Question {
    return {
      query: fillIn(query.expr, this.matchers, rate),
      time: this.nowS,
      read: (outcome) => {
        this.note(panel.group === 'host' ? "the host's figures" : "Pharos' figures", outcome);
        for (const one of vectorOf(outcome)) {
          const value = numberOf(one);
          // NaN is no value: a quantile of nothing.
          if (value !== null)
            (this.now[panel.id] ??= new Map()).set(nameOf(query, one.metric, this.asked.hosts), value);
        }
      },
    };
  }

  private columnsOf(whole: Panel, first: number): PanelColumns {
    const error = this.errors.get(whole.id) ?? null;
    if (error !== null) return { names: [], columns: [], error };
    const panel = drawn(whole, this.matchers === null);
    const found = [...(this.found.get(panel.id) ?? [])].sort((a, b) => a.order - b.order);
    const rate = chartRate(this.grid.step, this.agesOf(panel));
    // From sample to sample the very first value is true already.
    const unsure = rate.how === 'irate' || !isRated(panel) ? 0 : Math.ceil(rate.windowS / this.grid.step);
    const columns = withoutStart(
      found.map((one) => one.column),
      first,
      unsure,
    );
    const named = found.map(({ name }, i) => ({ name, column: columns[i] ?? [] }));
    const kept = (named.length > 4 ? liveliest(named) : named).slice(0, MOST_SERIES);
    return { names: kept.map((one) => one.name), columns: kept.map((one) => one.column), error: null };
  }

  /** Where a group's data begin in the charts: at the first value of anything that is no rate. */
  private firstOf(group: Panel['group']): number {
    const columns = PANELS.filter(
      (panel) => panel.group === group && !isRated(drawn(panel, this.matchers === null)),
    )
      .flatMap((panel) => this.found.get(panel.id) ?? [])
      .map((one) => one.column);
    const first = firstKnown(columns, this.times.length);
    return first === this.times.length ? 0 : first;
  }

  /** What has been answered so far; `whole` when that is everything. */
  snapshot(whole: boolean): HomeSnapshot {
    const firsts = { host: this.firstOf('host'), pharos: this.firstOf('pharos') };
    const panels: Record<string, PanelColumns> = {};
    for (const panel of PANELS)
      if ((this.awaited.get(panel.id) ?? 0) === 0)
        panels[panel.id] = this.columnsOf(panel, firsts[panel.group]);
    const { hosts, ownAgeS } = this.sources;
    return {
      times: this.times,
      grid: this.grid,
      range: [this.request.fit ? startOfData(this.times, panels) : this.grid.start, this.grid.end],
      panels,
      now: { ...this.now },
      figures: { ...this.figures },
      unread: [...this.unread].map(([what, error]) => ({ what, error })),
      whole,
      young: [...(ownAgeS === null ? [] : [ownAgeS]), ...hosts.map((host) => host.ageS)].some(
        (age) => age < NOW_WINDOW_S,
      ),
      hosts,
      ownAgeS,
      matchers: this.matchers,
      takenMs: this.request.nowMs,
    };
  }
}

async function ask(questions: readonly Question[], asking: Asking, onRead?: () => void): Promise<void> {
  const queries = questions.map(({ query, time, start, end, step }) => ({ query, time, start, end, step }));
  await queryBatch(queries, asking, (index, outcome) => {
    questions[index]?.read(outcome);
    onRead?.();
  });
}

/**
 * Everything the home page shows at `request.nowMs`; rejects when the server does not answer.
 *
 * What is asked depends on which hosts there are. `before` knows them from the last refresh, and all is one request;
 * without it they are asked first. `onPart` gets what has arrived so far, each time more of it has.
 */
export async function loadHome(
  request: HomeRequest,
  asking: Asking,
  before?: Sources,
  onPart?: (snapshot: HomeSnapshot) => void,
): Promise<HomeSnapshot> {
  let known = before;
  if (known === undefined) {
    const first = new Refresh(request, { hosts: [], ownAgeS: null });
    await ask(first.sourceQuestions(), asking);
    known = first.sources;
  }
  const refresh = new Refresh(request, known);
  await ask(refresh.questions(), asking, onPart && (() => onPart(refresh.snapshot(false))));
  return refresh.snapshot(true);
}
