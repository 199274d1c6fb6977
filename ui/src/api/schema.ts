// Generated from openapi.json by `npm run types`; not to be changed by hand.

export type paths = Record<string, never>;
export type webhooks = Record<string, never>;
export interface components {
  schemas: {
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
      readonly alerts: readonly components['schemas']['AlertShape'][];
    };
    /**
     * AlertShape
     * @description An alert that is pending or firing.
     */
    readonly AlertShape: {
      /**
       * Activeat
       * @default null
       */
      readonly activeAt?: string | null;
      /** Annotations */
      readonly annotations: {
        readonly [key: string]: string;
      };
      /** Labels */
      readonly labels: {
        readonly [key: string]: string;
      };
      /** State */
      readonly state: string;
      /** Value */
      readonly value: string;
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
     * ConfigText
     * @description The settings in force.
     */
    readonly ConfigText: {
      /** Yaml */
      readonly yaml: string;
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
        | 'unauthorized';
      /**
       * Status
       * @constant
       */
      readonly status: 'error';
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
     * PageShape
     * @description Entries, the newest first.
     */
    readonly PageShape: {
      /** Before */
      readonly before: number | null;
      /** Entries */
      readonly entries: readonly components['schemas']['EntryShape'][];
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
      /** Name */
      readonly name: string;
      /** Outcome */
      readonly outcome: string;
      /** Policy */
      readonly policy: string;
      /** Reason */
      readonly reason: string;
      readonly status: components['schemas']['Status'];
      /** Tenant Id */
      readonly tenant_id: string | null;
      /** Votes */
      readonly votes: readonly components['schemas']['VoteShape'][];
      /** Who */
      readonly who: string;
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
      /** Groups */
      readonly groups: readonly components['schemas']['RuleGroup'][];
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
     * Snapshot
     * @description The name of a snapshot below `snapshots` in the data folder.
     */
    readonly Snapshot: {
      /** Name */
      readonly name: string;
    };
    /**
     * Status
     * @description How it stands with a proposal.
     * @enum {string}
     */
    readonly Status: 'open' | 'applied' | 'rejected' | 'withdrawn' | 'expired' | 'outdated' | 'failed';
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
  };
  responses: never;
  parameters: never;
  requestBodies: never;
  headers: never;
  pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
