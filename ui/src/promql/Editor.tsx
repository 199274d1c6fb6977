import { startCompletion } from '@codemirror/autocomplete';
import type { EditorView } from '@codemirror/view';
import clsx from 'clsx';
import { useEffect, useLayoutEffect, useRef, type ReactElement } from 'react';
import { makeEditor, markError, setText } from './editor';
import type { Begun, QueryEditorProps } from './QueryEditor';
import styles from './promql.module.css';

/** The editor itself; it begins where somebody was writing before it had come. */
export default function Editor({ begunRef, ...props }: QueryEditorProps & { begunRef: Begun }): ReactElement {
  const holder = useRef<HTMLDivElement>(null);
  const { tenant, error = null, label = 'PromQL expression' } = props;
  const refers = props.variables !== undefined;
  const view = useRef<EditorView | null>(null);
  const latest = useRef(props);
  useEffect(() => {
    latest.current = props;
  });
  // Before anything else happens: no key is lost between what it takes the place of and the editor.
  useLayoutEffect(() => {
    if (!holder.current) return undefined;
    const made = makeEditor(holder.current, latest.current.text, {
      tenant,
      label,
      variables: refers ? () => latest.current.variables ?? [] : null,
      run: () => latest.current.onRun(),
      changed: (text) => latest.current.onChange(text),
    });
    view.current = made.view;
    const { current: begun } = begunRef;
    // Once: whoever is elsewhere by the time it is made anew stays there.
    begunRef.current = null;
    if (begun !== null || latest.current.autoFocus) {
      const [anchor, head] = begun?.selected ?? [0, made.view.state.doc.length];
      made.view.dispatch({ selection: { anchor, head } });
      made.view.focus();
      // Whoever wrote already is offered names at once, not with the next key.
      if (begun?.wrote) startCompletion(made.view);
    }
    return () => {
      made.stop();
      view.current = null;
    };
  }, [tenant, refers, label, begunRef]);
  useEffect(() => {
    if (view.current) setText(view.current, props.text);
  }, [props.text]);
  useEffect(() => {
    if (view.current) markError(view.current, error);
  }, [error]);
  return (
    <div
      className={clsx(styles.editor, error !== null && styles.wrong)}
      data-written={props.text}
      ref={holder}
    />
  );
}
