// What a dashboard shows, as it comes: one request for its variables and layout, then one for the panels that are near the
// view, each of whose answers is told when it is there. Kept outside of React, so that one panel redraws alone.

import type {
  AnnotationAnswer,
  AnswerLine,
  DashboardLink,
  PanelAnswer,
  Question,
  TabModel,
  Variable,
} from '../api/dashboards';
import { isAbort, type Asking } from '../api/client';

export interface PanelState {
  answer: PanelAnswer | null;
  asking: boolean;
  /** Why there is no answer at all. */
  error: string | null;
}

export interface Frame {
  title: string;
  tabs: readonly TabModel[];
  links: readonly DashboardLink[];
  variables: readonly Variable[];
  annotations: readonly AnnotationAnswer[];
  /** The layout is awaited. */
  asking: boolean;
  error: Error | null;
}

/** How a question is asked; what comes is told line by line. */
export type AskLines = (
  question: Question,
  asking: Asking,
  onLine: (line: AnswerLine) => void,
) => Promise<void>;

const EMPTY: PanelState = { answer: null, asking: false, error: null };
const NONE: Frame = {
  title: '',
  tabs: [],
  links: [],
  variables: [],
  annotations: [],
  asking: true,
  error: null,
};
/** Panels that come into view together are asked for together. */
const TOGETHER_MS = 40;

type Base = Omit<Question, 'include' | 'panels' | 'refresh_variables'>;

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** One dashboard in one tab of the browser. */
export class Board {
  private frame: Frame = NONE;
  private readonly panels = new Map<string, PanelState>();
  /** The run that each panel's answer is of, or that it was asked in. */
  private readonly runs = new Map<string, number>();
  private readonly seen = new Set<string>();
  private readonly listeners = new Map<string, Set<() => void>>();
  private base: Base | null = null;
  private asking: Asking = { tenant: null };
  private run = 0;
  private stop = new AbortController();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private ready = false;

  constructor(private readonly askLines: AskLines) {}

  /** Tells `listener` of each change of a panel, or of the frame for an empty key. */
  listen(key: string, listener: () => void): () => void {
    const all = this.listeners.get(key) ?? new Set();
    this.listeners.set(key, all.add(listener));
    return () => all.delete(listener);
  }

  frameNow(): Frame {
    return this.frame;
  }

  panelNow(key: string): PanelState {
    return this.panels.get(key) ?? EMPTY;
  }

  /** Asks anew: with the layout where it may have changed, otherwise of the panels alone. */
  ask(base: Base, asking: Pick<Asking, 'tenant'>, layout: boolean): void {
    this.stop.abort();
    this.stop = new AbortController();
    this.asking = { ...asking, signal: this.stop.signal };
    this.base = base;
    this.run += 1;
    clearTimeout(this.timer);
    if (!layout && this.ready) {
      this.flush();
      void this.annotate();
      return;
    }
    void this.lay();
  }

  /** Ends everything that is under way. */
  end(): void {
    this.stop.abort();
    clearTimeout(this.timer);
  }

  /** Says whether a panel is near the view: those that are have their data asked for. */
  see(key: string, near: boolean): void {
    if (!near) {
      this.seen.delete(key);
      return;
    }
    this.seen.add(key);
    if (!this.ready || this.runs.get(key) === this.run) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), TOGETHER_MS);
  }

  private tell(key: string): void {
    for (const listener of this.listeners.get(key) ?? []) listener();
  }

  private setFrame(change: Partial<Frame>): void {
    this.frame = { ...this.frame, ...change };
    this.tell('');
  }

  private setPanel(key: string, state: PanelState): void {
    this.panels.set(key, state);
    this.tell(key);
  }

  private async lay(): Promise<void> {
    const { base, asking, run } = this;
    if (!base) return;
    this.ready = false;
    this.setFrame({ asking: true, error: null });
    const annotations: AnnotationAnswer[] = [];
    try {
      await this.askLines({ ...base, include: ['variables', 'layout', 'annotations'] }, asking, (line) => {
        if (run !== this.run) return;
        if (line.kind === 'variables') this.setFrame({ variables: line.variables });
        if (line.kind === 'annotations') annotations.push(line);
        if (line.kind !== 'layout') return;
        this.setFrame({ title: line.title, tabs: line.tabs, links: line.links, asking: false });
        // Panels need not wait for annotations.
        this.ready = true;
        this.flush();
      });
      if (run === this.run) this.setFrame({ annotations, asking: false });
    } catch (error) {
      if (isAbort(error) || run !== this.run) return;
      this.setFrame({ asking: false, error: error instanceof Error ? error : new Error(String(error)) });
    }
  }

  private async annotate(): Promise<void> {
    const { base, asking, run } = this;
    if (!base || this.frame.annotations.length === 0) return;
    const annotations: AnnotationAnswer[] = [];
    try {
      await this.askLines(
        { ...base, include: ['annotations'], panels: [], refresh_variables: false },
        asking,
        (line) => {
          if (line.kind === 'annotations') annotations.push(line);
        },
      );
      if (run === this.run) this.setFrame({ annotations });
    } catch {
      // The marks of before stay; the panels say what is wrong.
    }
  }

  private flush(): void {
    const keys = [...this.seen].filter((key) => this.runs.get(key) !== this.run);
    if (keys.length > 0) void this.fill(keys);
  }

  private async fill(keys: readonly string[]): Promise<void> {
    const { base, asking, run } = this;
    if (!base) return;
    for (const key of keys) {
      this.runs.set(key, run);
      this.setPanel(key, { ...this.panelNow(key), asking: true });
    }
    const open = new Set(keys);
    let failed: string | null = null;
    try {
      await this.askLines(
        { ...base, include: ['panels'], panels: keys, refresh_variables: false },
        asking,
        (line) => {
          if (line.kind !== 'panel' || run !== this.run) return;
          open.delete(line.panel);
          this.setPanel(line.panel, { answer: line, asking: false, error: null });
        },
      );
    } catch (error) {
      if (isAbort(error)) return;
      failed = messageOf(error);
    }
    if (run !== this.run) return;
    for (const key of open) this.setPanel(key, { ...this.panelNow(key), asking: false, error: failed });
  }
}
