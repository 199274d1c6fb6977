// Where traces stand in a picture of durations over time, on a scale of logarithms: a slow one is seen beside fast ones.

import type { TraceSummary } from '../api/traces';
import type { Span } from '../time/range';

export interface Dot {
  readonly trace: TraceSummary;
  /** Shares of the picture, from the left and from the top. */
  readonly x: number;
  readonly y: number;
}

export interface Picture {
  readonly dots: readonly Dot[];
  /** Lines of the scale: share from the top, and seconds. */
  readonly lines: readonly { readonly y: number; readonly seconds: number }[];
  /** The duration at a share from the top. */
  readonly secondsAt: (y: number) => number;
  /** The share from the top of a duration. */
  readonly yOf: (seconds: number) => number;
}

export function beginMs(trace: TraceSummary): number {
  return Number(BigInt(trace.start_ns) / 1_000n) / 1000;
}

export function pictureOf(traces: readonly TraceSummary[], span: Span): Picture {
  const lengths = traces.map((trace) => Math.log10(Math.max(trace.duration_ns, 1_000) / 1e9));
  const low = Math.floor(lengths.reduce((a, b) => Math.min(a, b), lengths[0] ?? 0));
  const high = Math.max(Math.ceil(lengths.reduce((a, b) => Math.max(a, b), lengths[0] ?? 0)), low + 1);
  const y = (power: number): number => 1 - (power - low) / (high - low);
  const dots = traces.map((trace, i) => ({
    trace,
    x: Math.min(1, Math.max(0, (beginMs(trace) - span.fromMs) / (span.toMs - span.fromMs))),
    y: y(lengths[i] ?? low),
  }));
  const lines = Array.from({ length: high - low + 1 }, (_, i) => ({
    y: y(low + i),
    seconds: 10 ** (low + i),
  }));
  return {
    dots,
    lines,
    secondsAt: (at) => 10 ** (low + (1 - at) * (high - low)),
    yOf: (seconds) => y(Math.log10(Math.max(seconds, 1e-9))),
  };
}

/** The dot that is nearest to a place, in pixels of a picture so large; undefined where none is near. */
export function nearest(
  dots: readonly Dot[],
  at: { x: number; y: number },
  size: { width: number; height: number },
  withinPx: number,
): Dot | undefined {
  let best: Dot | undefined;
  let least = withinPx;
  for (const dot of dots) {
    const away = Math.hypot(dot.x * size.width - at.x, dot.y * size.height - at.y);
    if (away <= least) {
      least = away;
      best = dot;
    }
  }
  return best;
}

/** Bars of spans by time: failed ones, and the others. */
export interface Bar {
  readonly fromMs: number;
  readonly failed: number;
  readonly others: number;
}

export function barsOf(
  series: readonly {
    readonly labels: Readonly<Record<string, string>>;
    readonly points: readonly { readonly time_ms: number; readonly spans: number }[];
  }[],
): readonly Bar[] {
  const found = new Map<number, { failed: number; others: number }>();
  for (const { labels, points } of series)
    for (const { time_ms: ms, spans } of points) {
      const bar = found.get(ms) ?? { failed: 0, others: 0 };
      if (labels['status'] === 'error') bar.failed += spans;
      else bar.others += spans;
      found.set(ms, bar);
    }
  return [...found].sort(([a], [b]) => a - b).map(([fromMs, bar]) => ({ fromMs, ...bar }));
}
