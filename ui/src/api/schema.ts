// Generated from openapi.json by `npm run types`; not to be changed by hand.

export type paths = Record<string, never>;
export type webhooks = Record<string, never>;
export interface components {
  schemas: {
    /**
     * AcknowledgementShape
     * @description Somebody looks after an alert.
     */
    readonly AcknowledgementShape: {
      /** Alert */
      readonly alert: {
        readonly [key: string]: string;
      };
      /** At */
      readonly at: string;
      /** By */
      readonly by: string;
      /** Comment */
      readonly comment: string;
      /** Fingerprint */
      readonly fingerprint: string;
      /** Group Key */
      readonly group_key: string;
      /** Id */
      readonly id: string;
      /** Through */
      readonly through: string;
      /** Until */
      readonly until: string | null;
    };
    /**
     * ActiveTarget
     * @description A target that is scraped.
     */
    readonly ActiveTarget: {
      /** Discoveredlabels */
      readonly discoveredLabels: {
        readonly [key: string]: string;
      };
      /** Globalurl */
      readonly globalUrl: string;
      /**
       * Health
       * @enum {string}
       */
      readonly health: 'up' | 'down' | 'unknown';
      /** Labels */
      readonly labels: {
        readonly [key: string]: string;
      };
      /** Lasterror */
      readonly lastError: string;
      /** Lastscrape */
      readonly lastScrape: string;
      /** Lastscrapeduration */
      readonly lastScrapeDuration: number;
      /** Scrapeinterval */
      readonly scrapeInterval: string;
      /** Scrapepool */
      readonly scrapePool: string;
      /** Scrapetimeout */
      readonly scrapeTimeout: string;
      /** Scrapeurl */
      readonly scrapeUrl: string;
    };
    /**
     * AddressShape
     * @description Where a heartbeat comes in; told once.
     */
    readonly AddressShape: {
      /** Path */
      readonly path: string;
      /** Url */
      readonly url: string;
    };
    /**
     * AlertmanagerAddress
     * @description One Alertmanager.
     */
    readonly AlertmanagerAddress: {
      /** Url */
      readonly url: string;
    };
    /**
     * Alertmanagers
     * @description Where alerts go.
     */
    readonly Alertmanagers: {
      /** Activealertmanagers */
      readonly activeAlertmanagers: readonly components['schemas']['AlertmanagerAddress'][];
      /** Droppedalertmanagers */
      readonly droppedAlertmanagers: readonly components['schemas']['AlertmanagerAddress'][];
    };
    /**
     * Alerts
     * @description All alerts that are pending or firing.
     */
    readonly Alerts: {
      /** Alerts */
      readonly alerts: readonly components['schemas']['pharos__api__prometheus__shapes__AlertShape'][];
    };
    /**
     * AlertsShape
     * @description All alerts of a tenant.
     */
    readonly AlertsShape: {
      /** Alerts */
      readonly alerts: readonly components['schemas']['pharos__api__alerting__alerts__AlertShape'][];
      /** Unread */
      readonly unread: readonly string[];
    };
    /**
     * AnnouncementShape
     * @description An announcement.
     */
    readonly AnnouncementShape: {
      /** Components */
      readonly components: readonly string[];
      /** Ends */
      readonly ends: string | null;
      /** Id */
      readonly id: string;
      /** Impact */
      readonly impact: string;
      /** Kind */
      readonly kind: string;
      /** Over */
      readonly over: boolean;
      /** Phase */
      readonly phase: string;
      /** Starts */
      readonly starts: string;
      /** Title */
      readonly title: string;
      /** Updates */
      readonly updates: readonly components['schemas']['UpdateShape'][];
    };
    /**
     * AnomaliesShape
     * @description Anomalies, the worst of those that go on first.
     */
    readonly AnomaliesShape: {
      /** Anomalies */
      readonly anomalies: readonly components['schemas']['AnomalyShape'][];
      /** By Severity */
      readonly by_severity: {
        readonly [key: string]: number;
      };
      /** Total */
      readonly total: number;
      /** Watched */
      readonly watched: number;
    };
    /**
     * AnomalyShape
     * @description An anomaly of one series.
     */
    readonly AnomalyShape: {
      /** Confidence */
      readonly confidence: number;
      /** Direction */
      readonly direction: string;
      /** End */
      readonly end: string | null;
      /** Id */
      readonly id: string;
      /** Labels */
      readonly labels: {
        readonly [key: string]: string;
      };
      /** Lower */
      readonly lower: number | null;
      /** Mark */
      readonly mark: string;
      /** Marked By */
      readonly marked_by: string;
      /** Metric */
      readonly metric: string;
      readonly points: components['schemas']['PointsShape'] | null;
      /** Query */
      readonly query: string;
      /** Score */
      readonly score: number;
      /** Severity */
      readonly severity: string;
      /** Start */
      readonly start: string;
      /** State */
      readonly state: string;
      /** Upper */
      readonly upper: number | null;
      /** Value */
      readonly value: number | null;
      /** Watch */
      readonly watch: string;
    };
    /**
     * BatchLine
     * @description The answer to one of a batch's queries.
     */
    readonly BatchLine: {
      /** Answer */
      readonly answer: components['schemas']['QuerySuccess'] | components['schemas']['Failure'];
      /** Index */
      readonly index: number;
    };
    /**
     * BeatsShape
     * @description What was heard of a heartbeat.
     */
    readonly BeatsShape: {
      /** Exit Code */
      readonly exit_code: number;
      /** Failed */
      readonly failed: string | null;
      /** Has Address */
      readonly has_address: boolean;
      /** Heard */
      readonly heard: string | null;
      /** Started */
      readonly started: string | null;
    };
    /**
     * BuildInfo
     * @description Which version this is.
     */
    readonly BuildInfo: {
      /** Application */
      readonly application: string;
      /** Branch */
      readonly branch: string;
      /** Builddate */
      readonly buildDate: string;
      /** Builduser */
      readonly buildUser: string;
      /** Engineversion */
      readonly engineVersion: string;
      /** Goversion */
      readonly goVersion: string;
      /** Pharosversion */
      readonly pharosVersion: string;
      /** Pythonversion */
      readonly pythonVersion: string;
      /** Revision */
      readonly revision: string;
      /** Version */
      readonly version: string;
    };
    /**
     * BurnShape
     * @description A pair of windows, and how fast the budget burns in each.
     */
    readonly BurnShape: {
      /** Is Burning */
      readonly is_burning: boolean;
      /** Long */
      readonly long: string;
      /** Long Rate */
      readonly long_rate: number | null;
      /** Severity */
      readonly severity: string;
      /** Short */
      readonly short: string;
      /** Short Rate */
      readonly short_rate: number | null;
      /** Threshold */
      readonly threshold: number;
    };
    /**
     * CellShape
     * @description A day.
     */
    readonly CellShape: {
      /** Coverage */
      readonly coverage: number;
      /** Day */
      readonly day: string;
      /** Uptime */
      readonly uptime: number | null;
    };
    /**
     * ChangedShape
     * @description A series that changed.
     */
    readonly ChangedShape: {
      /** Before */
      readonly before: number;
      /** Change */
      readonly change: number | null;
      /** Change Score */
      readonly change_score: number;
      /** Correlation */
      readonly correlation: number | null;
      /** Direction */
      readonly direction: string;
      /** During */
      readonly during: number;
      /** Expression */
      readonly expression: string;
      /** First Changed */
      readonly first_changed: string | null;
      /** Is Counter */
      readonly is_counter: boolean;
      /** Labels */
      readonly labels: {
        readonly [key: string]: string;
      };
      /** Score */
      readonly score: number;
      /** Values */
      readonly values: readonly (number | null)[];
    };
    /**
     * CheckDetailShape
     * @description A check with its history.
     */
    readonly CheckDetailShape: {
      readonly beats: components['schemas']['BeatsShape'] | null;
      /** Because */
      readonly because: string;
      /** Certificate Days */
      readonly certificate_days: number | null;
      /** Changes */
      readonly changes: readonly components['schemas']['pharos__api__health__shapes__ChangeShape'][];
      /** Component */
      readonly component: string;
      /** Days */
      readonly days: readonly components['schemas']['CellShape'][];
      /** Definition */
      readonly definition: {
        readonly [key: string]: unknown;
      };
      /** Depends On */
      readonly depends_on: readonly string[];
      /** Duration Ms */
      readonly duration_ms: number | null;
      /** Enabled */
      readonly enabled: boolean;
      /** Failures */
      readonly failures: number;
      /** File */
      readonly file: string;
      /** Interval Ms */
      readonly interval_ms: number;
      /** Labels */
      readonly labels: {
        readonly [key: string]: string;
      };
      /** Looked */
      readonly looked: string | null;
      /** Maintenance */
      readonly maintenance: string;
      /** Name */
      readonly name: string;
      /** Reason */
      readonly reason: string;
      /** Recent Ms */
      readonly recent_ms: readonly (number | null)[];
      /** Runs */
      readonly runs: readonly components['schemas']['RunShape'][];
      /** Severity */
      readonly severity: string;
      /** Since */
      readonly since: string | null;
      /**
       * Source
       * @enum {string}
       */
      readonly source: 'file' | 'kept';
      /**
       * State
       * @enum {string}
       */
      readonly state: 'up' | 'down' | 'unknown';
      /** Strip */
      readonly strip: readonly (number | null)[];
      /** Target */
      readonly target: string;
      /** Title */
      readonly title: string;
      /** Type */
      readonly type: string;
      /** Updated */
      readonly updated: string | null;
      /** Updated By */
      readonly updated_by: string;
      /** Uptime */
      readonly uptime: number | null;
      /** Version */
      readonly version: number;
    };
    /**
     * CheckVersionShape
     * @description What a check was from one change to the next.
     */
    readonly CheckVersionShape: {
      /** Check */
      readonly check: {
        readonly [key: string]: unknown;
      } | null;
      /** Reason */
      readonly reason: string;
      /** Updated */
      readonly updated: string;
      /** Updated By */
      readonly updated_by: string;
      /** Version */
      readonly version: number;
    };
    /**
     * ComparedDifferenceShape
     * @description How one thing differs. Effects are ratios: 1.1 is a tenth more.
     */
    readonly ComparedDifferenceShape: {
      /** Baseline */
      readonly baseline: number | null;
      /** Better */
      readonly better: string;
      /** Canary */
      readonly canary: number | null;
      /** Change Percent */
      readonly change_percent: number | null;
      /** Delta */
      readonly delta: number | null;
      /** Effect */
      readonly effect: number | null;
      /** High */
      readonly high: number | null;
      /** Is Different */
      readonly is_different: boolean;
      /** Kind */
      readonly kind: string;
      /** Labels */
      readonly labels: {
        readonly [key: string]: string;
      };
      /** Low */
      readonly low: number | null;
      /** Measure */
      readonly measure: string;
      /** Needs */
      readonly needs: string;
      /** P Value */
      readonly p_value: number | null;
      /** Severity */
      readonly severity: string;
      /** Verdict */
      readonly verdict: string;
    };
    /**
     * ComparedGroupShape
     * @description A group, as it was looked at.
     */
    readonly ComparedGroupShape: {
      /** End */
      readonly end: string;
      /** Name */
      readonly name: string;
      /** Start */
      readonly start: string;
    };
    /**
     * ComparedSavingShape
     * @description What the second group takes less than the first.
     */
    readonly ComparedSavingShape: {
      /** Cost */
      readonly cost: number | null;
      /** Measure */
      readonly measure: string;
      /** Per Second */
      readonly per_second: number;
      /** Percent */
      readonly percent: number | null;
      /** Saves */
      readonly saves: string;
      /** Total */
      readonly total: number;
    };
    /**
     * ComparisonShape
     * @description What differs.
     */
    readonly ComparisonShape: {
      readonly baseline: components['schemas']['ComparedGroupShape'];
      readonly canary: components['schemas']['ComparedGroupShape'];
      /** Differences */
      readonly differences: readonly components['schemas']['ComparedDifferenceShape'][];
      /** Notes */
      readonly notes: readonly string[];
      /** Savings */
      readonly savings: readonly components['schemas']['ComparedSavingShape'][];
      /** Score */
      readonly score: number | null;
      /** Severity */
      readonly severity: string;
      /** Verdict */
      readonly verdict: string;
    };
    /**
     * ComponentShape
     * @description How a component is.
     */
    readonly ComponentShape: {
      /** Checks */
      readonly checks: readonly string[];
      readonly health: components['schemas']['Health'];
      /** Name */
      readonly name: string;
      /** Part Of */
      readonly part_of: string;
      /** Parts */
      readonly parts: readonly string[];
      /** Reasons */
      readonly reasons: readonly components['schemas']['ReasonShape'][];
      /** Since */
      readonly since: string | null;
      /**
       * Source
       * @enum {string}
       */
      readonly source: 'file' | 'kept' | 'named';
      /** Strip */
      readonly strip: readonly (number | null)[];
      /** Title */
      readonly title: string;
      /** Uptime */
      readonly uptime: number | null;
      /** Version */
      readonly version: number;
    };
    /**
     * ConfigShape
     * @description What counts for a tenant.
     */
    readonly ConfigShape: {
      /** At */
      readonly at: string | null;
      /** By */
      readonly by: string;
      /** Config */
      readonly config: string;
      /** Notices */
      readonly notices: readonly string[];
      /** Reason */
      readonly reason: string;
      /** Source */
      readonly source: string;
      /** Template Files */
      readonly template_files: {
        readonly [key: string]: string;
      };
      /** Version */
      readonly version: number;
    };
    /**
     * ConfigText
     * @description The settings in force.
     */
    readonly ConfigText: {
      /** Yaml */
      readonly yaml: string;
    };
    /**
     * ContactShape
     * @description A way by which somebody is reached.
     */
    readonly ContactShape: {
      /** Address */
      readonly address: string;
      /** After */
      readonly after: string;
      /** Enabled */
      readonly enabled: boolean;
      /** Id */
      readonly id: string;
      /** Kind */
      readonly kind: string;
      /** Min Severity */
      readonly min_severity: string;
    };
    /**
     * ControlShape
     * @description Something that somebody asked of a flow, and how it stands.
     */
    readonly ControlShape: {
      /** Action */
      readonly action: string;
      /** Answer Until Ms */
      readonly answer_until_ms: number;
      /** Asked Ms */
      readonly asked_ms: number;
      /** By */
      readonly by: string;
      /** Ended Ms */
      readonly ended_ms: number | null;
      /** Id */
      readonly id: string;
      /** Is Over */
      readonly is_over: boolean;
      /** Message */
      readonly message: string;
      /** Parameters */
      readonly parameters: {
        readonly [key: string]: unknown;
      };
      /** Reason */
      readonly reason: string;
      /** Run Id */
      readonly run_id: string;
      /** Status */
      readonly status: string;
      /** Way */
      readonly way: string;
      /** Workflow */
      readonly workflow: string;
    };
    /**
     * ControlsShape
     * @description What was asked, the newest first.
     */
    readonly ControlsShape: {
      /** Controls */
      readonly controls: readonly components['schemas']['ControlShape'][];
    };
    /**
     * CorrelationsShape
     * @description What changed, the most changed first.
     */
    readonly CorrelationsShape: {
      /** Baseline Start */
      readonly baseline_start: string;
      /** Changed */
      readonly changed: number;
      /** End */
      readonly end: string;
      /** Examined */
      readonly examined: number;
      readonly reference: components['schemas']['ReferenceShape'] | null;
      /** Series */
      readonly series: readonly components['schemas']['ChangedShape'][];
      /** Start */
      readonly start: string;
      /** Step Ms */
      readonly step_ms: number;
      /** Truncated */
      readonly truncated: boolean;
    };
    /**
     * Count
     * @description How many of what.
     */
    readonly Count: {
      /** Name */
      readonly name: string;
      /** Value */
      readonly value: number;
    };
    /**
     * CountShape
     * @description How many.
     */
    readonly CountShape: {
      /** Count */
      readonly count: number;
    };
    /**
     * DashboardChangeShape
     * @description What differs at one place.
     */
    readonly DashboardChangeShape: {
      /** After */
      readonly after: unknown;
      /** Before */
      readonly before: unknown;
      /**
       * Kind
       * @enum {string}
       */
      readonly kind: 'changed' | 'added' | 'removed';
      /** Path */
      readonly path: string;
    };
    /**
     * DashboardDiffShape
     * @description What differs between two versions.
     */
    readonly DashboardDiffShape: {
      /** After */
      readonly after: string;
      /** Before */
      readonly before: string;
      /** Changes */
      readonly changes: readonly components['schemas']['DashboardChangeShape'][];
      /** From */
      readonly from: number;
      /** To */
      readonly to: number;
    };
    /**
     * DashboardDraftShape
     * @description A draft as it is after changes.
     */
    readonly DashboardDraftShape: {
      readonly definitions: components['schemas']['DashboardListsShape'];
      /** Document */
      readonly document: {
        readonly [key: string]: unknown;
      };
      /**
       * Format
       * @enum {string}
       */
      readonly format: 'classic' | 'v2';
      /** Model */
      readonly model: {
        readonly [key: string]: unknown;
      };
      /** Report */
      readonly report: readonly components['schemas']['DashboardNoteShape'][];
    };
    /**
     * DashboardGoneShape
     * @description A dashboard that was taken away.
     */
    readonly DashboardGoneShape: {
      /** Title */
      readonly title: string;
      /** Uid */
      readonly uid: string;
      /** Version */
      readonly version: number;
    };
    /**
     * DashboardImportedShape
     * @description What an import came to.
     */
    readonly DashboardImportedShape: {
      /**
       * Format
       * @enum {string}
       */
      readonly format: 'classic' | 'v2';
      /** Inputs */
      readonly inputs: readonly components['schemas']['DashboardInputShape'][];
      /** Is New */
      readonly is_new: boolean;
      /** Panels */
      readonly panels: number;
      /** Report */
      readonly report: readonly components['schemas']['DashboardNoteShape'][];
      /** Schema */
      readonly schema: string;
      /** Title */
      readonly title: string;
      /** Uid */
      readonly uid: string;
      /** Version */
      readonly version: number;
    };
    /**
     * DashboardInputShape
     * @description What is chosen at an import.
     */
    readonly DashboardInputShape: {
      /** Description */
      readonly description: string;
      /** Label */
      readonly label: string;
      /** Name */
      readonly name: string;
      /** Plugin */
      readonly plugin: string;
      /** Type */
      readonly type: string;
      /** Value */
      readonly value: string;
    };
    /**
     * DashboardListShape
     * @description A page of a list of dashboards.
     */
    readonly DashboardListShape: {
      /** Dashboards */
      readonly dashboards: readonly components['schemas']['DashboardSummaryShape'][];
      /** Tags */
      readonly tags: readonly components['schemas']['DashboardTagShape'][];
      /** Total */
      readonly total: number;
    };
    /**
     * DashboardListsShape
     * @description What a dashboard defines beside its panels, in the words of the classic schema.
     */
    readonly DashboardListsShape: {
      /** Annotations */
      readonly annotations: readonly {
        readonly [key: string]: unknown;
      }[];
      /** Links */
      readonly links: readonly {
        readonly [key: string]: unknown;
      }[];
      /** Variables */
      readonly variables: readonly {
        readonly [key: string]: unknown;
      }[];
    };
    /**
     * DashboardModelShape
     * @description What a dashboard shows.
     */
    readonly DashboardModelShape: {
      readonly definitions: components['schemas']['DashboardListsShape'];
      /**
       * Format
       * @enum {string}
       */
      readonly format: 'classic' | 'v2';
      /** Model */
      readonly model: {
        readonly [key: string]: unknown;
      };
      /** Report */
      readonly report: readonly components['schemas']['DashboardNoteShape'][];
    };
    /**
     * DashboardNoteShape
     * @description A remark on a dashboard that was read.
     */
    readonly DashboardNoteShape: {
      /** Hint */
      readonly hint: string;
      /**
       * Level
       * @enum {string}
       */
      readonly level: 'lost' | 'changed' | 'note';
      /** Message */
      readonly message: string;
      /** Panel */
      readonly panel: number | null;
      /** Where */
      readonly where: string;
    };
    /**
     * DashboardShape
     * @description A dashboard: as it is kept, and what it shows.
     */
    readonly DashboardShape: {
      /** Created At */
      readonly created_at: string;
      /** Created By */
      readonly created_by: string;
      readonly definitions: components['schemas']['DashboardListsShape'];
      /** Deleted At */
      readonly deleted_at: string | null;
      /** Description */
      readonly description: string;
      /** Document */
      readonly document: {
        readonly [key: string]: unknown;
      };
      /** File */
      readonly file: string;
      /** Folder */
      readonly folder: string;
      /** Folder Title */
      readonly folder_title: string;
      /**
       * Format
       * @enum {string}
       */
      readonly format: 'classic' | 'v2';
      /** May Edit */
      readonly may_edit: boolean;
      /** Message */
      readonly message: string;
      /** Model */
      readonly model: {
        readonly [key: string]: unknown;
      };
      /** Panels */
      readonly panels: number;
      /** Report */
      readonly report: readonly components['schemas']['DashboardNoteShape'][];
      /**
       * Source
       * @enum {string}
       */
      readonly source: 'stored' | 'file' | 'shipped';
      /** Tags */
      readonly tags: readonly string[];
      /** Title */
      readonly title: string;
      /** Uid */
      readonly uid: string;
      /** Updated At */
      readonly updated_at: string;
      /** Updated By */
      readonly updated_by: string;
      /** Url */
      readonly url: string;
      /** Version */
      readonly version: number;
    };
    /**
     * DashboardSummaryShape
     * @description What lists show of a dashboard.
     */
    readonly DashboardSummaryShape: {
      /** Created At */
      readonly created_at: string;
      /** Created By */
      readonly created_by: string;
      /** Deleted At */
      readonly deleted_at: string | null;
      /** Description */
      readonly description: string;
      /** File */
      readonly file: string;
      /** Folder */
      readonly folder: string;
      /** Folder Title */
      readonly folder_title: string;
      /** May Edit */
      readonly may_edit: boolean;
      /** Panels */
      readonly panels: number;
      /**
       * Source
       * @enum {string}
       */
      readonly source: 'stored' | 'file' | 'shipped';
      /** Tags */
      readonly tags: readonly string[];
      /** Title */
      readonly title: string;
      /** Uid */
      readonly uid: string;
      /** Updated At */
      readonly updated_at: string;
      /** Updated By */
      readonly updated_by: string;
      /** Url */
      readonly url: string;
      /** Version */
      readonly version: number;
    };
    /**
     * DashboardTagShape
     * @description A tag, and how many dashboards have it.
     */
    readonly DashboardTagShape: {
      /** Count */
      readonly count: number;
      /** Tag */
      readonly tag: string;
    };
    /**
     * DashboardVersionShape
     * @description A version of a dashboard.
     */
    readonly DashboardVersionShape: {
      /** At */
      readonly at: string;
      /** By */
      readonly by: string;
      /** Is Deletion */
      readonly is_deletion: boolean;
      /** Message */
      readonly message: string;
      /** Restored From */
      readonly restored_from: number | null;
      /** Version */
      readonly version: number;
    };
    /**
     * DecisionShape
     * @description Whether somebody may do something, and why.
     */
    readonly DecisionShape: {
      /** Allowed */
      readonly allowed: boolean;
      /** Why */
      readonly why: string;
    };
    /**
     * DefinitionShape
     * @description A version of a definition.
     */
    readonly DefinitionShape: {
      /** At */
      readonly at: string;
      /** By */
      readonly by: string;
      /** Definition */
      readonly definition: {
        readonly [key: string]: unknown;
      } | null;
      /** Reason */
      readonly reason: string;
      /** Version */
      readonly version: number;
    };
    /**
     * DeletedUserShape
     * @description A user who was deleted, and the proof of it, which the audit log keeps.
     */
    readonly DeletedUserShape: {
      /** Id */
      readonly id: string;
      /** Name */
      readonly name: string;
      /** Rows Left */
      readonly rows_left: number;
      /** Rows Removed */
      readonly rows_removed: {
        readonly [key: string]: number;
      };
    };
    /**
     * DemoShape
     * @description How it stands with the demo.
     */
    readonly DemoShape: {
      /** Cycle S */
      readonly cycle_s: number;
      /** Is Broken */
      readonly is_broken: boolean;
      /** Is Running */
      readonly is_running: boolean;
      /** Release */
      readonly release: string;
      /** Tenant */
      readonly tenant: string;
    };
    /**
     * DependencyPreviewShape
     * @description What a dependency would do with the alerts that there are now, by fingerprint.
     */
    readonly DependencyPreviewShape: {
      /** Children */
      readonly children: readonly string[];
      /** Held Back */
      readonly held_back: readonly string[];
      /** Labels */
      readonly labels: {
        readonly [key: string]: {
          readonly [key: string]: string;
        };
      };
      /** Parents */
      readonly parents: readonly string[];
    };
    /**
     * DependencyShape
     * @description A dependency.
     */
    readonly DependencyShape: {
      /** At */
      readonly at: string;
      /** By */
      readonly by: string;
      /** Child */
      readonly child: readonly string[];
      /** Equal */
      readonly equal: readonly string[];
      /** Name */
      readonly name: string;
      /** Parent */
      readonly parent: readonly string[];
      /** Reason */
      readonly reason: string;
      /** Version */
      readonly version: number;
    };
    /**
     * DifferenceShape
     * @description What the other version would have changed.
     */
    readonly DifferenceShape: {
      /** Added */
      readonly added: number;
      /** Added Pages */
      readonly added_pages: readonly components['schemas']['pharos__api__alerting__replay_shapes__PageShape'][];
      /** Gained */
      readonly gained: number;
      /** Gained Alerts */
      readonly gained_alerts: readonly components['schemas']['EpisodeShape'][];
      /** Lost */
      readonly lost: number;
      /** Lost Alerts */
      readonly lost_alerts: readonly components['schemas']['EpisodeShape'][];
      /** Saved */
      readonly saved: number;
      /** Saved Pages */
      readonly saved_pages: readonly components['schemas']['pharos__api__alerting__replay_shapes__PageShape'][];
    };
    /**
     * DiscoveryError
     * @description Why some targets of a job may not be known just now; those that it had stay.
     */
    readonly DiscoveryError: {
      /** Error */
      readonly error: string;
      /** Scrapepool */
      readonly scrapePool: string;
    };
    /**
     * DroppedTargetShape
     * @description A target that relabelling dropped.
     */
    readonly DroppedTargetShape: {
      /** Discoveredlabels */
      readonly discoveredLabels: {
        readonly [key: string]: string;
      };
      /** Scrapepool */
      readonly scrapePool: string;
    };
    /**
     * EntryShape
     * @description An entry of the log.
     */
    readonly EntryShape: {
      /** Action */
      readonly action: string;
      /** After */
      readonly after: {
        readonly [key: string]: unknown;
      } | null;
      /** Before */
      readonly before: {
        readonly [key: string]: unknown;
      } | null;
      /** Hash */
      readonly hash: string;
      /** Name */
      readonly name: string;
      /** Number */
      readonly number: number;
      /** Object */
      readonly object: string;
      /** Previous */
      readonly previous: string;
      /** Reason */
      readonly reason: string;
      /** Request Id */
      readonly request_id: string;
      /** Tenant */
      readonly tenant: string;
      /** Time Ms */
      readonly time_ms: number;
      /** Who */
      readonly who: string;
    };
    /**
     * EpisodeShape
     * @description An alert that fired for a time.
     */
    readonly EpisodeShape: {
      /** End */
      readonly end: string | null;
      /** Labels */
      readonly labels: {
        readonly [key: string]: string;
      };
      /** Start */
      readonly start: string;
    };
    /**
     * EscalatedShape
     * @description A level of an escalation that would have been told.
     */
    readonly EscalatedShape: {
      /** Labels */
      readonly labels: {
        readonly [key: string]: string;
      };
      /** Level */
      readonly level: string;
      /** Policy */
      readonly policy: string;
      /** Time */
      readonly time: string;
    };
    /**
     * EscalationShape
     * @description How far an escalation is.
     */
    readonly EscalationShape: {
      /** Alerts */
      readonly alerts: {
        readonly [key: string]: string;
      };
      /** Ended */
      readonly ended: string | null;
      /** Group Key */
      readonly group_key: string;
      /** Id */
      readonly id: string;
      /** Labels */
      readonly labels: {
        readonly [key: string]: {
          readonly [key: string]: string;
        };
      };
      /** Level */
      readonly level: number;
      /** Level Name */
      readonly level_name: string;
      /** Next */
      readonly next: string | null;
      /** Next Level */
      readonly next_level: string;
      /** Next Targets */
      readonly next_targets: readonly string[];
      /** Policy */
      readonly policy: string;
      /** Quorum */
      readonly quorum: number;
      /** Round */
      readonly round: number;
      /** Started */
      readonly started: string;
      /** Status */
      readonly status: string;
      /** Told */
      readonly told: {
        readonly [key: string]: readonly string[];
      };
      /** Version */
      readonly version: number;
      /** Voters */
      readonly voters: readonly string[];
      /** Votes */
      readonly votes: readonly string[];
    };
    /**
     * EverybodyShape
     * @description Who is on call.
     */
    readonly EverybodyShape: {
      /** At */
      readonly at: string;
      /** On Call */
      readonly on_call: readonly components['schemas']['OnCallShape'][];
      /** Twice */
      readonly twice: readonly components['schemas']['OverlapShape'][];
    };
    /**
     * EvidenceShape
     * @description What was asked before, and answered.
     */
    readonly EvidenceShape: {
      /** Answer */
      readonly answer: string;
      /** At */
      readonly at: string | null;
      /** Query */
      readonly query: string;
    };
    /**
     * ExemplarShape
     * @description One exemplar.
     */
    readonly ExemplarShape: {
      /** Labels */
      readonly labels: {
        readonly [key: string]: string;
      };
      /** Timestamp */
      readonly timestamp: number;
      /** Value */
      readonly value: string;
    };
    /**
     * Failure
     * @description A failed request.
     */
    readonly Failure: {
      /**
       * Code
       * @default null
       */
      readonly code?: 'no_tenant' | null;
      /** Error */
      readonly error: string;
      /**
       * Errortype
       * @enum {string}
       */
      readonly errorType:
        | 'bad_data'
        | 'execution'
        | 'timeout'
        | 'canceled'
        | 'internal'
        | 'unavailable'
        | 'not_found'
        | 'forbidden'
        | 'unauthorized'
        | 'conflict';
      /**
       * Status
       * @constant
       */
      readonly status: 'error';
    };
    /**
     * FeedShape
     * @description A calendar at a secret address, which is told once.
     */
    readonly FeedShape: {
      /** Address */
      readonly address: string;
      /** Created */
      readonly created: string;
      /** Id */
      readonly id: string;
      /** Person */
      readonly person: string;
    };
    /**
     * FiringShape
     * @description An alert that would have fired.
     */
    readonly FiringShape: {
      /** Active */
      readonly active: string;
      /** Annotations */
      readonly annotations: {
        readonly [key: string]: string;
      };
      /** End */
      readonly end: string | null;
      /** Labels */
      readonly labels: {
        readonly [key: string]: string;
      };
      /** Start */
      readonly start: string;
      /** Value */
      readonly value: string;
    };
    /**
     * FolderEntriesShape
     * @description Who may do what in a folder, all of it.
     */
    readonly FolderEntriesShape: {
      /** Entries */
      readonly entries: readonly components['schemas']['FolderEntryShape'][];
    };
    /**
     * FolderEntryShape
     * @description Who may do what in a folder.
     */
    readonly FolderEntryShape: {
      /**
       * Permission
       * @enum {string}
       */
      readonly permission: 'view' | 'edit' | 'manage';
      /** Subject */
      readonly subject: string;
    };
    /**
     * FolderGoneShape
     * @description How many dashboards went with a folder.
     */
    readonly FolderGoneShape: {
      /** Deleted */
      readonly deleted: number;
    };
    /**
     * FolderShape
     * @description A folder.
     */
    readonly FolderShape: {
      /** Dashboards */
      readonly dashboards: number;
      /** May Edit */
      readonly may_edit: boolean;
      /** May Manage */
      readonly may_manage: boolean;
      /** Parent */
      readonly parent: string;
      /** Restricted */
      readonly restricted: boolean;
      /**
       * Source
       * @enum {string}
       */
      readonly source: 'stored' | 'file' | 'shipped';
      /** Title */
      readonly title: string;
      /** Uid */
      readonly uid: string;
    };
    /**
     * GateShape
     * @description Whether a change may go out.
     */
    readonly GateShape: {
      /** Allowed */
      readonly allowed: boolean;
      /** Reasons */
      readonly reasons: readonly string[];
      readonly slo: components['schemas']['SloShape'];
    };
    /**
     * GroupShape
     * @description A group of rules, and where it is from.
     */
    readonly GroupShape: {
      /** File */
      readonly file: string | null;
      /** Group */
      readonly group: {
        readonly [key: string]: unknown;
      };
      /** Name */
      readonly name: string;
      /** Namespace */
      readonly namespace: string;
      /** Source */
      readonly source: string;
      /** Updated */
      readonly updated: string | null;
      /** Updated By */
      readonly updated_by: string | null;
      /** Version */
      readonly version: number | null;
    };
    /**
     * HeadStats
     * @description Today's series.
     */
    readonly HeadStats: {
      /** Chunkcount */
      readonly chunkCount: number;
      /** Maxtime */
      readonly maxTime: number;
      /** Mintime */
      readonly minTime: number;
      /** Numlabelpairs */
      readonly numLabelPairs: number;
      /** Numseries */
      readonly numSeries: number;
      /** Samples */
      readonly samples: number;
    };
    /**
     * Health
     * @description How a component is, the worst last but for `unknown`.
     * @enum {string}
     */
    readonly Health: 'unknown' | 'healthy' | 'maintenance' | 'degraded' | 'down';
    /**
     * HeartbeatShape
     * @description Something that gives a sign of life now and then.
     */
    readonly HeartbeatShape: {
      /** Beaten At */
      readonly beaten_at: string;
      /** Missing */
      readonly missing: boolean;
      /** Name */
      readonly name: string;
      /** Severity */
      readonly severity: string;
      /** Within Ms */
      readonly within_ms: number;
    };
    /**
     * HeartbeatsShape
     * @description All of the tenant.
     */
    readonly HeartbeatsShape: {
      /** Heartbeats */
      readonly heartbeats: readonly components['schemas']['HeartbeatShape'][];
    };
    /**
     * HeldRoleShape
     * @description A role that somebody has.
     */
    readonly HeldRoleShape: {
      /** Detail */
      readonly detail: string;
      /** Name */
      readonly name: string;
      /** Source */
      readonly source: string;
      /** Tenant */
      readonly tenant: string | null;
    };
    /**
     * HiddenShape
     * @description Alerts, by their fingerprints.
     */
    readonly HiddenShape: {
      /** Alerts */
      readonly alerts: readonly string[];
      /** Labels */
      readonly labels: {
        readonly [key: string]: {
          readonly [key: string]: string;
        };
      };
    };
    /**
     * HistogramValue
     * @description A native histogram.
     */
    readonly HistogramValue: {
      /**
       * Buckets
       * @default []
       */
      readonly buckets?: readonly (readonly [number, string, string, string])[];
      /** Count */
      readonly count: string;
      /** Sum */
      readonly sum: string;
    };
    /**
     * HoldShape
     * @description What keeps people from being told: a silence, another alert, a time.
     */
    readonly HoldShape: {
      /** Alert */
      readonly alert: {
        readonly [key: string]: string;
      };
      /** Reason */
      readonly reason: string;
      /** Source */
      readonly source: string;
    };
    /**
     * HookShape
     * @description A control hook, without its secrets.
     */
    readonly HookShape: {
      /** Changed By */
      readonly changed_by: string;
      /** Changed Ms */
      readonly changed_ms: number;
      /** Hook */
      readonly hook: {
        readonly [key: string]: unknown;
      };
      /** Version */
      readonly version: number;
      /** Workflow */
      readonly workflow: string;
    };
    /**
     * HooksShape
     * @description All hooks of the tenant, by workflow.
     */
    readonly HooksShape: {
      /** Hooks */
      readonly hooks: readonly components['schemas']['HookShape'][];
    };
    /**
     * IdentityShape
     * @description Who somebody is.
     */
    readonly IdentityShape: {
      /** Id */
      readonly id: string;
      /** Kind */
      readonly kind: string;
      /** Name */
      readonly name: string;
    };
    /**
     * IntegrationShape
     * @description A way of telling, and how it does.
     */
    readonly IntegrationShape: {
      /** Dead */
      readonly dead: number;
      /** Error */
      readonly error: string;
      /** Kind */
      readonly kind: string;
      /** Name */
      readonly name: string;
      /** Owed */
      readonly owed: number;
      /** Send Resolved */
      readonly send_resolved: boolean;
      /** State */
      readonly state: string;
      /** Told At */
      readonly told_at: string | null;
      /** Tried At */
      readonly tried_at: string | null;
    };
    /**
     * LayerShape
     * @description A layer's own shifts.
     */
    readonly LayerShape: {
      /** Name */
      readonly name: string;
      /** Shifts */
      readonly shifts: readonly components['schemas']['ShiftShape'][];
    };
    /**
     * LetterAlertShape
     * @description An alert that a letter tells of.
     */
    readonly LetterAlertShape: {
      /** Fingerprint */
      readonly fingerprint: string;
      /** Labels */
      readonly labels: {
        readonly [key: string]: string;
      };
      /** Status */
      readonly status: string;
    };
    /**
     * LetterShape
     * @description A notification that is owed, or that could not be delivered.
     */
    readonly LetterShape: {
      /** Alert Count */
      readonly alert_count: number;
      /** Alerts */
      readonly alerts: readonly components['schemas']['LetterAlertShape'][];
      /** Created At */
      readonly created_at: string;
      /** Due At */
      readonly due_at: string;
      /** Error */
      readonly error: string;
      /** Group Key */
      readonly group_key: string;
      /** Id */
      readonly id: string;
      /** Integration */
      readonly integration: string;
      /** Purpose */
      readonly purpose: string;
      /** Reason */
      readonly reason: string;
      /** Receiver */
      readonly receiver: string;
      /** State */
      readonly state: string;
      /** Status */
      readonly status: string;
      /** Tried At */
      readonly tried_at: string | null;
      /** Tries */
      readonly tries: number;
    };
    /**
     * LettersShape
     * @description Notifications, the oldest first.
     */
    readonly LettersShape: {
      /** Count */
      readonly count: number;
      /** Letters */
      readonly letters: readonly components['schemas']['LetterShape'][];
    };
    /**
     * LineShape
     * @description One step.
     */
    readonly LineShape: {
      /** At */
      readonly at: string;
      /** Detail */
      readonly detail: {
        readonly [key: string]: unknown;
      };
      /** Group Key */
      readonly group_key: string;
      /** Step */
      readonly step: string;
      /** Text */
      readonly text: string;
    };
    /**
     * LinkOwner
     * @description Whose a link that works once is.
     */
    readonly LinkOwner: {
      /** Name */
      readonly name: string | null;
    };
    /**
     * LinkShape
     * @description A link that works once.
     */
    readonly LinkShape: {
      /** Code */
      readonly code: string;
      /** Path */
      readonly path: string;
    };
    /**
     * MatcherShape
     * @description One condition on a label.
     */
    readonly MatcherShape: {
      /** Name */
      readonly name: string;
      /** Op */
      readonly op: string;
      /** Value */
      readonly value: string;
    };
    /**
     * MatrixItem
     * @description One series of a range vector.
     */
    readonly MatrixItem: {
      /**
       * Histograms
       * @default []
       */
      readonly histograms?: readonly (readonly [number, components['schemas']['HistogramValue']])[];
      /** Metric */
      readonly metric: {
        readonly [key: string]: string;
      };
      /**
       * Values
       * @default []
       */
      readonly values?: readonly (readonly [number, string])[];
    };
    /**
     * MatrixResult
     * @description A range vector.
     */
    readonly MatrixResult: {
      /** Result */
      readonly result: readonly components['schemas']['MatrixItem'][];
      /**
       * Resulttype
       * @constant
       */
      readonly resultType: 'matrix';
      /** @default null */
      readonly stats?: components['schemas']['QueryStats'] | null;
    };
    /**
     * Me
     * @description Who asks, and what they may do.
     */
    readonly Me: {
      /** Csrf Token */
      readonly csrf_token: string | null;
      /** Default Tenant */
      readonly default_tenant: string | null;
      /** Everywhere */
      readonly everywhere: readonly string[];
      readonly identity: components['schemas']['IdentityShape'];
      /**
       * Must Change Password
       * @default false
       */
      readonly must_change_password?: boolean;
      /** Openness */
      readonly openness: string;
      /** Roles */
      readonly roles: readonly components['schemas']['HeldRoleShape'][];
      /** Tenants */
      readonly tenants: readonly components['schemas']['TenantAccess'][];
    };
    /**
     * MemberShape
     * @description Who has which roles.
     */
    readonly MemberShape: {
      /** Disabled */
      readonly disabled: boolean;
      /** Display Name */
      readonly display_name: string;
      /** Id */
      readonly id: string;
      /** Name */
      readonly name: string;
      /** Roles */
      readonly roles: readonly string[];
    };
    /**
     * MetricDescription
     * @description What senders say of a metric.
     */
    readonly MetricDescription: {
      /** Help */
      readonly help: string;
      /** Type */
      readonly type: string;
      /** Unit */
      readonly unit: string;
    };
    /**
     * NewShareShape
     * @description A link as it is shown once, when it was made.
     */
    readonly NewShareShape: {
      /** By */
      readonly by: string;
      /** Created At */
      readonly created_at: string;
      /** Expires At */
      readonly expires_at: string | null;
      /** Free Range */
      readonly free_range: boolean;
      /** Id */
      readonly id: string;
      /**
       * Kind
       * @enum {string}
       */
      readonly kind: 'live' | 'snapshot';
      /** Name */
      readonly name: string;
      /** Public */
      readonly public: boolean;
      /** Token */
      readonly token: string;
      /** Uid */
      readonly uid: string;
      /** Url */
      readonly url: string;
    };
    /**
     * NewTokenShape
     * @description A token that was made; its text is never shown again.
     */
    readonly NewTokenShape: {
      /** Text */
      readonly text: string;
      readonly token: components['schemas']['TokenShape'];
    };
    /**
     * NewUserShape
     * @description A user who was added, and the link by which they choose a password, if they have none.
     */
    readonly NewUserShape: {
      /** Code */
      readonly code: string | null;
      /** Path */
      readonly path: string | null;
      readonly user: components['schemas']['UserShape'];
    };
    /**
     * Notification
     * @description Something that the operator should know.
     */
    readonly Notification: {
      /** Active */
      readonly active: boolean;
      /** Date */
      readonly date: string;
      /** Text */
      readonly text: string;
    };
    /**
     * OccurrenceShape
     * @description One time that a window is.
     */
    readonly OccurrenceShape: {
      /** Ends */
      readonly ends: string;
      /** Starts */
      readonly starts: string;
    };
    /**
     * OnCallShape
     * @description Who is on call by a schedule.
     */
    readonly OnCallShape: {
      /** Next */
      readonly next: readonly string[];
      /** People */
      readonly people: readonly string[];
      /** Schedule */
      readonly schedule: string;
      /** Source */
      readonly source: string;
      /** Until */
      readonly until: string | null;
    };
    /**
     * OutcomeShape
     * @description What rules and a configuration would have done.
     */
    readonly OutcomeShape: {
      /** Escalated */
      readonly escalated: number;
      /** Escalations */
      readonly escalations: readonly components['schemas']['EscalatedShape'][];
      /** Fired */
      readonly fired: number;
      /** Held */
      readonly held: readonly components['schemas']['pharos__api__alerting__replay_shapes__HeldShape'][];
      /** Pages */
      readonly pages: number;
      /** Pages By Receiver */
      readonly pages_by_receiver: {
        readonly [key: string]: number;
      };
      /** Rules */
      readonly rules: readonly components['schemas']['RuleShape'][];
      /** Sent */
      readonly sent: readonly components['schemas']['pharos__api__alerting__replay_shapes__PageShape'][];
      /** Untold */
      readonly untold: number;
    };
    /**
     * OverlapShape
     * @description Two say something else for the same time.
     */
    readonly OverlapShape: {
      /** End */
      readonly end: string;
      /** Loses */
      readonly loses: string;
      /** Losing People */
      readonly losing_people: readonly string[];
      /** Start */
      readonly start: string;
      /** Winning People */
      readonly winning_people: readonly string[];
      /** Wins */
      readonly wins: string;
    };
    /**
     * OverrideShape
     * @description An override.
     */
    readonly OverrideShape: {
      /** By */
      readonly by: string;
      /** End */
      readonly end: string;
      /** Id */
      readonly id: string;
      /** People */
      readonly people: readonly string[];
      /** Reason */
      readonly reason: string;
      /** Start */
      readonly start: string;
    };
    /**
     * PartlySparedShape
     * @description A time that is maintenance for some of what an objective keeps apart.
     */
    readonly PartlySparedShape: {
      /** End */
      readonly end: string;
      /** Only */
      readonly only: readonly string[];
      /** Start */
      readonly start: string;
    };
    /**
     * AlertShape
     * @description An alert, and how it stands with it.
     */
    readonly pharos__api__alerting__alerts__AlertShape: {
      readonly acknowledgement: components['schemas']['pharos__api__alerting__alerts__TakenShape'] | null;
      /** Annotations */
      readonly annotations: {
        readonly [key: string]: string;
      };
      /** Fingerprint */
      readonly fingerprint: string;
      /** Generator Url */
      readonly generator_url: string;
      /** Group Keys */
      readonly group_keys: readonly string[];
      /** Held By */
      readonly held_by: readonly components['schemas']['HoldShape'][];
      /** Labels */
      readonly labels: {
        readonly [key: string]: string;
      };
      /** Receivers */
      readonly receivers: readonly string[];
      readonly rule: components['schemas']['RuleNameShape'] | null;
      /** Since */
      readonly since: string;
      /** State */
      readonly state: string;
      /** Value */
      readonly value: string | null;
    };
    /**
     * TakenShape
     * @description Who looks after an alert.
     */
    readonly pharos__api__alerting__alerts__TakenShape: {
      /** At */
      readonly at: string;
      /** By */
      readonly by: string;
      /** Comment */
      readonly comment: string;
      /** Id */
      readonly id: string;
      /** Until */
      readonly until: string | null;
    };
    /**
     * HeldShape
     * @description An alert that was held back from a receiver for a while.
     */
    readonly pharos__api__alerting__replay_shapes__HeldShape: {
      /** Alert */
      readonly alert: {
        readonly [key: string]: string;
      };
      /** Labels */
      readonly labels: {
        readonly [key: string]: string;
      };
      /** Reason */
      readonly reason: string;
      /** Receiver */
      readonly receiver: string;
      /** Source */
      readonly source: string;
      /** Time */
      readonly time: string;
    };
    /**
     * PageShape
     * @description A message that would have been sent.
     */
    readonly pharos__api__alerting__replay_shapes__PageShape: {
      /** Firing */
      readonly firing: readonly {
        readonly [key: string]: string;
      }[];
      /** Group Key */
      readonly group_key: string;
      /** Integration */
      readonly integration: string;
      /** Reason */
      readonly reason: string;
      /** Receiver */
      readonly receiver: string;
      /** Resolved */
      readonly resolved: readonly {
        readonly [key: string]: string;
      }[];
      /** Time */
      readonly time: string;
    };
    /**
     * VersionShape
     * @description A definition as it is from one time on.
     */
    readonly pharos__api__alerting__schedule_shapes__VersionShape: {
      /** At */
      readonly at: string;
      /** By */
      readonly by: string;
      /** Document */
      readonly document: {
        readonly [key: string]: unknown;
      } | null;
      /** Name */
      readonly name: string;
      /** Reason */
      readonly reason: string;
      /** Version */
      readonly version: number;
    };
    /**
     * ChangeShape
     * @description That a check became something else.
     */
    readonly pharos__api__health__shapes__ChangeShape: {
      /** At */
      readonly at: string;
      /** Became */
      readonly became: string;
      /** Check */
      readonly check: string;
      /** Reason */
      readonly reason: string;
      /** Was */
      readonly was: string;
    };
    /**
     * CheckShape
     * @description A check and how it stands.
     */
    readonly pharos__api__health__shapes__CheckShape: {
      /** Because */
      readonly because: string;
      /** Certificate Days */
      readonly certificate_days: number | null;
      /** Component */
      readonly component: string;
      /** Depends On */
      readonly depends_on: readonly string[];
      /** Duration Ms */
      readonly duration_ms: number | null;
      /** Enabled */
      readonly enabled: boolean;
      /** Failures */
      readonly failures: number;
      /** File */
      readonly file: string;
      /** Interval Ms */
      readonly interval_ms: number;
      /** Labels */
      readonly labels: {
        readonly [key: string]: string;
      };
      /** Looked */
      readonly looked: string | null;
      /** Maintenance */
      readonly maintenance: string;
      /** Name */
      readonly name: string;
      /** Reason */
      readonly reason: string;
      /** Recent Ms */
      readonly recent_ms: readonly (number | null)[];
      /** Severity */
      readonly severity: string;
      /** Since */
      readonly since: string | null;
      /**
       * Source
       * @enum {string}
       */
      readonly source: 'file' | 'kept';
      /**
       * State
       * @enum {string}
       */
      readonly state: 'up' | 'down' | 'unknown';
      /** Strip */
      readonly strip: readonly (number | null)[];
      /** Target */
      readonly target: string;
      /** Title */
      readonly title: string;
      /** Type */
      readonly type: string;
      /** Uptime */
      readonly uptime: number | null;
      /** Version */
      readonly version: number;
    };
    /**
     * CheckShape
     * @description What is wrong with a configuration.
     */
    readonly pharos__api__native__alerting_config__CheckShape: {
      /** Faults */
      readonly faults: readonly string[];
      /** Notices */
      readonly notices: readonly string[];
      /** Receivers */
      readonly receivers: readonly string[];
    };
    /**
     * HeldShape
     * @description What holds a page back.
     */
    readonly pharos__api__native__alerting_config__HeldShape: {
      /** Alert */
      readonly alert: {
        readonly [key: string]: string;
      };
      /**
       * By
       * @default
       */
      readonly by?: string;
      /** Reason */
      readonly reason: string;
      /** Source */
      readonly source: string;
      /**
       * Until
       * @default null
       */
      readonly until?: string | null;
    };
    /**
     * TakenShape
     * @description A route that is taken.
     */
    readonly pharos__api__native__alerting_config__TakenShape: {
      /** Active Time Intervals */
      readonly active_time_intervals: readonly string[];
      /** Group By */
      readonly group_by: readonly string[];
      /** Group Interval */
      readonly group_interval: string;
      /** Group Key */
      readonly group_key: string;
      /** Group Labels */
      readonly group_labels: {
        readonly [key: string]: string;
      };
      /** Group Wait */
      readonly group_wait: string;
      readonly held_by: components['schemas']['pharos__api__native__alerting_config__HeldShape'] | null;
      /** Integrations */
      readonly integrations: readonly string[];
      /** Mute Time Intervals */
      readonly mute_time_intervals: readonly string[];
      /** Path */
      readonly path: readonly components['schemas']['StepShape'][];
      /** Receiver */
      readonly receiver: string;
      /** Repeat Interval */
      readonly repeat_interval: string;
    };
    /**
     * VersionShape
     * @description One version, and who made it.
     */
    readonly pharos__api__native__alerting_config__VersionShape: {
      /** At */
      readonly at: string;
      /** By */
      readonly by: string;
      /** Config */
      readonly config: string | null;
      /** Reason */
      readonly reason: string;
      /** Version */
      readonly version: number;
    };
    /**
     * PageShape
     * @description Entries, the newest first.
     */
    readonly pharos__api__native__audit__PageShape: {
      /** Before */
      readonly before: number | null;
      /** Entries */
      readonly entries: readonly components['schemas']['EntryShape'][];
    };
    /**
     * ChangeShape
     * @description What came of a change.
     */
    readonly pharos__api__native__rules__ChangeShape: {
      /** Applied */
      readonly applied: boolean;
      /** Diff */
      readonly diff: string | null;
      /** File */
      readonly file: string | null;
      readonly group: components['schemas']['GroupShape'] | null;
    };
    /**
     * VersionShape
     * @description What a group was from one change to the next.
     */
    readonly pharos__api__native__rules__VersionShape: {
      /** Group */
      readonly group: {
        readonly [key: string]: unknown;
      } | null;
      /** Reason */
      readonly reason: string;
      /** Updated */
      readonly updated: string;
      /** Updated By */
      readonly updated_by: string;
      /** Version */
      readonly version: number;
    };
    /**
     * AlertShape
     * @description An alert that is pending or firing.
     */
    readonly pharos__api__prometheus__shapes__AlertShape: {
      /**
       * Activeat
       * @default null
       */
      readonly activeAt?: string | null;
      /** Annotations */
      readonly annotations: {
        readonly [key: string]: string;
      };
      /**
       * Keepfiringsince
       * @default null
       */
      readonly keepFiringSince?: string | null;
      /** Labels */
      readonly labels: {
        readonly [key: string]: string;
      };
      /** State */
      readonly state: string;
      /** Value */
      readonly value: string;
    };
    /** Success[CheckShape] */
    readonly pharos__api__prometheus__shapes__Success_CheckShape___1: {
      readonly data: components['schemas']['pharos__api__health__shapes__CheckShape'];
      /**
       * Infos
       * @default []
       */
      readonly infos?: readonly string[];
      /**
       * Status
       * @constant
       */
      readonly status: 'success';
      /**
       * Warnings
       * @default []
       */
      readonly warnings?: readonly string[];
    };
    /** Success[CheckShape] */
    readonly pharos__api__prometheus__shapes__Success_CheckShape___2: {
      readonly data: components['schemas']['pharos__api__native__alerting_config__CheckShape'];
      /**
       * Infos
       * @default []
       */
      readonly infos?: readonly string[];
      /**
       * Status
       * @constant
       */
      readonly status: 'success';
      /**
       * Warnings
       * @default []
       */
      readonly warnings?: readonly string[];
    };
    /** Success[list[VersionShape]] */
    readonly pharos__api__prometheus__shapes__Success_list_VersionShape____1: {
      /** Data */
      readonly data: readonly components['schemas']['pharos__api__native__rules__VersionShape'][];
      /**
       * Infos
       * @default []
       */
      readonly infos?: readonly string[];
      /**
       * Status
       * @constant
       */
      readonly status: 'success';
      /**
       * Warnings
       * @default []
       */
      readonly warnings?: readonly string[];
    };
    /** Success[list[VersionShape]] */
    readonly pharos__api__prometheus__shapes__Success_list_VersionShape____2: {
      /** Data */
      readonly data: readonly components['schemas']['pharos__api__native__alerting_config__VersionShape'][];
      /**
       * Infos
       * @default []
       */
      readonly infos?: readonly string[];
      /**
       * Status
       * @constant
       */
      readonly status: 'success';
      /**
       * Warnings
       * @default []
       */
      readonly warnings?: readonly string[];
    };
    /** Success[list[VersionShape]] */
    readonly pharos__api__prometheus__shapes__Success_list_VersionShape____3: {
      /** Data */
      readonly data: readonly components['schemas']['pharos__api__alerting__schedule_shapes__VersionShape'][];
      /**
       * Infos
       * @default []
       */
      readonly infos?: readonly string[];
      /**
       * Status
       * @constant
       */
      readonly status: 'success';
      /**
       * Warnings
       * @default []
       */
      readonly warnings?: readonly string[];
    };
    /**
     * PointsShape
     * @description What was judged, between which limits it was to be expected, and how unusual it was.
     */
    readonly PointsShape: {
      /** Lower */
      readonly lower: readonly (number | null)[];
      /** Scores */
      readonly scores: readonly (number | null)[];
      /** Times Ms */
      readonly times_ms: readonly number[];
      /** Upper */
      readonly upper: readonly (number | null)[];
      /** Values */
      readonly values: readonly (number | null)[];
    };
    /**
     * PreviewShape
     * @description What a window would do.
     */
    readonly PreviewShape: {
      /** Alerts */
      readonly alerts: readonly string[];
      /** Labels */
      readonly labels: {
        readonly [key: string]: {
          readonly [key: string]: string;
        };
      };
      /** Occurrences */
      readonly occurrences: readonly components['schemas']['OccurrenceShape'][];
    };
    /**
     * ProposalShape
     * @description A proposal, and how it stands.
     */
    readonly ProposalShape: {
      /** Action */
      readonly action: string;
      /** Before */
      readonly before: unknown;
      /** Change */
      readonly change: {
        readonly [key: string]: unknown;
      };
      /** Created Ms */
      readonly created_ms: number;
      /** Decided Ms */
      readonly decided_ms: number | null;
      /** Expires Ms */
      readonly expires_ms: number;
      /** Id */
      readonly id: string;
      /** Lacking */
      readonly lacking: readonly string[];
      /** Name */
      readonly name: string;
      /** Outcome */
      readonly outcome: string;
      /** Policy */
      readonly policy: string;
      /** Reason */
      readonly reason: string;
      readonly status: components['schemas']['Status'];
      /** Subject */
      readonly subject: string | null;
      /** Tenant Id */
      readonly tenant_id: string | null;
      /** Votes */
      readonly votes: readonly components['schemas']['VoteShape'][];
      /** Who */
      readonly who: string;
    };
    /**
     * ProposalsShape
     * @description Proposals, the newest first.
     */
    readonly ProposalsShape: {
      /** Before */
      readonly before: string | null;
      /** Proposals */
      readonly proposals: readonly components['schemas']['ProposalShape'][];
    };
    /**
     * ProtectionShape
     * @description What changes of a policy need.
     */
    readonly ProtectionShape: {
      /** Approvals */
      readonly approvals: number;
      /** Lasts Ms */
      readonly lasts_ms: number;
      /** Percent */
      readonly percent: number;
      /** Policy */
      readonly policy: string;
      /** Reasons */
      readonly reasons: boolean;
      /** Tenant Id */
      readonly tenant_id: string | null;
    };
    /**
     * ProviderShape
     * @description An identity provider.
     */
    readonly ProviderShape: {
      /** Id */
      readonly id: string;
      /** Label */
      readonly label: string;
      /** Path */
      readonly path: string;
    };
    /**
     * QueryStats
     * @description What a query took; asked for by `stats`.
     */
    readonly QueryStats: {
      readonly samples: components['schemas']['SampleCounts'];
      readonly timings: components['schemas']['Timings'];
    };
    /**
     * QuerySuccess
     * @description A query that was answered.
     */
    readonly QuerySuccess: {
      /** Data */
      readonly data:
        | components['schemas']['VectorResult']
        | components['schemas']['MatrixResult']
        | components['schemas']['ScalarResult'];
      /**
       * Infos
       * @default []
       */
      readonly infos?: readonly string[];
      /**
       * Status
       * @constant
       */
      readonly status: 'success';
      /**
       * Warnings
       * @default []
       */
      readonly warnings?: readonly string[];
    };
    /**
     * QueueShape
     * @description What an engine is to do.
     */
    readonly QueueShape: {
      /** Controls */
      readonly controls: readonly {
        readonly [key: string]: unknown;
      }[];
    };
    /**
     * ReasonShape
     * @description Why a component is not healthy.
     */
    readonly ReasonShape: {
      /** Check */
      readonly check: string;
      readonly health: components['schemas']['Health'];
      /** Text */
      readonly text: string;
    };
    /**
     * ReceiverShape
     * @description Who is told.
     */
    readonly ReceiverShape: {
      /** Integrations */
      readonly integrations: readonly components['schemas']['IntegrationShape'][];
      /** Name */
      readonly name: string;
    };
    /**
     * ReceiversShape
     * @description All receivers of the tenant.
     */
    readonly ReceiversShape: {
      /** Receivers */
      readonly receivers: readonly components['schemas']['ReceiverShape'][];
    };
    /**
     * ReferenceShape
     * @description What the query itself did.
     */
    readonly ReferenceShape: {
      /** Before */
      readonly before: number;
      /** Change */
      readonly change: number | null;
      /** During */
      readonly during: number;
      /** Score */
      readonly score: number;
    };
    /**
     * RehearsalShape
     * @description What an action would do.
     */
    readonly RehearsalShape: {
      /** Answers */
      readonly answers: boolean;
      /** Plan */
      readonly plan: string;
    };
    /**
     * RelabelStep
     * @description What one rule of relabelling made of the labels.
     */
    readonly RelabelStep: {
      /** Keep */
      readonly keep: boolean;
      /** Output */
      readonly output: {
        readonly [key: string]: string;
      };
      /** Rule */
      readonly rule: {
        readonly [key: string]: unknown;
      };
    };
    /**
     * RelabelSteps
     * @description Relabelling step by step.
     */
    readonly RelabelSteps: {
      /** Steps */
      readonly steps: readonly components['schemas']['RelabelStep'][];
    };
    /**
     * RelatedAlertShape
     * @description An alert that changed then, or fired all the time.
     */
    readonly RelatedAlertShape: {
      /** At Ns */
      readonly at_ns: string;
      /** Fingerprint */
      readonly fingerprint: string;
      /** Labels */
      readonly labels: {
        readonly [key: string]: string;
      };
      /** Link */
      readonly link: string;
      /** Name */
      readonly name: string;
      /** Reasons */
      readonly reasons: readonly string[];
      /** State */
      readonly state: string;
      /** Text */
      readonly text: string;
    };
    /**
     * RelatedAlertsShape
     * @description Alerts, those of the same resource first.
     */
    readonly RelatedAlertsShape: {
      /** Failure */
      readonly failure: string;
      /** Has More */
      readonly has_more: boolean;
      /** Items */
      readonly items: readonly components['schemas']['RelatedAlertShape'][];
      /** Lacks */
      readonly lacks: string;
      /** Link */
      readonly link: string;
    };
    /**
     * RelatedChangeShape
     * @description What somebody changed.
     */
    readonly RelatedChangeShape: {
      /** Action */
      readonly action: string;
      /** At Ns */
      readonly at_ns: string;
      /** Link */
      readonly link: string;
      /** Number */
      readonly number: number;
      /** Object */
      readonly object: string;
      /** Reason */
      readonly reason: string;
      /** Reasons */
      readonly reasons: readonly string[];
      /** Who */
      readonly who: string;
    };
    /**
     * RelatedChangesShape
     * @description Changes, the newest first.
     */
    readonly RelatedChangesShape: {
      /** Failure */
      readonly failure: string;
      /** Has More */
      readonly has_more: boolean;
      /** Items */
      readonly items: readonly components['schemas']['RelatedChangeShape'][];
      /** Lacks */
      readonly lacks: string;
      /** Link */
      readonly link: string;
    };
    /**
     * RelatedCheckShape
     * @description A check of health that changed then, or was down all the time.
     */
    readonly RelatedCheckShape: {
      /** At Ns */
      readonly at_ns: string;
      /** Check */
      readonly check: string;
      /** Link */
      readonly link: string;
      /** Reasons */
      readonly reasons: readonly string[];
      /** State */
      readonly state: string;
      /** Text */
      readonly text: string;
      /** Title */
      readonly title: string;
      /** Was */
      readonly was: string;
    };
    /**
     * RelatedChecksShape
     * @description Checks of health, those of the same resource first.
     */
    readonly RelatedChecksShape: {
      /** Failure */
      readonly failure: string;
      /** Has More */
      readonly has_more: boolean;
      /** Items */
      readonly items: readonly components['schemas']['RelatedCheckShape'][];
      /** Lacks */
      readonly lacks: string;
      /** Link */
      readonly link: string;
    };
    /**
     * RelatedLineShape
     * @description A log line.
     */
    readonly RelatedLineShape: {
      /** Body */
      readonly body: string;
      /** Level */
      readonly level: string;
      /** Link */
      readonly link: string;
      /** Origin */
      readonly origin: string;
      /** Reasons */
      readonly reasons: readonly string[];
      /** Service */
      readonly service: string;
      /** Span Id */
      readonly span_id: string;
      /** Trace Id */
      readonly trace_id: string;
      /** Ts Ns */
      readonly ts_ns: string;
    };
    /**
     * RelatedLinesShape
     * @description Log lines, the closest first.
     */
    readonly RelatedLinesShape: {
      /** Failure */
      readonly failure: string;
      /** Has More */
      readonly has_more: boolean;
      /** Items */
      readonly items: readonly components['schemas']['RelatedLineShape'][];
      /** Lacks */
      readonly lacks: string;
      /** Link */
      readonly link: string;
    };
    /**
     * RelatedSeriesPartShape
     * @description Series, those with an exemplar first.
     */
    readonly RelatedSeriesPartShape: {
      /** Failure */
      readonly failure: string;
      /** Has More */
      readonly has_more: boolean;
      /** Items */
      readonly items: readonly components['schemas']['RelatedSeriesShape'][];
      /** Lacks */
      readonly lacks: string;
      /** Link */
      readonly link: string;
    };
    /**
     * RelatedSeriesShape
     * @description A metric of the same resource, or a series whose exemplar names the trace.
     */
    readonly RelatedSeriesShape: {
      /** At Ns */
      readonly at_ns: string;
      /** Expression */
      readonly expression: string;
      /** Link */
      readonly link: string;
      /** Metric */
      readonly metric: string;
      /** Reasons */
      readonly reasons: readonly string[];
      /** Series */
      readonly series: number;
      /** Trace Id */
      readonly trace_id: string;
      /** Value */
      readonly value: string;
    };
    /**
     * RelatedShape
     * @description What else happened.
     */
    readonly RelatedShape: {
      readonly alerts: components['schemas']['RelatedAlertsShape'];
      readonly changes: components['schemas']['RelatedChangesShape'];
      readonly health: components['schemas']['RelatedChecksShape'];
      readonly logs: components['schemas']['RelatedLinesShape'];
      readonly series: components['schemas']['RelatedSeriesPartShape'];
      readonly starts: components['schemas']['RelatedStartsShape'];
      readonly subject: components['schemas']['SubjectShape'];
      readonly traces: components['schemas']['RelatedTracesShape'];
    };
    /**
     * RelatedStartShape
     * @description A process, container, pod, host or version that began.
     */
    readonly RelatedStartShape: {
      /** At Ns */
      readonly at_ns: string;
      /** Before */
      readonly before: string;
      /** Labels */
      readonly labels: {
        readonly [key: string]: string;
      };
      /** Link */
      readonly link: string;
      /** Reasons */
      readonly reasons: readonly string[];
      /** Version */
      readonly version: string;
      /** What */
      readonly what: string;
    };
    /**
     * RelatedStartsShape
     * @description What began, the closest first.
     */
    readonly RelatedStartsShape: {
      /** Failure */
      readonly failure: string;
      /** Has More */
      readonly has_more: boolean;
      /** Items */
      readonly items: readonly components['schemas']['RelatedStartShape'][];
      /** Lacks */
      readonly lacks: string;
      /** Link */
      readonly link: string;
    };
    /**
     * RelatedTraceShape
     * @description A trace.
     */
    readonly RelatedTraceShape: {
      /** Duration Ns */
      readonly duration_ns: number;
      /** Errors */
      readonly errors: number;
      /** Link */
      readonly link: string;
      /** Name */
      readonly name: string;
      /** Reasons */
      readonly reasons: readonly string[];
      /** Service */
      readonly service: string;
      /** Spans */
      readonly spans: number;
      /** Start Ns */
      readonly start_ns: string;
      /** Trace Id */
      readonly trace_id: string;
    };
    /**
     * RelatedTracesShape
     * @description Traces: those that are named first, then what failed, then what was slow.
     */
    readonly RelatedTracesShape: {
      /** Failure */
      readonly failure: string;
      /** Has More */
      readonly has_more: boolean;
      /** Items */
      readonly items: readonly components['schemas']['RelatedTraceShape'][];
      /** Lacks */
      readonly lacks: string;
      /** Link */
      readonly link: string;
    };
    /**
     * ReplayShape
     * @description The answer to a replay.
     */
    readonly ReplayShape: {
      readonly compared: components['schemas']['OutcomeShape'] | null;
      readonly difference: components['schemas']['DifferenceShape'] | null;
      /** End */
      readonly end: string;
      readonly outcome: components['schemas']['OutcomeShape'];
      /** Start */
      readonly start: string;
    };
    /**
     * ReportShape
     * @description A report.
     */
    readonly ReportShape: {
      /** End */
      readonly end: string;
      /** Every */
      readonly every: string;
      /** Hour */
      readonly hour: number;
      /** Minute */
      readonly minute: number;
      /** Name */
      readonly name: string;
      /** Next */
      readonly next: string;
      /** Paused */
      readonly paused: boolean;
      /** Receiver */
      readonly receiver: string;
      /** Start */
      readonly start: string;
      /** Theme */
      readonly theme: string;
      /** Uid */
      readonly uid: string;
      /** Updated */
      readonly updated: string;
      /** Updated By */
      readonly updated_by: string;
      /** Variables */
      readonly variables: {
        readonly [key: string]: unknown;
      };
      /** Version */
      readonly version: number;
      /** Weekday */
      readonly weekday: number;
      /** Zone */
      readonly zone: string;
    };
    /**
     * ReportsShape
     * @description The reports of a tenant, and who may get one.
     */
    readonly ReportsShape: {
      /** Receivers */
      readonly receivers: readonly string[];
      /** Reports */
      readonly reports: readonly components['schemas']['ReportShape'][];
    };
    /**
     * ResponseShape
     * @description An action for one transition of one alert.
     */
    readonly ResponseShape: {
      /** Action */
      readonly action: string;
      /** Created */
      readonly created: string;
      /** Decided By */
      readonly decided_by: string;
      /** Ended */
      readonly ended: string | null;
      /** Evidence */
      readonly evidence: readonly components['schemas']['EvidenceShape'][];
      /** Fingerprint */
      readonly fingerprint: string;
      /** Id */
      readonly id: string;
      /** Labels */
      readonly labels: {
        readonly [key: string]: string;
      };
      /** Outcome */
      readonly outcome: string;
      /** Started */
      readonly started: string | null;
      readonly status: components['schemas']['ResponseStatus'];
      /** Step */
      readonly step: string;
      /** Version */
      readonly version: number;
    };
    /**
     * ResponseStatus
     * @description How it stands with a response.
     * @enum {string}
     */
    readonly ResponseStatus:
      | 'waiting'
      | 'ready'
      | 'running'
      | 'done'
      | 'failed'
      | 'interrupted'
      | 'rejected'
      | 'expired'
      | 'skipped'
      | 'rehearsed';
    /**
     * RoleShape
     * @description A role.
     */
    readonly RoleShape: {
      /** Id */
      readonly id: string | null;
      /** Name */
      readonly name: string;
      /** Permissions */
      readonly permissions: readonly string[];
      /** Summary */
      readonly summary: string;
      /** Tenant */
      readonly tenant: string | null;
    };
    /**
     * RolesShape
     * @description All roles, and all permissions with what each allows.
     */
    readonly RolesShape: {
      /** Permissions */
      readonly permissions: {
        readonly [key: string]: string;
      };
      /** Roles */
      readonly roles: readonly components['schemas']['RoleShape'][];
    };
    /**
     * RolloutGateShape
     * @description Whether a gate holds.
     */
    readonly RolloutGateShape: {
      /** Answer */
      readonly answer: string;
      /** Holds */
      readonly holds: boolean;
      /** Name */
      readonly name: string;
    };
    /**
     * RolloutJudgedShape
     * @description What something that moves traffic needs to know.
     */
    readonly RolloutJudgedShape: {
      /** Canary */
      readonly canary: string;
      /** Needs */
      readonly needs: string;
      /** Phase */
      readonly phase: string;
      /** Reason */
      readonly reason: string;
      /** Rollout */
      readonly rollout: string;
      /** Score */
      readonly score: number;
      /** Verdict */
      readonly verdict: string;
      /** Weight */
      readonly weight: number;
    };
    /**
     * RolloutPartShape
     * @description Latency or errors: 1.1 is a tenth more.
     */
    readonly RolloutPartShape: {
      /** After S */
      readonly after_s: number | null;
      /** Effect */
      readonly effect: number | null;
      /** High */
      readonly high: number | null;
      /** Low */
      readonly low: number | null;
      /** Verdict */
      readonly verdict: string;
    };
    /**
     * RolloutRunShape
     * @description One new version on its way out.
     */
    readonly RolloutRunShape: {
      /** Baseline */
      readonly baseline: string;
      /** Began */
      readonly began: string;
      /** Canary */
      readonly canary: string;
      /** Ended */
      readonly ended: string | null;
      /** Is Closed */
      readonly is_closed: boolean;
      /** Number */
      readonly number: number;
      /** Phase */
      readonly phase: string;
      /** Reason */
      readonly reason: string;
      /** Stage Began */
      readonly stage_began: string;
      /** Stages */
      readonly stages: readonly components['schemas']['RolloutStageShape'][];
      /** Weight */
      readonly weight: number;
    };
    /**
     * RolloutShape
     * @description A rollout, its newest run, and what is known of its stage now.
     */
    readonly RolloutShape: {
      /** By */
      readonly by: string;
      /** Gates */
      readonly gates: readonly components['schemas']['RolloutGateShape'][];
      /** History */
      readonly history: readonly components['schemas']['RolloutRunShape'][];
      /** Name */
      readonly name: string;
      /** Rollout */
      readonly rollout: {
        readonly [key: string]: unknown;
      };
      readonly run: components['schemas']['RolloutRunShape'] | null;
      /** Seen */
      readonly seen: string | null;
      /** Stages */
      readonly stages: readonly number[];
      readonly verdict: components['schemas']['RolloutVerdictShape'] | null;
      /** Version */
      readonly version: number;
    };
    /**
     * RolloutStageShape
     * @description A stage that is over.
     */
    readonly RolloutStageShape: {
      /** Began */
      readonly began: string;
      /** Ended */
      readonly ended: string;
      /** Gates */
      readonly gates: readonly components['schemas']['RolloutGateShape'][];
      /** Outcome */
      readonly outcome: string;
      readonly verdict: components['schemas']['RolloutVerdictShape'] | null;
      /** Weight */
      readonly weight: number;
    };
    /**
     * RolloutVerdictShape
     * @description What is known of a stage.
     */
    readonly RolloutVerdictShape: {
      /** After S */
      readonly after_s: number | null;
      /** Baseline Requests */
      readonly baseline_requests: number;
      /** Canary Requests */
      readonly canary_requests: number;
      readonly errors: components['schemas']['RolloutPartShape'];
      readonly latency: components['schemas']['RolloutPartShape'];
      /** Needs */
      readonly needs: string;
      /** Needs Requests */
      readonly needs_requests: number | null;
      /** Needs S */
      readonly needs_s: number | null;
      /** Verdict */
      readonly verdict: string;
    };
    /**
     * RoutesShape
     * @description Where labels go.
     */
    readonly RoutesShape: {
      /** Receivers */
      readonly receivers: readonly string[];
      /** Routes */
      readonly routes: readonly components['schemas']['pharos__api__native__alerting_config__TakenShape'][];
    };
    /**
     * RuleGroup
     * @description A group of rules.
     */
    readonly RuleGroup: {
      /** Evaluationtime */
      readonly evaluationTime: number;
      /** File */
      readonly file: string;
      /** Interval */
      readonly interval: number;
      /** Lastevaluation */
      readonly lastEvaluation: string;
      /** Limit */
      readonly limit: number;
      /** Name */
      readonly name: string;
      /** Rules */
      readonly rules: readonly {
        readonly [key: string]: unknown;
      }[];
    };
    /**
     * RuleGroups
     * @description All groups of rules.
     */
    readonly RuleGroups: {
      /**
       * Groupnexttoken
       * @default null
       */
      readonly groupNextToken?: string | null;
      /** Groups */
      readonly groups: readonly components['schemas']['RuleGroup'][];
    };
    /**
     * RuleNameShape
     * @description The rule that makes an alert.
     */
    readonly RuleNameShape: {
      /** File */
      readonly file: string;
      /** Group */
      readonly group: string;
      /** Name */
      readonly name: string;
    };
    /**
     * RuleShape
     * @description What one alerting rule would have done.
     */
    readonly RuleShape: {
      /** Alert */
      readonly alert: string;
      /** Faults */
      readonly faults: readonly string[];
      /** File */
      readonly file: string;
      /** Fired */
      readonly fired: number;
      /** Firings */
      readonly firings: readonly components['schemas']['FiringShape'][];
      /** Group */
      readonly group: string;
      /** Interval */
      readonly interval: string;
      /** Pending */
      readonly pending: number;
    };
    /**
     * RunAlertShape
     * @description What is said of a workflow, or of all: `*`.
     */
    readonly RunAlertShape: {
      /** Enabled */
      readonly enabled: boolean;
      /** Source */
      readonly source: string;
      /** Workflow */
      readonly workflow: string;
    };
    /**
     * RunAlertsShape
     * @description All switches of a tenant.
     */
    readonly RunAlertsShape: {
      /** All */
      readonly all: boolean;
      /** Workflows */
      readonly workflows: readonly components['schemas']['RunAlertShape'][];
    };
    /**
     * RunbookTickShape
     * @description A step that was ticked, or is no longer.
     */
    readonly RunbookTickShape: {
      /** By */
      readonly by: string;
      /** Done */
      readonly done: boolean;
      /** Step */
      readonly step: string;
    };
    /**
     * RunShape
     * @description What came of a look.
     */
    readonly RunShape: {
      /** At */
      readonly at: string;
      /** Duration Ms */
      readonly duration_ms: number;
      /** Facts */
      readonly facts: {
        readonly [key: string]: number;
      };
      /** Known */
      readonly known: boolean;
      /** Reason */
      readonly reason: string;
      /** Up */
      readonly up: boolean;
    };
    /**
     * RuntimeInfo
     * @description How the process fares.
     */
    readonly RuntimeInfo: {
      /** Corruptioncount */
      readonly corruptionCount: number;
      /** Cwd */
      readonly CWD: string;
      /** Godebug */
      readonly GODEBUG: string;
      /** Gogc */
      readonly GOGC: string;
      /** Gomaxprocs */
      readonly GOMAXPROCS: number;
      /** Gomemlimit */
      readonly GOMEMLIMIT: number;
      /** Goroutinecount */
      readonly goroutineCount: number;
      /** Hostname */
      readonly hostname: string;
      /** Lastconfigtime */
      readonly lastConfigTime: string;
      /** Reloadconfigsuccess */
      readonly reloadConfigSuccess: boolean;
      /** Servertime */
      readonly serverTime: string;
      /** Starttime */
      readonly startTime: string;
      /** Storageretention */
      readonly storageRetention: string;
    };
    /**
     * SampleCounts
     * @description Samples a query looked at.
     */
    readonly SampleCounts: {
      /** Peaksamples */
      readonly peakSamples: number;
      /** Totalqueryablesamples */
      readonly totalQueryableSamples: number;
      /**
       * Totalqueryablesamplesperstep
       * @default []
       */
      readonly totalQueryableSamplesPerStep?: readonly (readonly number[])[];
    };
    /**
     * ScalarResult
     * @description A number or a text.
     */
    readonly ScalarResult: {
      /**
       * Result
       * @description Unix time in seconds, value as text.
       */
      readonly result: readonly [number, string];
      /**
       * Resulttype
       * @enum {string}
       */
      readonly resultType: 'scalar' | 'string';
      /** @default null */
      readonly stats?: components['schemas']['QueryStats'] | null;
    };
    /**
     * ScrapePools
     * @description The names of all jobs.
     */
    readonly ScrapePools: {
      /** Scrapepools */
      readonly scrapePools: readonly string[];
    };
    /**
     * SentShape
     * @description How many mails are owed.
     */
    readonly SentShape: {
      /** Mails */
      readonly mails: number;
    };
    /**
     * SeriesExemplars
     * @description The exemplars of a series.
     */
    readonly SeriesExemplars: {
      /** Exemplars */
      readonly exemplars: readonly components['schemas']['ExemplarShape'][];
      /** Serieslabels */
      readonly seriesLabels: {
        readonly [key: string]: string;
      };
    };
    /**
     * SessionShape
     * @description A browser that is signed in.
     */
    readonly SessionShape: {
      /** Address */
      readonly address: string;
      /** Created Ms */
      readonly created_ms: number;
      /** Expires Ms */
      readonly expires_ms: number;
      /** Id */
      readonly id: string;
      /** Is Current */
      readonly is_current: boolean;
      /** Seen Ms */
      readonly seen_ms: number;
      /** User Agent */
      readonly user_agent: string;
    };
    /**
     * SharedShape
     * @description What is seen under a link.
     */
    readonly SharedShape: {
      /** Created At */
      readonly created_at: string;
      /** Expires At */
      readonly expires_at: string | null;
      /** Free Range */
      readonly free_range: boolean;
      /** From */
      readonly from: number | string | null;
      /**
       * Kind
       * @enum {string}
       */
      readonly kind: 'live' | 'snapshot';
      /** Model */
      readonly model: {
        readonly [key: string]: unknown;
      };
      /** Name */
      readonly name: string;
      /** Report */
      readonly report: readonly components['schemas']['DashboardNoteShape'][];
      /** Title */
      readonly title: string;
      /** To */
      readonly to: number | string | null;
    };
    /**
     * ShareShape
     * @description A link, without its token.
     */
    readonly ShareShape: {
      /** By */
      readonly by: string;
      /** Created At */
      readonly created_at: string;
      /** Expires At */
      readonly expires_at: string | null;
      /** Free Range */
      readonly free_range: boolean;
      /** Id */
      readonly id: string;
      /**
       * Kind
       * @enum {string}
       */
      readonly kind: 'live' | 'snapshot';
      /** Name */
      readonly name: string;
      /** Public */
      readonly public: boolean;
      /** Uid */
      readonly uid: string;
    };
    /**
     * ShiftShape
     * @description People who are on call from one time to another.
     */
    readonly ShiftShape: {
      /** End */
      readonly end: string;
      /** Instead Of */
      readonly instead_of: readonly string[];
      /** People */
      readonly people: readonly string[];
      /** Source */
      readonly source: string;
      /** Start */
      readonly start: string;
    };
    /**
     * ShiftsShape
     * @description Who is on call when.
     */
    readonly ShiftsShape: {
      /** End */
      readonly end: string;
      /** Final */
      readonly final: readonly components['schemas']['ShiftShape'][];
      /** Gaps */
      readonly gaps: readonly components['schemas']['SpanShape'][];
      /** Layers */
      readonly layers: readonly components['schemas']['LayerShape'][];
      /** Overlaps */
      readonly overlaps: readonly components['schemas']['OverlapShape'][];
      /** Overrides */
      readonly overrides: readonly components['schemas']['OverrideShape'][];
      /** Schedule */
      readonly schedule: string;
      /** Start */
      readonly start: string;
      /** Swaps */
      readonly swaps: readonly components['schemas']['SwapShape'][];
      /** Time Zone */
      readonly time_zone: string;
    };
    /**
     * SilenceShape
     * @description A silence.
     */
    readonly SilenceShape: {
      /** Comment */
      readonly comment: string;
      /** Created By */
      readonly created_by: string;
      /** Ends */
      readonly ends: string;
      /** Hides */
      readonly hides: number;
      /** Id */
      readonly id: string;
      /** Matchers */
      readonly matchers: readonly components['schemas']['MatcherShape'][];
      /** Receiver */
      readonly receiver: string;
      /** Remind S */
      readonly remind_s: number;
      /** Starts */
      readonly starts: string;
      /** State */
      readonly state: string;
      /** Updated */
      readonly updated: string;
    };
    /**
     * SilencesShape
     * @description Silences: active ones, those to come, and some that are over.
     */
    readonly SilencesShape: {
      /** Silences */
      readonly silences: readonly components['schemas']['SilenceShape'][];
    };
    /**
     * SloAlertShape
     * @description An alert of the objective's rules.
     */
    readonly SloAlertShape: {
      /** Active Since */
      readonly active_since: string;
      /** Fingerprint */
      readonly fingerprint: string;
      /** Labels */
      readonly labels: {
        readonly [key: string]: string;
      };
      /** Name */
      readonly name: string;
      /** State */
      readonly state: string;
    };
    /**
     * SloPartShape
     * @description One of what an objective keeps apart.
     */
    readonly SloPartShape: {
      /** Budget Remaining */
      readonly budget_remaining: number | null;
      /** Burn Rate */
      readonly burn_rate: number | null;
      /** Error Rate */
      readonly error_rate: number | null;
      /** Exhausted In Minutes */
      readonly exhausted_in_minutes: number | null;
      /** Labels */
      readonly labels: {
        readonly [key: string]: string;
      };
    };
    /**
     * SloPreviewShape
     * @description What would be made of an objective.
     */
    readonly SloPreviewShape: {
      /** Count */
      readonly count: number;
      /** Id */
      readonly id: string;
      /** Rules */
      readonly rules: string;
    };
    /**
     * SloReportShape
     * @description An objective over its window.
     */
    readonly SloReportShape: {
      /** Alerts */
      readonly alerts: readonly components['schemas']['SloAlertShape'][];
      /** Allowed */
      readonly allowed: boolean;
      /** Burning */
      readonly burning: readonly components['schemas']['BurnShape'][];
      /** Error Rates */
      readonly error_rates: readonly (number | null)[];
      /** Maintenance */
      readonly maintenance: readonly components['schemas']['SpanShape'][];
      /** Partial Maintenance */
      readonly partial_maintenance: readonly components['schemas']['PartlySparedShape'][];
      /** Parts */
      readonly parts: readonly components['schemas']['SloPartShape'][];
      /** Reasons */
      readonly reasons: readonly string[];
      /** Remaining */
      readonly remaining: readonly (number | null)[];
      /** Rules */
      readonly rules: string;
      readonly slo: components['schemas']['SloShape'];
      /** Spent */
      readonly spent: readonly components['schemas']['SpentShape'][];
      /** Step Ms */
      readonly step_ms: number;
      /** Times Ms */
      readonly times_ms: readonly number[];
    };
    /**
     * SloShape
     * @description An objective, and how it stands.
     */
    readonly SloShape: {
      /** Budget Remaining */
      readonly budget_remaining: number | null;
      /** Budgeting */
      readonly budgeting: string;
      /** Burn Rate */
      readonly burn_rate: number | null;
      /** By */
      readonly by: readonly string[];
      /** Coverage */
      readonly coverage: number;
      /** Description */
      readonly description: string;
      /** Error Budget */
      readonly error_budget: number;
      /** Error Rate */
      readonly error_rate: number | null;
      /** Exhausted In Minutes */
      readonly exhausted_in_minutes: number | null;
      /** File */
      readonly file: string;
      /** Id */
      readonly id: string;
      /** Is Measured */
      readonly is_measured: boolean;
      /** Is Met */
      readonly is_met: boolean | null;
      /** Is Rolling */
      readonly is_rolling: boolean;
      /** Labels */
      readonly labels: {
        readonly [key: string]: string;
      };
      /** Language */
      readonly language: string;
      /** Maintenance Minutes */
      readonly maintenance_minutes: number;
      /** Name */
      readonly name: string;
      /** Service */
      readonly service: string;
      /** Target Percent */
      readonly target_percent: number;
      /** Version */
      readonly version: number | null;
      /** Window */
      readonly window: string;
      /** Window Start */
      readonly window_start: string;
    };
    /**
     * SloVersionShape
     * @description What an objective was from one change to the next.
     */
    readonly SloVersionShape: {
      /** At */
      readonly at: string;
      /** By */
      readonly by: string;
      /** Definition */
      readonly definition: {
        readonly [key: string]: unknown;
      } | null;
      /** Name */
      readonly name: string;
      /** Reason */
      readonly reason: string;
      /** Version */
      readonly version: number;
    };
    /**
     * Snapshot
     * @description The name of a snapshot below `snapshots` in the data folder.
     */
    readonly Snapshot: {
      /** Name */
      readonly name: string;
    };
    /**
     * SpanShape
     * @description A time.
     */
    readonly SpanShape: {
      /** End */
      readonly end: string;
      /** Start */
      readonly start: string;
    };
    /**
     * SpentShape
     * @description A time in which budget went.
     */
    readonly SpentShape: {
      /** End */
      readonly end: string;
      /** Error Rate */
      readonly error_rate: number;
      /** Share */
      readonly share: number;
      /** Start */
      readonly start: string;
    };
    /**
     * Status
     * @description How it stands with a proposal.
     * @enum {string}
     */
    readonly Status: 'open' | 'applied' | 'rejected' | 'withdrawn' | 'expired' | 'outdated' | 'failed';
    /**
     * StatusPageShape
     * @description A status page.
     */
    readonly StatusPageShape: {
      /** Components */
      readonly components: readonly {
        readonly [key: string]: string;
      }[];
      /** Description */
      readonly description: string;
      /** Domains */
      readonly domains: readonly string[];
      /** Link */
      readonly link: string;
      /** Path */
      readonly path: string;
      /** Public */
      readonly public: boolean;
      /** Shows Uptime */
      readonly shows_uptime: boolean;
      /** Slug */
      readonly slug: string;
      /** Title */
      readonly title: string;
      /** Version */
      readonly version: number;
    };
    /**
     * StepShape
     * @description A route on the way.
     */
    readonly StepShape: {
      /** Line */
      readonly line: number;
      /** Matchers */
      readonly matchers: string;
      /** Receiver */
      readonly receiver: string;
    };
    /**
     * StoryShape
     * @description What happened to an alert, and what it comes to.
     */
    readonly StoryShape: {
      /** Fingerprint */
      readonly fingerprint: string;
      /** Labels */
      readonly labels: {
        readonly [key: string]: string;
      };
      /** Lines */
      readonly lines: readonly components['schemas']['LineShape'][];
      /** Name */
      readonly name: string;
      /** Paged */
      readonly paged: boolean;
      /** Verdict */
      readonly verdict: string;
    };
    /**
     * SubjectShape
     * @description What is asked about.
     */
    readonly SubjectShape: {
      /** At Ns */
      readonly at_ns: string;
      /** End Ns */
      readonly end_ns: string;
      /** Kind */
      readonly kind: string;
      /** Resource */
      readonly resource: {
        readonly [key: string]: string;
      };
      /** Start Ns */
      readonly start_ns: string;
      /** Title */
      readonly title: string;
      /** Trace Ids */
      readonly trace_ids: readonly string[];
    };
    /**
     * SwapShape
     * @description A swap.
     */
    readonly SwapShape: {
      /** End */
      readonly end: string;
      /** Giver */
      readonly giver: string;
      /** Id */
      readonly id: string;
      /** Reason */
      readonly reason: string;
      /** Start */
      readonly start: string;
      /** Taken */
      readonly taken: string | null;
      /** Taker */
      readonly taker: string;
    };
    /**
     * SystemShape
     * @description How all components are together.
     */
    readonly SystemShape: {
      /** Checks */
      readonly checks: {
        readonly [key: string]: number;
      };
      /** Components */
      readonly components: {
        readonly [key: string]: components['schemas']['Health'];
      };
      readonly health: components['schemas']['Health'];
      /** Reasons */
      readonly reasons: readonly components['schemas']['ReasonShape'][];
      /** Since */
      readonly since: string | null;
    };
    /**
     * TargetMetadata
     * @description What a target says of a metric.
     */
    readonly TargetMetadata: {
      /** Help */
      readonly help: string;
      /**
       * Metric
       * @default
       */
      readonly metric?: string;
      /** Target */
      readonly target: {
        readonly [key: string]: string;
      };
      /** Type */
      readonly type: string;
      /** Unit */
      readonly unit: string;
    };
    /**
     * Targets
     * @description All targets.
     */
    readonly Targets: {
      /** Activetargets */
      readonly activeTargets: readonly components['schemas']['ActiveTarget'][];
      /** Discoveryerrors */
      readonly discoveryErrors: readonly components['schemas']['DiscoveryError'][];
      /** Droppedtargetcounts */
      readonly droppedTargetCounts: {
        readonly [key: string]: number;
      };
      /** Droppedtargets */
      readonly droppedTargets: readonly components['schemas']['DroppedTargetShape'][];
    };
    /**
     * TenantAccess
     * @description What somebody may do in a tenant.
     */
    readonly TenantAccess: {
      /** Id */
      readonly id: string;
      /** Permissions */
      readonly permissions: readonly string[];
    };
    /**
     * TimelineShape
     * @description What happened to an alert.
     */
    readonly TimelineShape: {
      /** Fingerprint */
      readonly fingerprint: string;
      /** Labels */
      readonly labels: {
        readonly [key: string]: string;
      };
      /** Lines */
      readonly lines: readonly components['schemas']['LineShape'][];
    };
    /**
     * Timings
     * @description Seconds a query spent where.
     */
    readonly Timings: {
      /** Evaltotaltime */
      readonly evalTotalTime: number;
      /** Execqueuetime */
      readonly execQueueTime: number;
      /** Exectotaltime */
      readonly execTotalTime: number;
      /** Innerevaltime */
      readonly innerEvalTime: number;
      /** Querypreparationtime */
      readonly queryPreparationTime: number;
      /** Resultsorttime */
      readonly resultSortTime: number;
    };
    /**
     * TokenShape
     * @description A token, without its secret.
     */
    readonly TokenShape: {
      /** Created Ms */
      readonly created_ms: number;
      /** Expires Ms */
      readonly expires_ms: number | null;
      /** Id */
      readonly id: string;
      /** Name */
      readonly name: string;
      /** Owner Id */
      readonly owner_id: string | null;
      /** Permissions */
      readonly permissions: readonly string[] | null;
      /** Prefix */
      readonly prefix: string;
      /** Revoked Ms */
      readonly revoked_ms: number | null;
      /** Roles */
      readonly roles: readonly string[];
      /** Rotated From */
      readonly rotated_from: string | null;
      /** Tenant */
      readonly tenant: string | null;
      /** Used Ms */
      readonly used_ms: number | null;
    };
    /**
     * TrialShape
     * @description What came of a test.
     */
    readonly TrialShape: {
      /** Answer */
      readonly answer: string;
      /** Integration */
      readonly integration: string;
      /** Kind */
      readonly kind: string;
      /** May Retry */
      readonly may_retry: boolean;
      /** Sent */
      readonly sent: boolean;
      /** Took Ms */
      readonly took_ms: number;
    };
    /**
     * TrialsShape
     * @description What came of the tests of a receiver's integrations.
     */
    readonly TrialsShape: {
      /** Results */
      readonly results: readonly components['schemas']['TrialShape'][];
    };
    /**
     * TsdbStatus
     * @description What takes the most series.
     */
    readonly TsdbStatus: {
      readonly headStats: components['schemas']['HeadStats'];
      /** Labelvaluecountbylabelname */
      readonly labelValueCountByLabelName: readonly components['schemas']['Count'][];
      /** Memoryinbytesbylabelname */
      readonly memoryInBytesByLabelName: readonly components['schemas']['Count'][];
      /** Seriescountbylabelvaluepair */
      readonly seriesCountByLabelValuePair: readonly components['schemas']['Count'][];
      /** Seriescountbymetricname */
      readonly seriesCountByMetricName: readonly components['schemas']['Count'][];
    };
    /**
     * UpdateShape
     * @description What was said.
     */
    readonly UpdateShape: {
      /** At */
      readonly at: string;
      /** Phase */
      readonly phase: string;
      /** Text */
      readonly text: string;
    };
    /**
     * UserShape
     * @description A user.
     */
    readonly UserShape: {
      /** Created Ms */
      readonly created_ms: number;
      /** Disabled Ms */
      readonly disabled_ms: number | null;
      /** Display Name */
      readonly display_name: string;
      /** Email */
      readonly email: string;
      /** Everywhere */
      readonly everywhere: readonly string[];
      /** Has Password */
      readonly has_password: boolean;
      /** Id */
      readonly id: string;
      /** Name */
      readonly name: string;
      /** Tenants */
      readonly tenants: {
        readonly [key: string]: readonly string[];
      };
    };
    /**
     * VariablesShape
     * @description Variables as they are set, or what filters may ask of.
     */
    readonly VariablesShape: {
      /** Keys */
      readonly keys: readonly string[] | null;
      /** Values */
      readonly values: readonly string[] | null;
      /** Variables */
      readonly variables: readonly {
        readonly [key: string]: unknown;
      }[];
    };
    /**
     * VectorItem
     * @description One series of an instant vector.
     */
    readonly VectorItem: {
      /**
       * Histogram
       * @default null
       */
      readonly histogram?: readonly [number, components['schemas']['HistogramValue']] | null;
      /** Metric */
      readonly metric: {
        readonly [key: string]: string;
      };
      /**
       * Value
       * @default null
       */
      readonly value?: readonly [number, string] | null;
    };
    /**
     * VectorResult
     * @description An instant vector.
     */
    readonly VectorResult: {
      /** Result */
      readonly result: readonly components['schemas']['VectorItem'][];
      /**
       * Resulttype
       * @constant
       */
      readonly resultType: 'vector';
      /** @default null */
      readonly stats?: components['schemas']['QueryStats'] | null;
    };
    /**
     * VerifiedShape
     * @description What was found of the whole log.
     */
    readonly VerifiedShape: {
      /** Entries */
      readonly entries: number;
      /** Hash */
      readonly hash: string;
      /** Public Key */
      readonly public_key: string;
    };
    /**
     * VoteShape
     * @description How somebody voted.
     */
    readonly VoteShape: {
      /** Approves */
      readonly approves: boolean;
      /** At Ms */
      readonly at_ms: number;
      /** Name */
      readonly name: string;
      /** Reason */
      readonly reason: string;
      /** Who */
      readonly who: string;
    };
    /**
     * WalReplay
     * @description How far the log is read again.
     */
    readonly WalReplay: {
      /** Current */
      readonly current: number;
      /** Max */
      readonly max: number;
      /** Min */
      readonly min: number;
      /**
       * State
       * @enum {string}
       */
      readonly state: 'waiting' | 'in progress' | 'done';
    };
    /**
     * WatchShape
     * @description What is watched.
     */
    readonly WatchShape: {
      /** Alerts */
      readonly alerts: boolean;
      /** Followed */
      readonly followed: number;
      /** Gaps */
      readonly gaps: boolean;
      /** Name */
      readonly name: string;
      /** Query */
      readonly query: string;
      /** Series */
      readonly series: string;
      /** Source */
      readonly source: string;
    };
    /**
     * WatchVersionShape
     * @description A watch as it is kept.
     */
    readonly WatchVersionShape: {
      /** At */
      readonly at: string;
      /** By */
      readonly by: string;
      /** Definition */
      readonly definition: {
        readonly [key: string]: unknown;
      } | null;
      /** Name */
      readonly name: string;
      /** Version */
      readonly version: number;
    };
    /**
     * WaysIn
     * @description How one can sign in.
     */
    readonly WaysIn: {
      /** Has Password */
      readonly has_password: boolean;
      /** Openness */
      readonly openness: string;
      /** Providers */
      readonly providers: readonly components['schemas']['ProviderShape'][];
    };
    /**
     * WhyShape
     * @description Why somebody was told, or was not.
     */
    readonly WhyShape: {
      /** Alerts */
      readonly alerts: readonly components['schemas']['StoryShape'][];
      /** At */
      readonly at: string;
      /** More */
      readonly more: number;
      /** Verdict */
      readonly verdict: string;
    };
    /**
     * WindowShape
     * @description A window, and when it is next.
     */
    readonly WindowShape: {
      /** At */
      readonly at: string;
      /** By */
      readonly by: string;
      /** Ends */
      readonly ends: string;
      /** Is Open */
      readonly is_open: boolean;
      /** Matchers */
      readonly matchers: readonly string[];
      /** Name */
      readonly name: string;
      readonly next: components['schemas']['OccurrenceShape'] | null;
      /** Occurrences */
      readonly occurrences: readonly components['schemas']['OccurrenceShape'][];
      /** Reason */
      readonly reason: string;
      /** Repeats */
      readonly repeats: string;
      /** Starts */
      readonly starts: string;
      /** Version */
      readonly version: number;
      /** Without */
      readonly without: readonly string[];
      /** Zone */
      readonly zone: string;
    };
  };
  responses: never;
  parameters: never;
  requestBodies: never;
  headers: never;
  pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
