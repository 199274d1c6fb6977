import type { EditorView } from '@codemirror/view';
import clsx from 'clsx';
import { useEffect, useRef, type ReactElement } from 'react';
import { makeEditor, markError, setText } from './editor';
import styles from './promql.module.css';

export interface QueryEditorProps {
  text: string;
  /** What it is called for readers who cannot see where it stands. */
  label?: string;
  tenant: string | null;
  /** Variables that the text may refer to, as that of a dashboard does. */
  variables?: readonly string[];
  onChange: (text: string) => void;
  onRun: () => void;
  /** The server's words about this very text; a position in them is marked. */
  error?: string | null;
  /** Whoever opens the page begins here; what is typed takes the place of what stands in it. */
  autoFocus?: boolean;
}

export function QueryEditor(props: QueryEditorProps): ReactElement {
  const holder = useRef<HTMLDivElement>(null);
  const { tenant, error = null, label = 'PromQL expression' } = props;
  const refers = props.variables !== undefined;
  const view = useRef<EditorView | null>(null);
  const latest = useRef(props);
  useEffect(() => {
    latest.current = props;
  });
  useEffect(() => {
    if (!holder.current) return undefined;
    const made = makeEditor(holder.current, latest.current.text, {
      tenant,
      label,
      variables: refers ? () => latest.current.variables ?? [] : null,
      run: () => latest.current.onRun(),
      changed: (text) => latest.current.onChange(text),
    });
    view.current = made.view;
    if (latest.current.autoFocus) {
      made.view.dispatch({ selection: { anchor: 0, head: made.view.state.doc.length } });
      made.view.focus();
    }
    return () => {
      made.stop();
      view.current = null;
    };
  }, [tenant, refers, label]);
  useEffect(() => {
    if (view.current) setText(view.current, props.text);
  }, [props.text]);
  useEffect(() => {
    if (view.current) markError(view.current, error);
  }, [error]);
  return <div className={clsx(styles.editor, error !== null && styles.wrong)} ref={holder} />;
}
