import { lexer, type Token, type Tokens } from 'marked';
import { Fragment, type ReactElement, type ReactNode } from 'react';
import { Value } from '../design/Value';
import styles from './alerts.module.css';

/** Longer ones are for a page of their own. */
const MOST_CHARS = 50_000;
/** Deeper quotes and lists are shown as they are written. */
const DEEPEST = 12;

/** The address where it is one of the web; null for all others, of which a click might do something. */
function webAddress(text: string): string | null {
  try {
    const { protocol, href } = new URL(text);
    return protocol === 'http:' || protocol === 'https:' ? href : null;
  } catch {
    return null;
  }
}

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };

/** Text as it was meant, where the lexer wrote some signs as HTML does. */
function plain(text: string): string {
  return text.replace(/&(amp|lt|gt|quot|#39);/gu, (_, name: string) => NAMED[name] ?? '');
}

function all(tokens: readonly Token[] | undefined, depth: number): ReactNode {
  return tokens?.map((token, i) => <Fragment key={i}>{one(token, depth + 1)}</Fragment>);
}

function list(token: Tokens.List, depth: number): ReactElement {
  const items = token.items.map((item, i) => <li key={i}>{all(item.tokens, depth)}</li>);
  return token.ordered ? (
    <ol {...(typeof token.start === 'number' ? { start: token.start } : {})}>{items}</ol>
  ) : (
    <ul>{items}</ul>
  );
}

function table(token: Tokens.Table, depth: number): ReactElement {
  return (
    <table>
      <thead>
        <tr>
          {token.header.map((cell, i) => (
            <th key={i} scope="col">
              {all(cell.tokens, depth)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {token.rows.map((row, i) => (
          <tr key={i}>
            {row.map((cell, at) => (
              <td key={at}>{all(cell.tokens, depth)}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function link(token: Tokens.Link, depth: number): ReactNode {
  const address = webAddress(token.href);
  if (address === null) return <Value text={token.raw} />;
  return (
    <a href={address} target="_blank" rel="noreferrer" title={address}>
      {all(token.tokens, depth)}
    </a>
  );
}

/** One piece of Markdown; HTML and pictures are shown as they are written. */
function one(token: Token, depth: number): ReactNode {
  if (depth > DEEPEST) return <Value text={token.raw} />;
  switch (token.type) {
    case 'space':
    case 'def':
      return null;
    case 'br':
      return <br />;
    case 'hr':
      return <hr />;
    case 'heading':
      // The page has headings of its own above.
      return <h3>{all(token.tokens, depth)}</h3>;
    case 'paragraph':
      return <p>{all(token.tokens, depth)}</p>;
    case 'blockquote':
      return <blockquote>{all(token.tokens, depth)}</blockquote>;
    case 'list':
      return list(token as Tokens.List, depth);
    case 'table':
      return table(token as Tokens.Table, depth);
    case 'code':
      return (
        <pre tabIndex={0} aria-label="Code">
          {(token as Tokens.Code).text.split('\n').map((line, i) => (
            <Fragment key={i}>
              {line === '' ? null : <Value text={line} mono />}
              {'\n'}
            </Fragment>
          ))}
        </pre>
      );
    case 'codespan':
      return <Value text={plain((token as Tokens.Codespan).text)} mono />;
    case 'strong':
      return <strong>{all(token.tokens, depth)}</strong>;
    case 'em':
      return <em>{all(token.tokens, depth)}</em>;
    case 'del':
      return <del>{all(token.tokens, depth)}</del>;
    case 'link':
      return link(token as Tokens.Link, depth);
    case 'escape':
      return <Value text={plain((token as Tokens.Escape).text)} />;
    case 'text': {
      const text = token as Tokens.Text;
      if (text.tokens) return all(text.tokens, depth);
      return text.text.trim() === '' ? text.text : <Value text={plain(text.text)} />;
    }
    default:
      return <Value text={token.raw} />;
  }
}

/** A runbook, which is Markdown that somebody sent: no HTML of its own, links to the web alone. */
export default function Runbook({ text }: { text: string }): ReactElement {
  return <div className={styles.markdown}>{all(lexer(text.slice(0, MOST_CHARS)), 0)}</div>;
}
