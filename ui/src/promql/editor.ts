// The PromQL editor: CodeMirror with Prometheus' own language package.

import {
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
  completionStatus,
  startCompletion,
  type CompletionContext,
  type CompletionResult,
} from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { bracketMatching, HighlightStyle, indentOnInput, syntaxHighlighting } from '@codemirror/language';
import { lintKeymap } from '@codemirror/lint';
import { EditorState, Prec, StateEffect, StateField, type Extension } from '@codemirror/state';
import {
  Decoration,
  EditorView,
  keymap,
  MatchDecorator,
  placeholder,
  ViewPlugin,
  type DecorationSet,
  type ViewUpdate,
} from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { PromQLExtension } from '@prometheus-io/codemirror-promql';
import { tenantHeaders } from '../api/client';

const colors = HighlightStyle.define([
  { tag: tags.variableName, color: 'var(--syn-metric)' },
  { tag: tags.function(tags.variableName), color: 'var(--syn-keyword)' },
  {
    tag: [tags.operatorKeyword, tags.modifier, tags.logicOperator],
    color: 'var(--syn-keyword)',
    fontWeight: '600',
  },
  { tag: tags.labelName, color: 'var(--syn-label)' },
  { tag: tags.string, color: 'var(--syn-string)' },
  { tag: tags.number, color: 'var(--syn-number)' },
  { tag: tags.comment, color: 'var(--dim)', fontStyle: 'italic' },
  { tag: [tags.operator, tags.arithmeticOperator], color: 'var(--text)' },
  { tag: tags.invalid, color: 'var(--bad)' },
]);

const look = EditorView.theme({
  '&': { color: 'var(--text)', backgroundColor: 'transparent', fontSize: '13px' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': {
    fontFamily: 'var(--mono)',
    lineHeight: '1.6',
    fontVariantLigatures: 'none',
    maxHeight: '240px',
  },
  '.cm-content': { padding: '7px 0', caretColor: 'var(--text)' },
  '.cm-line': { padding: '0 10px' },
  '.cm-cursor': { borderLeftColor: 'var(--text)', borderLeftWidth: '1.5px' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground, .cm-content ::selection':
    { backgroundColor: 'color-mix(in srgb, var(--accent) 28%, transparent)' },
  '.cm-placeholder': { color: 'var(--dim)' },
  '&.cm-focused .cm-matchingBracket': {
    backgroundColor: 'var(--accent-soft)',
    outline: '1px solid var(--accent)',
  },
  '.cm-server-error': {
    textDecoration: 'underline wavy var(--bad)',
    textUnderlineOffset: '3px',
    backgroundColor: 'var(--bad-soft)',
  },
  '.cm-reference, .cm-reference *': { color: 'var(--accent)', fontWeight: '600' },
  '.cm-tooltip': {
    backgroundColor: 'var(--raised)',
    border: '1px solid var(--line)',
    borderRadius: '6px',
    boxShadow: 'var(--shadow)',
    overflow: 'hidden',
    zIndex: '300',
  },
  '.cm-tooltip.cm-tooltip-autocomplete > ul': {
    fontFamily: 'var(--mono)',
    fontSize: '12px',
    maxHeight: '260px',
    minWidth: '240px',
  },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li': { padding: '3px 8px', lineHeight: '1.5' },
  '.cm-tooltip-autocomplete ul li[aria-selected]': {
    backgroundColor: 'var(--accent-soft)',
    color: 'var(--text)',
  },
  '.cm-completionDetail': { color: 'var(--dim)', fontStyle: 'normal', marginLeft: '10px' },
  '.cm-completionMatchedText': { color: 'var(--accent)', textDecoration: 'none', fontWeight: '600' },
  '.cm-completionIcon': { display: 'none' },
  '.cm-tooltip .cm-completionInfo': {
    padding: '6px 10px',
    maxWidth: '320px',
    fontFamily: 'var(--sans)',
    fontSize: '12px',
  },
  '.cm-diagnostic': { padding: '4px 8px', fontFamily: 'var(--sans)', fontSize: '12px' },
  '.cm-diagnostic-error': { borderLeftColor: 'var(--bad)' },
  '.cm-lintRange-error': {
    backgroundImage: 'none',
    textDecoration: 'underline wavy var(--bad)',
    textUnderlineOffset: '3px',
  },
});

const setErrorAt = StateEffect.define<number | null>();

const errorMark = Decoration.mark({ class: 'cm-server-error' });

/** The place that the server found wrong; forgotten with the next change. */
const serverError = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(marks, transaction) {
    let next = transaction.docChanged ? Decoration.none : marks;
    for (const effect of transaction.effects) {
      if (!effect.is(setErrorAt)) continue;
      next = Decoration.none;
      if (effect.value === null) continue;
      const length = transaction.state.doc.length;
      const from = Math.min(effect.value, Math.max(0, length - 1));
      const word = transaction.state.wordAt(from);
      const to = Math.min(length, Math.max(from + 1, word?.to ?? 0));
      if (to > from) next = Decoration.set([errorMark.range(from, to)]);
    }
    return next;
  },
  provide: (field) => EditorView.decorations.from(field),
});

