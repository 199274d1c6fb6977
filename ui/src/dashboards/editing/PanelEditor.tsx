import { useElementSize } from '@mantine/hooks';
import { useMemo, type ReactElement } from 'react';
import type { PanelModel } from '../../api/dashboards';
import { Icon } from '../../design/Icon';
import { Tabs } from '../../design/Tabs';
import { readFrames } from '../../panels/answer';
import { objects, textAt } from '../../panels/json';
import { hasData } from '../../panels/PanelBody';
import type { Board } from '../board';
import { setPanel, type PanelChange } from '../draft';
import type { Size } from '../Rows';
import { usePanelState } from '../useBoard';
import type { Draft } from '../useDraft';
import { Overrides } from './Overrides';
import { PanelFields } from './PanelFields';
import { PanelQueries } from './PanelQueries';
import { putAt } from './put';
import { fieldsBefore } from './transformations';
import { Transformations } from './Transformations';
import styles from '../dashboard.module.css';

const PREVIEW_PX = 340;
const SEVERAL = ['query', 'custom', 'datasource', 'interval'];

/** One panel as it is drawn, with all that it asks and says. Changes go into the draft at once. */
export default function PanelEditor(props: {
  panel: PanelModel;
  /** It was just added, and what it asks is to be said. */
  isNew: boolean;
  dataKey: string;
  board: Board;
  draft: Draft;
  card: (panel: PanelModel, size: Size, tools: ReactElement | null) => ReactElement;
  onBack: () => void;
}): ReactElement {
  const { panel, dataKey, board, draft, card, onBack } = props;
  const { ref, width } = useElementSize();
  const { answer } = usePanelState(board, dataKey);
  const frames = useMemo(() => (answer ? readFrames(answer.frames) : []), [answer]);
  const { transformations, targets, fieldConfig, type } = panel;
  const names = useMemo(
    () => fieldsBefore(frames, transformations, transformations.length),
    [frames, transformations],
  );
  const change = (next: PanelChange): void => {
    if (panel.id !== null) draft.change(setPanel(panel.id, next));
  };
  const variables = draft.model.variables.filter((one) => SEVERAL.includes(one.type)).map(({ name }) => name);
  const overrides = objects(fieldConfig.overrides);
  const fields = <PanelFields panel={panel} variables={variables} onChange={change} />;
  return (
    <div className={styles.editor}>
      <div className={styles.editorMain} ref={ref}>
        <div>
          <button type="button" className="button" onClick={onBack}>
            <Icon name="chevronLeft" size={14} /> All panels
          </button>
        </div>
        {width > 0 ? card(panel, { width, height: PREVIEW_PX }, null) : null}
        {hasData(type) ? (
          <Tabs
            label="What it shows"
            tabs={[
              {
                id: 'queries',
                label: 'Queries',
                count: targets.length,
                content: (
                  <div className={styles.editorMain}>
                    <PanelQueries
                      panel={panel}
                      isNew={props.isNew}
                      variables={draft.model.variables}
                      onChange={change}
                    />
                  </div>
                ),
              },
              {
                id: 'transformations',
                label: 'Transformations',
                count: transformations.length,
                content: (
                  <div className={styles.editorMain}>
                    <Transformations
                      list={transformations}
                      frames={frames}
                      onChange={(next) => change({ transformations: next })}
                    />
                  </div>
                ),
              },
            ]}
          />
        ) : null}
      </div>
      <div className={`panel ${styles.fields ?? ''}`}>
        {hasData(type) ? (
          <Tabs
            label="How it shows it"
            tabs={[
              { id: 'panel', label: 'Panel', content: fields },
              {
                id: 'overrides',
                label: 'Overrides',
                count: overrides.length,
                content: (
                  <div className={styles.editorMain}>
                    <Overrides
                      kind={type}
                      overrides={overrides}
                      names={names}
                      refs={targets.map((target) => textAt(target, 'refId'))}
                      onChange={(next) => change({ fieldConfig: putAt(fieldConfig, 'overrides', next) })}
                    />
                  </div>
                ),
              },
            ]}
          />
        ) : (
          fields
        )}
      </div>
    </div>
  );
}
