// A check as it is written in the form: the fields of its type by name, all others as JSON.

import type { CheckDocument } from '../api/health';
import type { Json } from '../api/governance';

export const TYPES: readonly (readonly [string, string])[] = [
  ['http', 'HTTP: an address and its answer'],
  ['tcp', 'TCP: a port'],
  ['tls', 'TLS: a certificate'],
  ['dns', 'DNS: a name'],
  ['icmp', 'Ping: a host'],
  ['grpc', 'gRPC health'],
  ['websocket', 'WebSocket'],
  ['heartbeat', 'Heartbeat: a job that must report'],
  ['promql', 'Metrics: a PromQL condition'],
  ['logql', 'Logs: a LogQL condition'],
  ['process', 'Process on the host of Pharos'],
  ['disk', 'Disk of the host of Pharos'],
];

export interface FieldOf {
  readonly name: string;
  readonly label: string;
  readonly hint?: string;
  readonly placeholder?: string;
  readonly required?: true;
  readonly whole?: true;
  readonly long?: true;
  /** Written with commas, kept as a list. */
  readonly list?: true;
}

const HOST: FieldOf = { name: 'host', label: 'Host', placeholder: 'db.example.com', required: true };
const PORT: FieldOf = { name: 'port', label: 'Port', placeholder: '5432', required: true, whole: true };

export const FIELDS: Readonly<Record<string, readonly FieldOf[]>> = {
  http: [
    { name: 'url', label: 'Address', placeholder: 'https://example.com/health', required: true },
    { name: 'status', label: 'Status', hint: 'Such as 200, 2xx, 200-299', placeholder: '2xx', list: true },
    { name: 'body_contains', label: 'The body contains', list: true },
    { name: 'max_latency', label: 'It answers within', placeholder: '500ms' },
    { name: 'certificate_days', label: 'Days that its certificate lasts', placeholder: '14', whole: true },
  ],
  tcp: [HOST, PORT, { name: 'send', label: 'Send' }, { name: 'expect', label: 'What must come' }],
  tls: [
    HOST,
    { name: 'port', label: 'Port', placeholder: '443', whole: true },
    { name: 'days_left', label: 'Days that it must last', placeholder: '14', whole: true },
  ],
  dns: [
    { name: 'query', label: 'Name', placeholder: 'example.com', required: true },
    { name: 'record', label: 'Record', placeholder: 'A', hint: 'A, AAAA, CNAME, MX, NS, TXT or SOA' },
    { name: 'expect', label: 'Answers that must be there', list: true },
    { name: 'server', label: 'Server', hint: "The system's own, where it is left out" },
  ],
  icmp: [HOST, { name: 'count', label: 'Pings', placeholder: '1', whole: true }],
  grpc: [HOST, PORT, { name: 'service', label: 'Service', hint: 'The whole server, where it is left out' }],
  websocket: [
    { name: 'url', label: 'Address', placeholder: 'wss://example.com/feed', required: true },
    { name: 'send', label: 'Send' },
    { name: 'expect', label: 'What must come' },
  ],
  heartbeat: [
    { name: 'every', label: 'It reports every', placeholder: '1h', required: true },
    { name: 'grace', label: 'It may be late by', placeholder: '1m' },
    { name: 'longest', label: 'It runs at most', placeholder: '30m', hint: 'Where it tells its starts, too' },
  ],
  promql: [
    {
      name: 'query',
      label: 'Query',
      required: true,
      long: true,
      placeholder: 'rate(errors_total[5m]) > 1',
      hint: 'What it finds is what is wrong',
    },
  ],
  logql: [
    {
      name: 'query',
      label: 'Query',
      required: true,
      long: true,
      placeholder: 'count_over_time({service_name="shop"} |= "panic" [5m]) > 0',
      hint: 'What it finds is what is wrong',
    },
  ],
  process: [
    { name: 'command_matches', label: 'Its command line matches', required: true },
    { name: 'at_least', label: 'At least', placeholder: '1', whole: true },
  ],
  disk: [
    { name: 'path', label: 'Path', placeholder: '/', required: true },
    { name: 'min_free_percent', label: 'Percent that must be free', placeholder: '10', whole: true },
  ],
};

export const COMMON: readonly FieldOf[] = [
  { name: 'interval', label: 'Every', placeholder: '30s' },
  { name: 'timeout', label: 'At most', placeholder: '10s' },
  { name: 'fail_after', label: 'Down after failures in a row', placeholder: '2', whole: true },
  { name: 'component', label: 'Component', placeholder: 'shop' },
  { name: 'depends_on', label: 'Depends on', list: true, hint: 'Other checks, by name' },
];

/** What each field says, as text. */
export type Said = Readonly<Record<string, string>>;

/** What a field says, in one line. */
export function text(value: Json | undefined): string {
  if (value === undefined || value === null) return '';
  if (Array.isArray(value)) return value.map((one) => text(one as Json)).join(', ');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

export function fieldsOf(type: string): readonly FieldOf[] {
  return [...(FIELDS[type] ?? []), ...COMMON];
}

/** A kept check as the form shows it: what its fields say, and the rest. */
export function readDraft(check: CheckDocument): { said: Said; rest: string } {
  const fields = fieldsOf(text(check['type']));
  const named = new Set(['name', 'type', ...fields.map(({ name }) => name)]);
  const rest = Object.fromEntries(Object.entries(check).filter(([name]) => !named.has(name)));
  return {
    said: Object.fromEntries(fields.map(({ name }) => [name, text(check[name])])),
    rest: Object.keys(rest).length === 0 ? '' : JSON.stringify(rest, null, 2),
  };
}

/** The check that a form says; a text where it is none yet. */
export function writeDraft(name: string, type: string, said: Said, rest: string): CheckDocument | string {
  let more: unknown;
  try {
    more = rest.trim() === '' ? {} : JSON.parse(rest);
  } catch {
    return 'Further fields: this is not JSON';
  }
  if (typeof more !== 'object' || more === null || Array.isArray(more))
    return 'Further fields: a JSON object is expected, such as {"retries": 1}';
  const found: Record<string, Json> = { ...(more as Record<string, Json>), name, type };
  for (const field of fieldsOf(type)) {
    const value = (said[field.name] ?? '').trim();
    if (value === '') {
      if (field.required) return `${field.label} is missing`;
      continue;
    }
    if (field.whole && !/^\d{1,9}$/u.test(value)) return `${field.label}: a whole number is expected`;
    found[field.name] = field.whole
      ? Number(value)
      : field.list
        ? value
            .split(',')
            .map((part) => part.trim())
            .filter(Boolean)
        : value;
  }
  return found;
}
