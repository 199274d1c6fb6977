// What the pages call the shapes of the server's answers. The shapes themselves are generated: see schema.ts.

import type { components } from './schema';

type Shapes = components['schemas'];

export type Labels = Shapes['VectorItem']['metric'];

export type InstantSeries = Shapes['VectorItem'];
export type RangeSeries = Shapes['MatrixItem'];
/** Seconds since the epoch, and the value as Prometheus prints a float. */
export type SamplePair = Shapes['ScalarResult']['result'];
export type SeriesExemplars = Shapes['SeriesExemplars'];
export type NativeHistogram = Shapes['HistogramValue'];

export type QueryAnswer = Shapes['VectorResult'] | Shapes['MatrixResult'] | Shapes['ScalarResult'];

/** One line of the answer to a batch. */
export type BatchLine = Shapes['BatchLine'];

/** What is around every answer. */
export type Success<T> = Omit<Shapes['QuerySuccess'], 'data'> & { readonly data: T };
export type Envelope<T> = Success<T> | Shapes['Failure'];

export type ActiveTarget = Shapes['ActiveTarget'];
export type DiscoveryError = Shapes['DiscoveryError'];
export type TargetsAnswer = Shapes['Targets'];
export type TsdbStatus = Shapes['TsdbStatus'];
export type HeadStats = Shapes['HeadStats'];
export type NamedCount = Shapes['Count'];
export type BuildInfo = Shapes['BuildInfo'];
export type RuntimeInfo = Shapes['RuntimeInfo'];

export type Me = Shapes['Me'];
export type WaysIn = Shapes['WaysIn'];
export type LinkOwner = Shapes['LinkOwner'];
export type User = Shapes['UserShape'];
export type DeletedUser = Shapes['DeletedUserShape'];
export type Member = Shapes['MemberShape'];
export type Role = Shapes['RoleShape'];
export type Roles = Shapes['RolesShape'];
export type SessionEntry = Shapes['SessionShape'];
export type Token = Shapes['TokenShape'];

export type RelatedAnswer = Shapes['RelatedShape'];
export type RelatedLine = Shapes['RelatedLineShape'];
export type RelatedTrace = Shapes['RelatedTraceShape'];
export type RelatedSeries = Shapes['RelatedSeriesShape'];
export type RelatedAlert = Shapes['RelatedAlertShape'];
export type RelatedChange = Shapes['RelatedChangeShape'];
export type RelatedStart = Shapes['RelatedStartShape'];
export type RelatedCheck = Shapes['RelatedCheckShape'];
