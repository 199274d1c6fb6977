import { createElement, Fragment, type ReactElement, type ReactNode } from 'react';
import type { Scheme } from '../design/colors';
import { useScheme } from '../design/hooks';
import { Value } from '../design/Value';
import { readStyle } from './htmlStyle';
import { safeAddress } from './links';
import { PanelLink } from './PanelLink';

/** What of HTML is let through, and as what; none of it can act, load or look like the page's own. */
const TAGS: Readonly<Record<string, string>> = Object.fromEntries<string>([
  ...[
    'p',
    'div',
    'span',
    'b',
    'strong',
    'i',
    'em',
    'u',
    's',
    'del',
    'ins',
    'sub',
    'sup',
    'small',
    'mark',
    'kbd',
    'code',
    'pre',
    'blockquote',
    'ul',
    'ol',
    'li',
    'dl',
    'dt',
    'dd',
    'table',
    'thead',
    'tbody',
    'tfoot',
    'tr',
    'th',
    'td',
    'caption',
    'details',
    'summary',
    'section',
    'article',
    'header',
    'footer',
  ].map((tag): [string, string] => [tag, tag]),
  ['center', 'div'],
  ['font', 'span'],
  // The page has headings of its own above.
  ['h1', 'h3'],
  ['h2', 'h3'],
  ['h3', 'h3'],
  ['h4', 'h4'],
  ['h5', 'h5'],
  ['h6', 'h6'],
]);
const EMPTY: readonly string[] = ['br', 'hr'];
/** Where their content is no text for readers. */
const SILENT: readonly string[] = [
  'script',
  'style',
  'iframe',
  'object',
  'embed',
  'template',
  'noscript',
  'svg',
  'math',
  'title',
  'head',
  'form',
  'input',
  'button',
  'select',
  'textarea',
  'audio',
  'video',
];
const DEEPEST = 40;

function children(node: Node, depth: number, scheme: Scheme): ReactNode {
  return [...node.childNodes].map((child, i) => (
    <Fragment key={i}>{shown(child, depth + 1, scheme)}</Fragment>
  ));
}

function picture(element: Element): ReactNode {
  const name = element.getAttribute('alt') || 'picture';
  const address = safeAddress(element.getAttribute('src') ?? '');
  // Nothing is loaded from elsewhere: a picture is its name, and the way to it.
  return address ? (
    <PanelLink link={{ ...address, title: name, newTab: true }}>{`[${name}]`}</PanelLink>
  ) : (
    `[${name}]`
  );
}

function shown(node: Node, depth: number, scheme: Scheme): ReactNode {
  if (node.nodeType === Node.TEXT_NODE) {
    const text = node.textContent ?? '';
    return text.trim() === '' ? text : <Value text={text.replaceAll(/\s*\n\s*/gu, ' ')} />;
  }
  if (!(node instanceof Element) || depth > DEEPEST) return null;
  const tag = node.tagName.toLowerCase();
  if (SILENT.includes(tag)) return null;
  if (EMPTY.includes(tag)) return createElement(tag);
  if (tag === 'img') return picture(node);
  if (tag === 'pre') return <pre tabIndex={0}>{node.textContent}</pre>;
  if (tag === 'a') {
    const address = safeAddress(node.getAttribute('href') ?? '');
    const content = children(node, depth, scheme);
    return address ? (
      <PanelLink link={{ ...address, title: address.href, newTab: !address.own }}>{content}</PanelLink>
    ) : (
      content
    );
  }
  const made = TAGS[tag];
  const within = children(node, depth, scheme);
  if (made === undefined) return within;
  const style = readStyle(
    {
      tag,
      style: node.getAttribute(KEPT_STYLE),
      align: node.getAttribute('align'),
      color: tag === 'font' ? node.getAttribute('color') : null,
      classes: [...node.classList],
    },
    scheme,
  );
  return createElement(made, style === undefined ? null : { style }, within);
}

const TAG = /<[^>]*>/gu;
const ACTING = /([\s"'/])on\w+(\s*=)/giu;
const STYLE = /([\s"'/])style(\s*=)/giu;
/** Where a style waits to be looked at. */
const KEPT_STYLE = 'data-style';

/** `html` without what the browser would refuse, and report, already at reading: handlers and styles in tags. */
function quiet(html: string): string {
  return html.replace(TAG, (tag) => tag.replace(ACTING, '$1data-off$2').replace(STYLE, `$1${KEPT_STYLE}$2`));
}

/** HTML that somebody wrote, as far as it is only text, its place and colours: no scripts, pictures or frames. */
export function SafeHtml({ html }: { html: string }): ReactElement {
  const scheme = useScheme();
  // A document of its own, in which nothing runs or loads.
  const { body } = new DOMParser().parseFromString(quiet(html), 'text/html');
  return <>{children(body, 0, scheme)}</>;
}
