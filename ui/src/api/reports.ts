// Dashboards by mail.

import { ask, change, type Asking } from './client';
import type { components } from './schema';

type Shapes = components['schemas'];

export type Report = Shapes['ReportShape'];
export type Reports = Shapes['ReportsShape'];

/** A report to be; `version` is the one that is there, 0 for none. */
export type WantedReport = Omit<Report, 'name' | 'updated' | 'updated_by' | 'next'>;

/** `report` as it is written: without what the server says of it. */
export function wantedOf(report: Report): WantedReport {
  const { uid, receiver, every, hour, minute, weekday, zone, start, end, theme, variables } = report;
  const { paused, version } = report;
  return { uid, receiver, every, hour, minute, weekday, zone, start, end, theme, variables, paused, version };
}

function pathOf(name: string, rest = ''): string {
  return `/api/reports/${encodeURIComponent(name)}${rest}`;
}

export async function reports(asking: Asking): Promise<Reports> {
  return (await ask<Reports>('/api/reports', {}, asking)).data;
}

export function putReport(name: string, wanted: WantedReport, asking: Asking): Promise<Report> {
  return change('PUT', pathOf(name), wanted, asking);
}

export function dropReport(name: string, asking: Asking): Promise<Report> {
  return change('DELETE', pathOf(name), null, asking);
}

/** Tells how many mails are on their way. */
export function sendReport(name: string, asking: Asking): Promise<{ readonly mails: number }> {
  return change('POST', pathOf(name, '/send'), null, asking);
}

/** Where a report is as a file. */
export function reportFile(name: string): string {
  return pathOf(name, '/preview');
}
