// The parts of the Prometheus HTTP API that these pages read. Written by hand; to be generated from the
// server's OpenAPI document once that is stable.

export type Labels = Readonly<Record<string, string>>;

/** Seconds since the epoch, and the value as Prometheus prints a float. */
export type SamplePair = readonly [number, string];

export interface NativeHistogram {
  count: string;
  sum: string;
  /** Boundary rule, lower bound, upper bound, count. */
  buckets?: readonly (readonly [number, string, string, string])[];
}

export type HistogramPair = readonly [number, NativeHistogram];

export interface InstantSeries {
  metric: Labels;
  value?: SamplePair;
  histogram?: HistogramPair;
}

export interface RangeSeries {
  metric: Labels;
  values?: readonly SamplePair[];
  histograms?: readonly HistogramPair[];
}

export interface QueryStats {
  timings?: Readonly<Record<string, number>>;
  samples?: { totalQueryableSamples?: number; peakSamples?: number };
}

export type QueryResult =
  | { resultType: 'vector'; result: readonly InstantSeries[] }
  | { resultType: 'matrix'; result: readonly RangeSeries[] }
  | { resultType: 'scalar'; result: SamplePair }
  | { resultType: 'string'; result: SamplePair };

export type QueryAnswer = QueryResult & { stats?: QueryStats };

export interface Envelope<T> {
  status: 'success' | 'error';
  data?: T;
  errorType?: string;
  error?: string;
  warnings?: readonly string[];
  infos?: readonly string[];
}

export interface ActiveTarget {
  discoveredLabels: Labels;
  labels: Labels;
  scrapePool: string;
  scrapeUrl: string;
  globalUrl: string;
  lastError: string;
  lastScrape: string;
  lastScrapeDuration: number;
  health: 'up' | 'down' | 'unknown';
  scrapeInterval?: string;
  scrapeTimeout?: string;
}

export interface TargetsAnswer {
  activeTargets: readonly ActiveTarget[];
  droppedTargets?: readonly { discoveredLabels: Labels }[];
  droppedTargetCounts?: Readonly<Record<string, number>>;
}

export interface NamedCount {
  name: string;
  value: number;
}

export interface HeadStats {
  numSeries: number;
  numLabelPairs: number;
  minTime: number;
  maxTime: number;
}

export interface TsdbStatus {
  headStats: HeadStats;
  seriesCountByMetricName: readonly NamedCount[];
  labelValueCountByLabelName: readonly NamedCount[];
  memoryInBytesByLabelName?: readonly NamedCount[];
  seriesCountByLabelValuePair: readonly NamedCount[];
}

export interface BuildInfo {
  /** The Prometheus version whose API is spoken; clients choose features by it. */
  version: string;
  pharosVersion?: string;
  revision?: string;
  goVersion?: string;
}
