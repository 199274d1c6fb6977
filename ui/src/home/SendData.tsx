import clsx from 'clsx';
import { SegmentedControl } from '@mantine/core';
import { useState, type ReactElement } from 'react';
import { CopyIcon } from '../design/parts';
import styles from './home.module.css';

/** What to paste where, to have data arrive at `origin`. */
export function snippets(origin: string): Readonly<Record<string, { hint: string; text: string }>> {
  return {
    Prometheus: {
      hint: 'Add to prometheus.yml and reload Prometheus.',
      text: `remote_write:\n  - url: ${origin}/api/v1/write\n`,
    },
    vmagent: {
      hint: 'Start vmagent with this address.',
      text: `vmagent -remoteWrite.url=${origin}/api/v1/write \\\n  -promscrape.config=prometheus.yml\n`,
    },
    OpenTelemetry: {
      hint: 'Set for any program with an OpenTelemetry SDK..',
      text: [
        `export OTEL_EXPORTER_OTLP_ENDPOINT=${origin}`,
        'export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf',
        'export OTEL_METRICS_EXPORTER=otlp',
        'export OTEL_LOGS_EXPORTER=otlp',
        'export OTEL_TRACES_EXPORTER=otlp',
        'export OTEL_METRIC_EXPORT_INTERVAL=15000',
        '',
      ].join('\n'),
    },
    Collector: {
      hint: 'An exporter for the OpenTelemetry Collector; add it to a metrics pipeline.',
      text: `exporters:\n  otlphttp/pharos:\n    endpoint: ${origin}\n`,
    },
  };
}

export function SendData(): ReactElement {
  const all = snippets(window.location.origin);
  const names = Object.keys(all);
  const [chosen, setChosen] = useState(names[0] ?? '');
  const snippet = all[chosen] ?? { hint: '', text: '' };
  return (
    <section className={clsx('panel card', styles.footCard)} aria-label="Send data">
      <header className="row wrap">
        <h2 className="grow">Send data</h2>
        <SegmentedControl size="xs" data={names} value={chosen} onChange={setChosen} aria-label="Sender" />
      </header>
      <p className={clsx('dim', styles.snippetHint)}>{snippet.hint}</p>
      <div className={styles.snippet}>
        <pre tabIndex={0} aria-label={`Configuration for ${chosen}`}>
          {snippet.text}
        </pre>
        <CopyIcon text={snippet.text} label="Copy" />
      </div>
    </section>
  );
}
