// Receivers to begin with, for who has none: a few fields make a configuration that tells one of everything.

export interface StarterField {
  readonly id: string;
  readonly label: string;
  /** Stands in the field while it is empty, and in the text that is begun with. */
  readonly example: string;
  readonly hint?: string;
  /** What is usual, and need not be typed. */
  readonly usual?: string;
  readonly optional?: boolean;
  readonly secret?: boolean;
}

export interface Starter {
  readonly name: string;
  /** What the receiver is called if nothing else is said. */
  readonly receiver: string;
  readonly fields: readonly StarterField[];
  /** The name of the list that it stands in, and the names of what is always in it. */
  readonly list: string;
  readonly always?: Readonly<Record<string, boolean>>;
}

export const STARTERS: readonly Starter[] = [
  {
    name: 'Slack',
    receiver: 'slack',
    list: 'slack_configs',
    fields: [
      {
        id: 'api_url',
        label: 'Webhook address',
        example: 'https://hooks.slack.com/services/REPLACE/ME',
        hint: 'From api.slack.com/apps: your app, Incoming Webhooks',
        secret: true,
      },
      { id: 'channel', label: 'Channel', example: '#alerts', usual: '#alerts' },
    ],
    always: { send_resolved: true },
  },
  {
    name: 'E-mail',
    receiver: 'mail',
    list: 'email_configs',
    fields: [
      { id: 'to', label: 'To', example: 'team@example.org' },
      { id: 'from', label: 'From', example: 'pharos@example.org' },
      { id: 'smarthost', label: 'Mail server', example: 'smtp.example.org:587', hint: 'Host and port' },
      { id: 'auth_username', label: 'User name', example: 'pharos@example.org', optional: true },
      { id: 'auth_password', label: 'Password', example: 'REPLACE-ME', optional: true, secret: true },
    ],
    always: { send_resolved: true },
  },
  {
    name: 'PagerDuty',
    receiver: 'pagerduty',
    list: 'pagerduty_configs',
    fields: [
      {
        id: 'routing_key',
        label: 'Integration key',
        example: 'REPLACE-ME',
        hint: 'Of your service: Integrations, Events API v2',
        secret: true,
      },
    ],
  },
  {
    name: 'Webhook',
    receiver: 'webhook',
    list: 'webhook_configs',
    fields: [{ id: 'url', label: 'Address', example: 'https://example.org/hook', secret: true }],
  },
];

/** What each field has by its id, where that is more than nothing. */
export type Filled = Readonly<Record<string, string>>;

/** Whether all is there that a configuration needs. */
export function isWhole({ fields }: Starter, filled: Filled): boolean {
  return fields.every(({ id, optional = false }) => optional || (filled[id] ?? '').trim() !== '');
}

/** A configuration with one receiver, which is told of everything. */
export function configOf(starter: Starter, receiver: string, filled: Filled): string {
  const named = JSON.stringify(receiver);
  // What JSON writes between quotes YAML reads as the same.
  const fields = starter.fields.flatMap(({ id }) => {
    const value = (filled[id] ?? '').trim();
    return value === '' ? [] : [`${id}: ${JSON.stringify(value)}`];
  });
  const always = Object.entries(starter.always ?? {}).map(([name, value]) => `${name}: ${String(value)}`);
  return [
    'route:',
    `  receiver: ${named}`,
    '  group_by: [alertname]',
    'receivers:',
    `- name: ${named}`,
    `  ${starter.list}:`,
    ...[...fields, ...always].map((line, i) => `  ${i === 0 ? '- ' : '  '}${line}`),
    '',
  ].join('\n');
}

/** The same with examples in its fields, to be put right as text. */
export function exampleOf(starter: Starter): string {
  const examples = Object.fromEntries(starter.fields.map(({ id, example }) => [id, example]));
  return configOf(starter, starter.receiver, examples);
}

/** Whether a configuration names nobody to tell. */
export function tellsNobody(config: string): boolean {
  return !/^[^#\n]*\b\w+_configs\s*:/mu.test(config);
}
