// Configurations to begin with, for who has none: one receiver that is told of everything.

export interface Starter {
  readonly name: string;
  readonly config: string;
}

function starter(name: string, receiver: string, lines: readonly string[]): Starter {
  const config = [
    'route:',
    `  receiver: ${receiver}`,
    '  group_by: [alertname]',
    'receivers:',
    `- name: ${receiver}`,
    ...lines.map((line) => `  ${line}`),
    '',
  ];
  return { name, config: config.join('\n') };
}

export const STARTERS: readonly Starter[] = [
  starter('Slack', 'slack', [
    'slack_configs:',
    '# The address: api.slack.com/apps, your app, Incoming Webhooks',
    '- api_url: https://hooks.slack.com/services/REPLACE/ME',
    "  channel: '#alerts'",
    '  send_resolved: true',
  ]),
  starter('E-mail', 'mail', [
    'email_configs:',
    '- to: team@example.org',
    '  from: pharos@example.org',
    '  smarthost: smtp.example.org:587',
    '  auth_username: pharos@example.org',
    '  auth_password: REPLACE-ME',
    '  send_resolved: true',
  ]),
  starter('PagerDuty', 'pagerduty', [
    'pagerduty_configs:',
    '# The key: Services, your service, Integrations, Events API v2',
    '- routing_key: REPLACE-ME',
  ]),
  starter('Webhook', 'webhook', ['webhook_configs:', '- url: https://example.org/hook']),
];

/** Whether a configuration names nobody to tell. */
export function tellsNobody(config: string): boolean {
  return !/^[^#\n]*\b\w+_configs\s*:/mu.test(config);
}
