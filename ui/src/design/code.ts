// Enough of a language's looks to read it by: strings, numbers, keys, words of the language, comments.

export type CodeLanguage = 'text' | 'json' | 'yaml' | 'promql' | 'shell' | 'python';

export type TokenKind = 'plain' | 'string' | 'number' | 'key' | 'word' | 'comment';

export interface Token {
  kind: TokenKind;
  text: string;
}

const STRING = String.raw`"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'`;
const NUMBER = String.raw`(?<![\w.])[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?(?:ms|[smhdwy])?(?![\w.])`;

type Rule = readonly [TokenKind, string];

const RULES: Readonly<Record<Exclude<CodeLanguage, 'text'>, readonly Rule[]>> = {
  json: [
    ['key', String.raw`"(?:[^"\\]|\\.)*"(?=\s*:)`],
    ['string', STRING],
    ['number', NUMBER],
    ['word', String.raw`\b(?:true|false|null)\b`],
  ],
  yaml: [
    ['comment', String.raw`(?<=^|\s)#.*`],
    ['key', String.raw`(?<=^[\s-]*)[\w./-]+(?=\s*:(?:\s|$))`],
    ['string', STRING],
    ['number', NUMBER],
    ['word', String.raw`\b(?:true|false|null|yes|no)\b`],
  ],
  promql: [
    ['comment', '#.*'],
    ['string', STRING],
    [
      'word',
      String.raw`\b(?:sum|avg|min|max|count|topk|bottomk|quantile|stddev|by|without|on|ignoring|group_left|group_right|offset|bool|and|or|unless)\b`,
    ],
    ['key', String.raw`\b[a-zA-Z_]\w*(?=\s*(?:=~|!~|!=|=))`],
    ['number', NUMBER],
  ],
  shell: [
    ['comment', String.raw`(?<=^|\s)#.*`],
    ['string', STRING],
    ['key', String.raw`(?<=\s)--?[a-zA-Z][\w-]*`],
    ['word', String.raw`\$\{?\w+\}?`],
  ],
  python: [
    ['comment', '#.*'],
    ['string', STRING],
    [
      'word',
      String.raw`\b(?:def|class|return|import|from|as|if|else|elif|for|while|in|with|try|except|raise|None|True|False|lambda|async|await)\b`,
    ],
    ['number', NUMBER],
  ],
};

const PATTERNS = new Map(
  Object.entries(RULES).map(([language, rules]) => [
    language,
    new RegExp(rules.map(([, pattern]) => `(${pattern})`).join('|'), 'gu'),
  ]),
);

/** Lines longer than this are not looked into. */
const LONGEST = 4_000;

/** One line of code in tokens; joined they are `line` again. */
export function tokens(line: string, language: CodeLanguage): Token[] {
  const pattern = PATTERNS.get(language);
  if (language === 'text' || !pattern || line.length > LONGEST) return [{ kind: 'plain', text: line }];
  const rules = RULES[language];
  const found: Token[] = [];
  let done = 0;
  for (const match of line.matchAll(pattern)) {
    if (match.index > done) found.push({ kind: 'plain', text: line.slice(done, match.index) });
    const rule = rules.findIndex((_, i) => match[i + 1] !== undefined);
    found.push({ kind: rules[rule]?.[0] ?? 'plain', text: match[0] });
    done = match.index + match[0].length;
  }
  if (done < line.length || found.length === 0) found.push({ kind: 'plain', text: line.slice(done) });
  return found;
}
