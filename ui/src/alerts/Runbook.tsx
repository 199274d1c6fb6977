import { lexer, type Token, type Tokens } from 'marked';
import { createContext, Fragment, use, useState, type ReactElement, type ReactNode } from 'react';
import { useAddress } from '../address/hooks';
import { askForAction, tickStep, type Step } from '../api/alerting';
import { Button, CheckBox } from '../design/Button';
import { Note } from '../design/parts';
import { Value } from '../design/Value';
import { ConfirmDeed } from '../session/ConfirmDeed';
import { whyNot } from '../session/lacking';
import { useMay } from '../session/session';
import { useDeed } from '../session/useDeed';
import styles from './alerts.module.css';
import { Ago } from './parts';
import { actionOf, stepText, ticksOf, type Tick } from './runbookSteps';

/** The alert that a runbook is about, and what of it is ticked. */
const Upon = createContext<{ id: string; ticks: ReadonlyMap<string, Tick> }>({ id: '', ticks: new Map() });

/** A step that is ticked when it is done; who did when is beside it. */
function Ticked({ text, children }: { text: string; children: ReactNode }): ReactElement {
  const { id, ticks } = use(Upon);
  const { tenant } = useAddress();
  const may = useMay();
  const deed = useDeed();
  const tick = ticks.get(text);
  const why = whyNot(may, 'alerts.acknowledge', 'Steps are ticked');
  return (
    <li className={styles.tick}>
      <CheckBox
        aria-label={text}
        checked={tick !== undefined}
        whyNot={why}
        disabled={deed.busy}
        onChange={() => void deed.run(() => tickStep(id, text, tick === undefined, { tenant }))}
      />
      <div>
        {children}
        {tick ? (
          <span className="dim">
            {' '}
            <Value text={tick.by} />, <Ago at={tick.at} />
          </span>
        ) : null}
        {deed.error ? <Note level="bad">{deed.error.message}</Note> : null}
      </div>
    </li>
  );
}

/** A button that runs an action upon the alert, after a question. */
function RunAction({ name, children }: { name: string; children: ReactNode }): ReactElement {
  const { id } = use(Upon);
  const { tenant } = useAddress();
  const may = useMay();
  const [asks, setAsks] = useState(false);
  const why = whyNot(may, 'alerts.escalate', 'Actions are run');
  return (
    <>
      <Button whyNot={why} title={`Runs the action ${name}`} onClick={() => setAsks(true)}>
        {children}
      </Button>
      {asks ? (
        <ConfirmDeed
          title="Run an action"
          action="Run it"
          said="It is about to be done; what comes of it stands below"
          run={() => askForAction(id, name, { tenant })}
          onClose={() => setAsks(false)}
        >
          The action <Value text={name} /> is carried out upon this alert, as it is defined.
        </ConfirmDeed>
      ) : null}
    </>
  );
}

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
  const items = token.items.map((item, i) =>
    item.task ? (
      <Ticked key={i} text={stepText(item.text)}>
        {all(item.tokens, depth)}
      </Ticked>
    ) : (
      <li key={i}>{all(item.tokens, depth)}</li>
    ),
  );
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
  const action = actionOf(token.href);
  if (action !== null) return <RunAction name={action}>{all(token.tokens, depth)}</RunAction>;
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
    case 'checkbox':
      // The box of a step is drawn by the step.
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
export default function Runbook(props: {
  text: string;
  /** The fingerprint of the alert that it is about. */
  id: string;
  steps: readonly Step[];
}): ReactElement {
  const { text, id, steps } = props;
  return (
    <Upon value={{ id, ticks: ticksOf(steps) }}>
      <div className={styles.markdown}>{all(lexer(text.slice(0, MOST_CHARS)), 0)}</div>
    </Upon>
  );
}