/** Line and column (both from 1) that a Prometheus parse error names, if it does: `1:5: parse error: ...`. */
export function errorPosition(message: string): { line: number; column: number } | null {
  const found = /(?:^|\s|")(\d+):(\d+): parse error/.exec(message);
  return found ? { line: Number(found[1]), column: Number(found[2]) } : null;
}

/** Marks where `message` says that the query is wrong, or takes the mark away. */
export function markError(view: EditorView, message: string | null): void {
  const position = message === null ? null : errorPosition(message);
  let at: number | null = null;
  if (position && position.line <= view.state.doc.lines) {
    const line = view.state.doc.line(position.line);
    at = Math.min(line.to, line.from + position.column - 1);
  }
  view.dispatch({ effects: setErrorAt.of(at) });
}

/**
 * Types over a selection by ourselves. Left to it, Chromium gives the new text the style of what was selected, in
 * a style attribute, which the page's policy forbids (and says so in the console).
 */
const typeOver = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const { data, inputType } = event;
    const { from, to, empty } = view.state.selection.main;
    if (inputType !== 'insertText' || !data || empty || view.composing) return false;
    const insert = () =>
      view.state.update(view.state.replaceSelection(data), { userEvent: 'input.type', scrollIntoView: true });
    const isHandled = view.state
      .facet(EditorView.inputHandler)
      .some((handler) => handler(view, from, to, data, insert));
    if (!isHandled) view.dispatch(insert());
    return true;
  },
});

/** Escape ends the completion, and not the drawer that the editor stands in, which hears it before the editor does. */
const escapeIsOurs = EditorView.contentAttributes.of((view): Record<string, string> =>
  completionStatus(view.state) === 'active' ? { 'data-mantine-stop-propagation': 'true' } : {},
);

/** A reference to a variable, in each of the ways that dashboards write it. */
const references = new MatchDecorator({
  regexp: /\$\w+|\$\{[^}\s]*\}|\[\[\w+(?::\w+)?\]\]/g,
  decoration: Decoration.mark({ class: 'cm-reference' }),
});

/** Marks references: the language knows none, and takes them for faults. */
const referenceMarks = ViewPlugin.fromClass(
  class {
    marks: DecorationSet;

    constructor(view: EditorView) {
      this.marks = references.createDeco(view);
    }

    update(update: ViewUpdate): void {
      this.marks = references.updateDeco(update, this.marks);
    }
  },
  { decorations: ({ marks }) => marks },
);

/** References that any dashboard has. */
const BUILT_IN = [
  ['__rate_interval', 'a range that fits rate()'],
  ['__interval', 'the step'],
  ['__range', 'the time shown'],
] as const;

function completeReference(names: readonly string[], context: CompletionContext): CompletionResult | null {
  const typed = context.matchBefore(/\$\{?\w*/);
  if (typed === null) return null;
  const closed = typed.text.startsWith('${');
  const written = (name: string): string => (closed ? `\${${name}}` : `$${name}`);
  return {
    from: typed.from,
    options: [
      ...names.map((name) => ({ label: written(name), detail: 'variable', boost: 1 })),
      ...BUILT_IN.map(([name, detail]) => ({ label: written(name), detail })),
    ],
    validFor: /^\$\{?\w*\}?$/,
  };
}

export interface EditorActions {
  /** Whose names are completed. */
  tenant: string | null;
  label: string;
  /** Variables that the text may refer to; null where it refers to none. */
  variables: (() => readonly string[]) | null;
  run: () => void;
  changed: (text: string) => void;
}

function language({ tenant, variables }: EditorActions): { extension: Extension; stop: () => void } {
  // Until its references are filled, the text of a dashboard is no PromQL: only the server can tell what is wrong.
  const promql = new PromQLExtension().activateLinter(variables === null).setComplete({
    remote: {
      url: '',
      httpMethod: 'GET',
      cache: { maxAge: 60_000 },
      requestHeaders: new Headers(tenantHeaders(tenant)),
    },
  });
  if (variables === null) return { extension: promql.asExtension(), stop: () => promql.destroy() };
  // One function for good: another one at each asking would begin completion anew each time.
  const source = (context: CompletionContext): CompletionResult | null =>
    completeReference(variables(), context);
  const offered = EditorState.languageData.of(() => [{ autocomplete: source }]);
  return { extension: [promql.asExtension(), referenceMarks, offered], stop: () => promql.destroy() };
}

/** An editor in `parent`; `stop` must be called when it leaves the page. */
export function makeEditor(
  parent: HTMLElement,
  text: string,
  actions: EditorActions,
): { view: EditorView; stop: () => void } {
  const promql = language(actions);
  const run = (): boolean => {
    actions.run();
    return true;
  };
  const state = EditorState.create({
    doc: text,
    extensions: [
      Prec.highest(keymap.of([{ key: 'Mod-Enter', run }])),
      history(),
      indentOnInput(),
      bracketMatching(),
      closeBrackets(),
      autocompletion({ icons: false, maxRenderedOptions: 200 }),
      syntaxHighlighting(colors),
      look,
      serverError,
      EditorView.lineWrapping,
      placeholder(
        'PromQL, such as rate(node_cpu_seconds_total[5m]); Enter runs it, Shift-Enter starts a new line',
      ),
      promql.extension,
      keymap.of([
        { key: 'Mod-Space', run: startCompletion },
        ...closeBracketsKeymap,
        ...completionKeymap,
        { key: 'Enter', run },
        ...historyKeymap,
        ...lintKeymap,
        ...defaultKeymap,
      ]),
      typeOver,
      escapeIsOurs,
      EditorView.contentAttributes.of({
        'aria-label': actions.label,
        'data-search': '',
        spellcheck: 'false',
      }),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) actions.changed(update.state.doc.toString());
      }),
    ],
  });
  const view = new EditorView({ state, parent });
  return {
    view,
    stop: () => {
      view.destroy();
      promql.stop();
    },
  };
}

/** Replaces the whole text, unless it is the same already. */
export function setText(view: EditorView, text: string): void {
  if (view.state.doc.toString() === text) return;
  view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
}
