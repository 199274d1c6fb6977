// How verdicts, phases and severities look.

import type { Outcome, Phase, Severity } from '../api/versions';
import type { Status } from '../design/status';

export const OUTCOMES: Readonly<Record<Outcome, readonly [Status, string]>> = {
  pass: ['ok', 'pass'],
  fail: ['critical', 'fail'],
  undecided: ['pending', 'undecided'],
};

export const PHASES: Readonly<Record<Phase, readonly [Status, string]>> = {
  running: ['info', 'running'],
  waiting: ['pending', 'waits for the next stage'],
  passed: ['ok', 'passed'],
  failed: ['critical', 'failed'],
  aborted: ['muted', 'ended'],
};

export const SEVERITIES: Readonly<Record<Severity, readonly [Status, string]>> = {
  critical: ['critical', 'critical'],
  high: ['critical', 'high'],
  medium: ['warning', 'medium'],
  low: ['warning', 'low'],
  none: ['ok', 'none'],
};
