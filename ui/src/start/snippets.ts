// What to paste where, to have data arrive: with the server's address, the tenant and a token in it. Pure.

/** Where data go, and as whom. */
export interface Place {
  /** The server's address as this browser reaches it. */
  origin: string;
  /** Null for the tenant of who names none. */
  tenant: string | null;
  /** What is presented; null where nobody is asked who they are. */
  token: string | null;
}

export interface Snippet {
  id: string;
  name: string;
  /** Where it goes, and what it does. */
  hint: string;
  text: string;
}

/** What stands for a token that is not there yet. */
export const NO_TOKEN = 'YOUR_TOKEN';

/** Where a tenant's data go; `closed` says that senders are asked who they are. */
export function placeOf(origin: string, tenant: string | null, closed: boolean, token = NO_TOKEN): Place {
  return {
    origin,
    // A token is of one tenant, which it names by itself.
    tenant: closed || tenant === 'default' ? null : tenant,
    token: closed ? token : null,
  };
}

/** Names and values of the headers that say as whom. */
function headers({ tenant, token }: Place): readonly (readonly [string, string])[] {
  return [
    ...(token === null ? [] : [['Authorization', `Bearer ${token}`] as const]),
    ...(tenant === null ? [] : [['X-Scope-OrgID', tenant] as const]),
  ];
}

function lines(...parts: readonly (string | readonly string[])[]): string {
  return `${parts.flat().join('\n')}\n`;
}

function curl(place: Place): string {
  const send = (path: string, body: string): readonly string[] => [
    `curl -sS ${place.origin}${path} -H 'Content-Type: application/json' \\`,
    ...headers(place).map(([name, value]) => `  -H '${name}: ${value}' \\`),
    `  -d '${body}'`,
  ];
  const resource = '"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"hello"}}]}';
  const now = `"timeUnixNano":"'"$(date +%s%N)"'"`;
  return lines(
    '# A sample',
    send(
      '/v1/metrics',
      `{"resourceMetrics":[{${resource},"scopeMetrics":[{"metrics":[{"name":"hello","gauge":{"dataPoints":[{"asDouble":42,${now}}]}}]}]}]}`,
    ),
    '# A log line',
    send(
      '/v1/logs',
      `{"resourceLogs":[{${resource},"scopeLogs":[{"logRecords":[{${now},"severityText":"INFO","body":{"stringValue":"Hello, Pharos"}}]}]}]}`,
    ),
    '# A span',
    send(
      '/v1/traces',
      `{"resourceSpans":[{${resource},"scopeSpans":[{"spans":[{"name":"greet","kind":2,"traceId":"'"$(openssl rand -hex 16)"'","spanId":"'"$(openssl rand -hex 8)"'","startTimeUnixNano":"'"$(date +%s%N)"'","endTimeUnixNano":"'"$(date +%s%N)"'"}]}]}]}`,
    ),
  );
}

/** The variables of every OpenTelemetry SDK; values of headers are percent-encoded there. */
function sdk(place: Place): readonly string[] {
  const pairs = headers(place).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return [
    `export OTEL_EXPORTER_OTLP_ENDPOINT=${place.origin}`,
    'export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf',
    ...(pairs.length === 0 ? [] : [`export OTEL_EXPORTER_OTLP_HEADERS="${pairs.join(',')}"`]),
    'export OTEL_METRICS_EXPORTER=otlp',
    'export OTEL_LOGS_EXPORTER=otlp',
    'export OTEL_TRACES_EXPORTER=otlp',
    'export OTEL_METRIC_EXPORT_INTERVAL=15000',
  ];
}

function collector(place: Place): string {
  const named = headers(place).map(([name, value]) => `      ${name}: ${value}`);
  const pipeline = (signal: string): readonly string[] => [
    `    ${signal}:`,
    '      receivers: [otlp]',
    '      exporters: [otlphttp/pharos]',
  ];
  return lines(
    'exporters:',
    '  otlphttp/pharos:',
    `    endpoint: ${place.origin}`,
    named.length === 0 ? [] : ['    headers:', ...named],
    'service:',
    '  pipelines:',
    ...['metrics', 'logs', 'traces'].map(pipeline),
  );
}

function prometheus({ origin, tenant, token }: Place): string {
  return lines(
    'remote_write:',
    `  - url: ${origin}/api/v1/write`,
    token === null ? [] : ['    authorization:', `      credentials: ${token}`],
    tenant === null ? [] : ['    headers:', `      X-Scope-OrgID: ${tenant}`],
  );
}

