import type { EditorView } from '@codemirror/view';
import clsx from 'clsx';
import { useEffect, useRef, type ReactElement } from 'react';
import { makeEditor, markError, setText } from './editor';
import styles from './explore.module.css';

export interface QueryEditorProps {
  text: string;
  tenant: string | null;
  onChange: (text: string) => void;
  onRun: () => void;
  /** The server's words about this very text; a position in them is marked. */
  error: string | null;
  autoFocus: boolean;
}

export function QueryEditor(props: QueryEditorProps): ReactElement {
  const holder = useRef<HTMLDivElement>(null);
  const { tenant } = props;
  const view = useRef<EditorView | null>(null);
  const latest = useRef(props);
  useEffect(() => {
    latest.current = props;
  });
  useEffect(() => {
    if (!holder.current) return undefined;
    const made = makeEditor(holder.current, latest.current.text, {
      tenant,
      run: () => latest.current.onRun(),
      changed: (text) => latest.current.onChange(text),
    });
    view.current = made.view;
    if (latest.current.autoFocus) made.view.focus();
    return () => {
      made.stop();
      view.current = null;
    };
  }, [tenant]);
  useEffect(() => {
    if (view.current) setText(view.current, props.text);
  }, [props.text]);
  useEffect(() => {
    if (view.current) markError(view.current, props.error);
  }, [props.error]);
  return <div className={clsx(styles.editor, props.error !== null && styles.wrong)} ref={holder} />;
}
