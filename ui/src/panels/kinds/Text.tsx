import { parse } from 'marked';
import { useMemo, type ReactElement } from 'react';
import { CodeView } from '../../design/CodeView';
import type { CodeLanguage } from '../../design/code';
import type { KindProps } from '../context';
import { oneAt, textAt } from '../json';
import { SafeHtml } from '../SafeHtml';
import styles from './text.module.css';

const MOST_CHARS = 100_000;

/** Markdown, HTML or code; of HTML only what is text. */
export default function Text({ options, height, title }: KindProps): ReactElement {
  const mode = oneAt(options, 'mode', ['markdown', 'html', 'code']);
  const content = textAt(options, 'content').slice(0, MOST_CHARS);
  const html = useMemo(
    () => (mode === 'markdown' ? parse(content, { async: false, gfm: true, breaks: true }) : content),
    [mode, content],
  );
  if (mode === 'code') {
    const language: CodeLanguage = textAt(options, 'code.language') === 'json' ? 'json' : 'text';
    return (
      <div className={styles.text} style={{ height }} tabIndex={0} role="group" aria-label={title || 'Text'}>
        <CodeView text={content} label={title || 'Text'} language={language} />
      </div>
    );
  }
  return (
    <div className={styles.text} style={{ height }} tabIndex={0} role="group" aria-label={title || 'Text'}>
      <SafeHtml html={html} />
    </div>
  );
}
