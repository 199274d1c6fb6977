import clsx from 'clsx';
import {
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  type ReactElement,
  type ReactNode,
} from 'react';
import type { Annotation } from '../chart/marks';
import type { PanelModel } from '../api/dashboards';
import { usePageClock, useScheme } from '../design/hooks';
import { Glyph } from '../design/Glyph';
import { Menu, type MenuEntry } from '../design/Menu';
import { Skeleton } from '../design/Skeleton';
import { Value } from '../design/Value';
import { visibleText } from '../design/value';
import { readFrames } from '../panels/answer';
import { readLinks } from '../panels/config';
import { usePanelPage } from '../panels/context';
import { plainLinks } from '../panels/links';
import { hasData, PanelBody } from '../panels/PanelBody';
import { soleQuery } from '../panels/series/expected';
import { PanelLink } from '../panels/PanelLink';
import type { Span } from '../time/range';
import type { Board, PanelState } from './board';
import { filled } from './state';
import { useFrame, usePanelState } from './useBoard';
import styles from './dashboard.module.css';

/** So far from the view panels are asked for and drawn. */
const NEAR = '320px 0px';
const HEAD_PX = 28;
const EDGE_PX = 8;

/** Whether an element is in the view or near it. */
function useNear(): { ref: (element: HTMLElement | null) => void; near: boolean } {
  const [element, setElement] = useState<HTMLElement | null>(null);
  const [near, setNear] = useState(false);
  useEffect(() => {
    if (!element) return undefined;
    const observer = new IntersectionObserver(([entry]) => setNear(entry?.isIntersecting ?? false), {
      rootMargin: NEAR,
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [element]);
  return { ref: setElement, near };
}

/** What went wrong, and what is remarkable, as a mark whose hover tells it. */
function Remarks({ state }: { state: PanelState }): ReactElement | null {
  const { answer, error } = state;
  const errors = [
    ...(error === null ? [] : [error]),
    ...(answer?.errors ?? []).map(({ ref, message }) => (ref === '' ? message : `${ref}: ${message}`)),
  ];
  const notices = (answer?.notices ?? []).map(({ text }) => text);
  if (errors.length + notices.length === 0) return null;
  const said = visibleText([...errors, ...notices].join('\n'));
  const bad = errors.length > 0;
  return (
    <span
      className={clsx(styles.remark, bad ? styles.bad : styles.warn)}
      title={said}
      role="img"
      aria-label={said}
    >
      <Glyph name={bad ? 'error' : 'warning'} size={14} />
    </span>
  );
}

/** In the place of a panel whose queries all failed: what was said, and what can be done. */
function Failed({ state, height }: { state: PanelState; height: number }): ReactElement {
  const [first] = state.answer?.errors ?? [];
  const message = first?.message ?? state.error ?? 'no answer came';
  return (
    <div className={styles.failed} style={{ height }} role="alert">
      <Glyph name="error" size={18} />
      <span>
        <Value text={message} />
        {first?.hint ? (
          <span className="dim">
            {' '}
            <Value text={first.hint} />
          </span>
        ) : null}
      </span>
    </div>
  );
}

export interface PanelCardProps {
  panel: PanelModel;
  /** The key under which the board has its data; of what is drawn from a draft it is another's. */
  dataKey: string;
  board: Board;
  width: number;
  height: number;
  range: Span;
  annotations: readonly Annotation[];
  entries: readonly MenuEntry[];
  /** Handles and the like, at the head. */
  tools?: ReactNode;
  nowMs: number;
}

function Body(
  props: PanelCardProps & { near: boolean; state: PanelState; bodyHeight: number },
): ReactElement | null {
  const { panel, state, near, width, bodyHeight, range, annotations, nowMs } = props;
  const scheme = useScheme();
  const { utc } = usePageClock();
  const looks = useMemo(() => ({ scheme, clock: { nowMs, utc } }), [scheme, nowMs, utc]);
  const { answer } = state;
  const { variables } = useFrame(props.board);
  const expr = useMemo(() => {
    const asked = soleQuery(panel);
    if (asked === undefined || answer === null) return undefined;
    return filled(asked, variables, answer.interval_ms, answer.to - answer.from);
  }, [panel, answer, variables]);
  const frames = useMemo(() => (answer ? readFrames(answer.frames) : []), [answer]);
  const shown = useMemo(() => (answer ? { fromMs: answer.from, toMs: answer.to } : range), [answer, range]);
  if (panel.library && !panel.library.is_found)
    return (
      <div className={styles.failed} style={{ height: bodyHeight }} role="status">
        The library panel {visibleText(panel.library.name)} is not here.
      </div>
    );
  if (!near) return null;
  const waits = hasData(panel.type) && panel.targets.length > 0 && answer === null;
  if (waits && state.error !== null) return <Failed state={state} height={bodyHeight} />;
  if (waits) return <Skeleton kind="chart" label={panel.title || 'Panel'} height={bodyHeight} />;
  if (answer && answer.frames.length === 0 && answer.errors.length > 0)
    return <Failed state={state} height={bodyHeight} />;
  return (
    <PanelBody
      type={panel.type}
      title={panel.title}
      options={panel.options}
      fieldConfig={panel.fieldConfig}
      transformations={panel.transformations}
      frames={frames}
      range={shown}
      width={width - 2 * EDGE_PX}
      height={bodyHeight}
      looks={looks}
      annotations={annotations}
      {...(expr === undefined ? {} : { expr })}
    />
  );
}

/** A panel in its place: its name, what it may be asked to do, its data. */
export function PanelCard(props: PanelCardProps): ReactElement {
  const { panel, dataKey, board, height, entries } = props;
  const { ref, near } = useNear();
  const page = usePanelPage();
  const state = usePanelState(board, dataKey);
  const asks = hasData(panel.type) && panel.targets.length > 0;
  useLayoutEffect(() => {
    if (!asks) return undefined;
    board.see(dataKey, near);
    return () => board.see(dataKey, false);
  }, [board, dataKey, near, asks]);
  const headed = panel.title !== '' || !panel.transparent;
  const links = useMemo(() => plainLinks(readLinks(panel.links), page), [panel.links, page]);
  const label = state.answer?.label;
  const focus = useRef<HTMLElement | null>(null);
  return (
    <section
      ref={(element) => {
        ref(element);
        focus.current = element;
      }}
      className={clsx(styles.card, panel.transparent ? styles.bare : 'panel')}
      style={{ height }}
      aria-label={visibleText(panel.title || `Panel ${panel.id ?? ''}`)}
      aria-busy={state.asking}
      data-panel={panel.key}
    >
      <header className={clsx(styles.head, panel.title === '' && styles.untitled)}>
        {props.tools}
        <h2 className="ellipsis" title={visibleText(panel.title)}>
          {panel.title === '' ? null : <Value text={panel.title} />}
        </h2>
        {panel.description === '' ? null : (
          <span
            className={styles.remark}
            title={visibleText(panel.description)}
            role="img"
            aria-label={visibleText(panel.description)}
          >
            <Glyph name="info" size={14} />
          </span>
        )}
        {label ? <span className={clsx('dim', styles.label)}>{label}</span> : null}
        <Remarks state={state} />
        <span className="grow" />
        {links.map((link, i) => (
          <PanelLink key={i} link={link} className={styles.remark}>
            <Glyph name="external" size={14} />
            <span className="visually-hidden">{visibleText(link.title)}</span>
          </PanelLink>
        ))}
        {state.asking && state.answer ? <span className={styles.busy} /> : null}
        {entries.length > 0 ? (
          <span className={styles.menu}>
            <Menu
              label={`Menu of ${visibleText(panel.title || 'the panel')}`}
              icon="more"
              compact
              entries={entries}
            />
          </span>
        ) : null}
      </header>
      <Body
        {...props}
        near={near}
        state={state}
        bodyHeight={Math.max(24, height - (headed ? HEAD_PX : 4) - EDGE_PX - 2)}
      />
    </section>
  );
}
