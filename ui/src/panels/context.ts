// What every kind of panel is given to draw with.

import { createContext, use } from 'react';
import type { Annotation } from '../chart/marks';
import type { Span } from '../time/range';
import type { JsonObject } from './json';
import type { MadeLink } from './links';
import type { ShownFrame } from './overrides';
import type { Looks } from './shown';

/** What a panel may ask of the page that it stands on; without these it only shows. */
export interface PanelPage {
  /** Charts of one name have their crosshairs in step; null for each alone. */
  syncKey: string | null;
  onZoom?: (fromMs: number, toMs: number) => void;
  onZoomOut?: () => void;
  /** The query of a link's address that has the page's range, and of its variables: `from=…&to=…`, `var-x=…`. */
  rangeQuery: string;
  variablesQuery: string;
  /** Where a click on a label's value leads, one of a line of logs or of all else; null for what is no label. */
  labelLink?: (name: string, value: string, lines?: boolean) => MadeLink | null;
  /** Whoever looks may see what was to be expected of series that are watched for anomalies. */
  expects?: boolean;
  /** Goes to an address of ours without loading the page anew. */
  go?: (address: string) => void;
}

export const PanelPageContext = createContext<PanelPage>({
  syncKey: null,
  rangeQuery: '',
  variablesQuery: '',
});

export function usePanelPage(): PanelPage {
  return use(PanelPageContext);
}

/** What the panel's configuration says instead of nothing; undefined where it has no words for it. */
export const NoValueText = createContext<string | undefined>(undefined);

export interface KindProps {
  title: string;
  options: JsonObject;
  frames: readonly ShownFrame[];
  range: Span;
  /** Of the panel's body, in CSS pixels. */
  width: number;
  height: number;
  looks: Looks;
  annotations: readonly Annotation[];
  /** What is asked, where all that is shown is the answer to one query over time. */
  expr?: string;
}
