import {
  useCallback,
  useEffect,
  useId,
  useLayoutEffect,
  useRef,
  useState,
  type ComponentProps,
  type DOMAttributes,
  type MouseEvent,
  type PointerEvent,
  type ReactElement,
  type ReactPortal,
  type RefObject,
} from 'react';
import { createPortal } from 'react-dom';
import styles from './button.module.css';

/** Between a reason and its control, and the edge of the window. */
const GAP = 5;
const MARGIN = 8;

/** Puts `box` above a control, or below it where there is no room, and within the window. */
function place(box: HTMLElement, of: HTMLElement): void {
  const { left, top, bottom, width } = of.getBoundingClientRect();
  const beside = Math.min(left + (width - box.offsetWidth) / 2, window.innerWidth - box.offsetWidth - MARGIN);
  const above = top - box.offsetHeight - GAP;
  box.style.left = `${Math.round(Math.max(MARGIN, beside))}px`;
  box.style.top = `${Math.round(above < MARGIN ? bottom + GAP : above)}px`;
}

/** Why a control does nothing, beside it until something else is touched or Escape is pressed. */
function Reason(props: { of: RefObject<HTMLElement | null>; text: string; onHide: () => void }): ReactPortal {
  const { of, text, onHide } = props;
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const follow = (): void => {
      if (box.current && of.current) place(box.current, of.current);
    };
    follow();
    document.addEventListener('scroll', follow, { capture: true, passive: true });
    window.addEventListener('resize', follow);
    return () => {
      document.removeEventListener('scroll', follow, { capture: true });
      window.removeEventListener('resize', follow);
    };
  }, [of, text]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key === 'Escape') onHide();
    };
    // Where a finger rests, nothing tells that the pointer left.
    const onPointer = (event: Event): void => {
      if (event.target instanceof Node && !of.current?.contains(event.target)) onHide();
    };
    document.addEventListener('keydown', onKey);
    document.addEventListener('pointerdown', onPointer);
    return () => {
      document.removeEventListener('keydown', onKey);
      document.removeEventListener('pointerdown', onPointer);
    };
  }, [of, onHide]);
  // What is around the control may clip what it holds. Readers have it already, as what describes the control.
  return createPortal(
    <div ref={box} aria-hidden data-why className={styles.reason}>
      {text}
    </div>,
    document.body,
  );
}

/**
 * What a control has while something bars it: it keeps its place among the stops of the keyboard, and says why it does
 * nothing to who points at it, touches it, comes to it by keys, presses it, or has it read aloud. `reason` stands in
 * it or beside it.
 */
function useBarred<T extends HTMLElement>(
  whyNot: string | null,
  disabled: boolean,
): {
  bars: DOMAttributes<T> & { ref: RefObject<T | null>; disabled?: boolean };
  reason: ReactElement | null;
} {
  const ref = useRef<T>(null);
  const id = useId();
  const [shown, setShown] = useState(false);
  const hide = useCallback(() => setShown(false), []);
  // What is free again while its reason is shown must not show the next one by itself.
  if (whyNot === null) return { bars: { ref, disabled, onPointerLeave: hide, onBlur: hide }, reason: null };
  const isByKeys = (): boolean => ref.current?.matches(':focus-visible') ?? false;
  const bars = {
    ref,
    'aria-disabled': true,
    'aria-describedby': id,
    onClick: (event: MouseEvent) => {
      // No form is sent, no row is opened. A box is unticked again by whoever holds whether it is ticked.
      if (!(event.currentTarget instanceof HTMLInputElement)) event.preventDefault();
      event.stopPropagation();
      setShown(true);
    },
    // A finger presses; what a browser tells of a mouse in its place comes and goes by itself.
    onPointerEnter: ({ pointerType }: PointerEvent) => {
      if (pointerType === 'mouse') setShown(true);
    },
    onPointerLeave: ({ pointerType }: PointerEvent) => {
      if (pointerType === 'mouse') setShown(isByKeys());
    },
    onFocus: () => setShown(isByKeys()),
    onBlur: hide,
  };
  return {
    bars,
    reason: (
      <>
        <span hidden id={id}>
          {whyNot}
        </span>
        {shown ? <Reason of={ref} text={whyNot} onHide={hide} /> : null}
      </>
    ),
  };
}

/**
 * A button that may be barred: with `whyNot` it does nothing but say so. `disabled` is for what needs no reason: what is
 * under way, and forms that are not filled yet.
 */
export function Button({
  whyNot,
  type = 'button',
  className = 'button',
  disabled = false,
  title,
  children,
  ...button
}: Omit<ComponentProps<'button'>, 'ref' | 'aria-describedby'> & { whyNot: string | null }): ReactElement {
  const { bars, reason } = useBarred<HTMLButtonElement>(whyNot, disabled);
  return (
    <button
      {...button}
      type={type}
      className={className}
      title={whyNot === null ? title : undefined}
      {...bars}
    >
      {children}
      {reason}
    </button>
  );
}

/** A box to tick that may be barred, as `Button` is. */
export function CheckBox({
  whyNot,
  disabled = false,
  onChange,
  ...box
}: Omit<ComponentProps<'input'>, 'ref' | 'type' | 'aria-describedby'> & {
  whyNot: string | null;
}): ReactElement {
  const { bars, reason } = useBarred<HTMLInputElement>(whyNot, disabled);
  return (
    <>
      <input
        {...box}
        type="checkbox"
        onChange={whyNot === null ? onChange : undefined}
        readOnly={whyNot !== null}
        {...bars}
      />
      {reason}
    </>
  );
}
