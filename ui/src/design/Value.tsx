import type { ReactElement, ReactNode } from 'react';
import type { Labels } from '../api/types';
import { pieces, quotedParts, visibleText } from './value';
import classes from './value.module.css';

function shown(text: string): ReactNode {
  return pieces(text).map((piece, i) =>
    piece.kind === 'text' ? (
      piece.text
    ) : (
      <span key={i} className={piece.kind === 'newline' ? classes.newline : classes.hidden}>
        {piece.text}
      </span>
    ),
  );
}

/**
 * Text that somebody sent: a label's value, a name, a log line. It cannot turn its surroundings around, and what
 * cannot be seen in it is written out. `mono` is for what is compared letter by letter.
 */
export function Value({ text, mono = false }: { text: string; mono?: boolean }): ReactElement {
  return (
    <bdi className={mono ? classes.mono : classes.value}>
      {text === '' ? <span className={classes.hidden}>empty</span> : shown(text)}
    </bdi>
  );
}

/** An expression or a series' name as PromQL writes it, each quoted value isolated. */
export function Expression({ text }: { text: string }): ReactElement {
  return (
    <span className={classes.mono}>
      {quotedParts(text).map((part, i) =>
        i % 2 === 0 ? <span key={i}>{part}</span> : <bdi key={i}>{shown(part)}</bdi>,
      )}
    </span>
  );
}

/** A label set as chips, in the order given, those named in `without` left out. */
export function LabelSet({
  labels,
  without = [],
}: {
  labels: Labels;
  without?: readonly string[];
}): ReactElement {
  return (
    <span className={classes.set}>
      {Object.entries(labels)
        .filter(([name]) => !without.includes(name))
        .map(([name, value]) => (
          <span className={classes.label} key={name} title={visibleText(`${name}="${value}"`)}>
            <bdi className={classes.name}>{shown(name)}</bdi>=&quot;<bdi>{shown(value)}</bdi>&quot;
          </span>
        ))}
    </span>
  );
}

/** Puts `text` into `element` as `Expression` would, for what is drawn outside of React. */
export function fillWithExpression(element: HTMLElement, text: string): void {
  element.replaceChildren(
    ...quotedParts(text).map((part, i) => {
      const made = document.createElement(i % 2 === 0 ? 'span' : 'bdi');
      made.textContent = visibleText(part);
      return made;
    }),
  );
}
