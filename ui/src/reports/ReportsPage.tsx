import { useState, type ReactElement } from 'react';
import { Link } from '@tanstack/react-router';
import { useAddress, useCarried } from '../address/hooks';
import { PageLink } from '../address/PageLink';
import { summaries } from '../api/dashboards';
import {
  dropReport,
  putReport,
  reportFile,
  reports,
  sendReport,
  wantedOf,
  type Report,
} from '../api/reports';
import { useSaved } from '../api/saved';
import { useAsked } from '../api/useAsked';
import { EmptyState } from '../design/EmptyState';
import { formatInstant, formatThings } from '../design/format';
import { usePageClock } from '../design/hooks';
import { Icon } from '../design/Icon';
import { Menu } from '../design/Menu';
import { Unreadable } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import type { TableColumn } from '../design/table/columns';
import { DataTable } from '../design/table/DataTable';
import { toasts } from '../design/toasts';
import { visibleText } from '../design/value';
import { Value } from '../design/Value';
import { Body, Page, PageHead } from '../page/Page';
import { ConfirmDeed } from '../session/ConfirmDeed';
import { useMay } from '../session/session';
import { useDeed } from '../session/useDeed';
import { dashboardPath } from '../dashboards/path';
import { ReportForm } from './ReportForm';
import { inWords } from './schedule';

/** What stands where reports would be. */
function None({ canMail, create }: { canMail: boolean; create: ReactElement | null }): ReactElement {
  return canMail ? (
    <EmptyState reason="none-yet" title="No report yet" actions={create}>
      A report mails a dashboard every day, week or month, with its graphs as pictures.
    </EmptyState>
  ) : (
    <EmptyState
      reason="none-yet"
      title="Nobody is told by e-mail yet"
      actions={
        <PageLink page="receivers" className="button">
          Receivers
        </PageLink>
      }
    >
      A report is mailed to a receiver of the alerting: give one of them email_configs.
    </EmptyState>
  );
}

/** Dashboards that are mailed now and then. */
export default function ReportsPage(): ReactElement {
  const { tenant } = useAddress();
  const { utc } = usePageClock();
  const may = useMay();
  const edits = may('dashboards.edit');
  const asking = { tenant };
  const asked = useAsked({ key: ['reports'], ask: (one) => reports(one), refreshMs: 30_000 });
  const boards = useAsked({ key: ['report-boards'], ask: (one) => summaries({}, one), staleTime: 60_000 });
  const titles = new Map((boards.data?.dashboards ?? []).map(({ uid, title }) => [uid, title]));
  const carried = useCarried({});
  const [form, setForm] = useState<{ report: Report | null } | null>(null);
  const [dropped, setDropped] = useState<Report | null>(null);
  const saved = useSaved();
  const deed = useDeed();
  const send = (report: Report): void => {
    void deed
      .run(() => sendReport(report.name, asking))
      .then((done) => {
        if (!done) return;
        const mails = formatThings(done.done.mails, 'mail');
        toasts.show({ level: 'ok', text: `${mails} to ${visibleText(report.receiver)} on the way` });
      });
  };
  const pause = (report: Report): void => {
    const paused = !report.paused;
    void deed
      .run(() => putReport(report.name, { ...wantedOf(report), paused }, asking))
      .then((done) => {
        const said = `${visibleText(report.name)} is ${paused ? 'paused' : 'sent again when it is due'}`;
        if (done) toasts.show({ level: 'ok', text: said });
      });
  };
  if (deed.error) {
    toasts.show({ level: 'critical', text: `It was not done: ${deed.error.message}` });
    deed.clear();
  }
  const known = asked.data;
  const canMail = (known?.receivers.length ?? 0) > 0;
  const create =
    edits && canMail ? (
      <button type="button" className="button" onClick={() => setForm({ report: null })}>
        <Icon name="plus" /> New report
      </button>
    ) : null;
  const columns: readonly TableColumn<Report>[] = [
    { id: 'name', title: 'name', value: ({ name }) => name, cell: ({ name }) => <Value text={name} /> },
    {
      id: 'board',
      title: 'dashboard',
      titled: true,
      value: ({ uid }) => titles.get(uid) ?? uid,
      cell: ({ uid }) => (
        <Link to={dashboardPath(uid, '')} search={carried}>
          <Value text={titles.get(uid) ?? uid} />
        </Link>
      ),
    },
    { id: 'receiver', title: 'receiver', titled: true, value: ({ receiver }) => receiver },
    { id: 'when', title: 'sent', chars: 44, value: inWords },
    {
      id: 'next',
      title: 'next',
      titled: true,
      chars: 20,
      value: ({ next, paused }) => (paused ? null : Date.parse(next)),
      cell: ({ next, paused }) =>
        paused ? <span className="dim">paused</span> : <span>{formatInstant(Date.parse(next), utc)}</span>,
    },
    { id: 'by', title: 'last changed by', titled: true, value: (one) => one.updated_by, optional: true },
    {
      id: 'actions',
      title: ' ',
      chars: 4,
      value: () => null,
      cell: (report) => (
        <Menu
          label={`Actions of ${visibleText(report.name)}`}
          icon="more"
          compact
          entries={[
            {
              kind: 'action',
              label: 'Save as a page',
              icon: 'download',
              whyNot: saved.busy ? 'One is being written' : null,
              run: () => void saved.run(reportFile(report.name), `${report.name}.html`, tenant),
            },
            ...(edits
              ? [
                  {
                    kind: 'action' as const,
                    label: 'Send now',
                    icon: 'send' as const,
                    run: () => send(report),
                  },
                  {
                    kind: 'action' as const,
                    label: report.paused ? 'Go on sending' : 'Pause',
                    run: () => pause(report),
                  },
                  { kind: 'action' as const, label: 'Change…', run: () => setForm({ report }) },
                  {
                    kind: 'action' as const,
                    label: 'Delete…',
                    icon: 'trash' as const,
                    danger: true,
                    run: () => setDropped(report),
                  },
                ]
              : []),
          ]}
        />
      ),
    },
  ];
  return (
    <Page>
      <PageHead title="Reports" about="Dashboards by mail" />
      <Body>
        <Unreadable what="The reports" error={asked.error} asOfMs={asked.dataUpdatedAt} />
        {known ? (
          <section className="panel card" aria-label="Reports">
            <DataTable
              label="Reports"
              tall="narrow"
              columns={columns}
              rows={known.reports}
              rowKey={({ name }) => name}
              tools={known.reports.length > 0 ? create : null}
              empty={<None canMail={canMail} create={create} />}
            />
          </section>
        ) : asked.isPending ? (
          <Skeleton kind="table" label="Reports" rows={5} />
        ) : null}
      </Body>
      {form && known ? (
        <ReportForm
          report={form.report}
          receivers={known.receivers}
          asking={asking}
          onClose={() => setForm(null)}
        />
      ) : null}
      {dropped ? (
        <ConfirmDeed
          title="Delete the report?"
          action="Delete"
          said={`The report ${visibleText(dropped.name)} is gone.`}
          run={() => dropReport(dropped.name, asking)}
          onClose={() => setDropped(null)}
        >
          <Value text={dropped.name} /> is sent no more.
        </ConfirmDeed>
      ) : null}
    </Page>
  );
}