function vmagent({ origin, tenant, token }: Place): string {
  const flags = [
    `-remoteWrite.url=${origin}/api/v1/write`,
    ...(token === null ? [] : [`-remoteWrite.bearerToken=${token}`]),
    ...(tenant === null ? [] : [`-remoteWrite.headers='X-Scope-OrgID: ${tenant}'`]),
    '-promscrape.config=prometheus.yml',
  ];
  return `vmagent ${flags.join(' \\\n  ')}\n`;
}

function promtail({ origin, tenant, token }: Place): string {
  return lines(
    'clients:',
    `  - url: ${origin}/loki/api/v1/push`,
    token === null ? [] : `    bearer_token: ${token}`,
    tenant === null ? [] : `    tenant_id: ${tenant}`,
  );
}

function fluentBit({ origin, tenant, token }: Place): string {
  const { hostname, port, protocol } = new URL(origin);
  const secure = protocol === 'https:';
  return lines(
    '[OUTPUT]',
    '    Name         loki',
    '    Match        *',
    `    Host         ${hostname}`,
    `    Port         ${port || (secure ? '443' : '80')}`,
    secure ? '    Tls          On' : [],
    '    Labels       service_name=my-service',
    token === null ? [] : `    Bearer_Token ${token}`,
    tenant === null ? [] : `    Tenant_ID    ${tenant}`,
  );
}

function fluentd({ tenant }: Place): string {
  return lines(
    '# pharos.yml',
    'forward:',
    '  listen: 127.0.0.1:24224',
    '  shared_key: between-us',
    tenant === null ? [] : `  tenant: ${tenant}`,
    '',
    '# fluent.conf',
    '<match **>',
    '  @type forward',
    '  require_ack_response true',
    '  <security>',
    '    self_hostname my-host',
    '    shared_key between-us',
    '  </security>',
    '  <server>',
    '    host 127.0.0.1',
    '    port 24224',
    '  </server>',
    '</match>',
  );
}

function syslog({ tenant }: Place): string {
  return lines(
    '# pharos.yml',
    'syslog:',
    '  tcp: 127.0.0.1:5514',
    tenant === null ? [] : `  tenant: ${tenant}`,
    '',
    '# /etc/rsyslog.d/pharos.conf',
    '*.* action(type="omfwd" target="127.0.0.1" port="5514" protocol="tcp"',
    '           TCP_Framing="octet-counted" template="RSYSLOG_SyslogProtocol23Format")',
  );
}

/** All ways to send, the quickest to try first. */
export function snippets(place: Place): readonly Snippet[] {
  return [
    {
      id: 'curl',
      name: 'curl',
      hint: 'Paste it into a terminal: a sample, a line and a span.',
      text: curl(place),
    },
    {
      id: 'opentelemetry',
      name: 'OpenTelemetry',
      hint: 'Set for any program with an OpenTelemetry SDK.',
      text: lines('export OTEL_SERVICE_NAME=my-service', sdk(place)),
    },
    {
      id: 'python',
      name: 'Python',
      hint: 'Instruments a Python program without a change to it.',
      text: lines(
        'pip install opentelemetry-distro opentelemetry-exporter-otlp-proto-http',
        'opentelemetry-bootstrap -a install',
        'export OTEL_SERVICE_NAME=my-service',
        'export OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED=true',
        sdk(place),
        'opentelemetry-instrument python app.py',
      ),
    },
    {
      id: 'collector',
      name: 'Collector',
      hint: 'For the OpenTelemetry Collector: an exporter in three pipelines.',
      text: collector(place),
    },
    {
      id: 'prometheus',
      name: 'Prometheus',
      hint: 'Add it to prometheus.yml and reload Prometheus.',
      text: prometheus(place),
    },
    { id: 'vmagent', name: 'vmagent', hint: 'Start vmagent with this address.', text: vmagent(place) },
    {
      id: 'promtail',
      name: 'Promtail',
      hint: 'In the configuration of Promtail; Alloy has the same words in loki.write.',
      text: promtail(place),
    },
    {
      id: 'fluent-bit',
      name: 'Fluent Bit',
      hint: 'An output of Fluent Bit.',
      text: fluentBit(place),
    },
    {
      id: 'fluentd',
      name: 'Fluentd',
      hint: 'Pharos listens for Fluent Forward where pharos.yml says so; Fluentd sends there.',
      text: fluentd(place),
    },
    {
      id: 'syslog',
      name: 'syslog',
      hint: 'Pharos listens for syslog where pharos.yml says so; rsyslog sends there.',
      text: syslog(place),
    },
  ];
}
