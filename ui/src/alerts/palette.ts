import { PATHS } from '../address/places';
import { alerts } from '../api/alerts';
import type { PaletteSource } from '../page/offers';
import { ALERT_NAME, compareAlerts, isIn, summaryOf } from './alerts';

/** Alerts that burn, by their names, labels and summaries; the worst first. */
const source: PaletteSource = {
  load: async (asking) =>
    (await alerts(asking)).data.alerts
      .filter((alert) => isIn(alert, 'burning'))
      .sort(compareAlerts)
      .map((alert) => {
        const { [ALERT_NAME]: name = alert.fingerprint, ...labels } = alert.labels;
        const values = Object.values(labels).join(' ');
        return {
          group: 'Alerts',
          // Of several alerts of one name each is another.
          label: [name, values].join(' '),
          also: summaryOf(alert),
          hint: alert.state,
          search: { id: alert.fingerprint },
          to: { path: PATHS.alert, params: {} },
        };
      }),
};

export default source;
