/** Alerts from machines: the same shapes by severity, with a lens in the middle, and how often they repeated. */
import type { GeoJSONSource } from 'maplibre-gl'
import type { Alert } from '../../api/types'
import type { Picture } from '../../picture/picture'
import { Drawn, type Drawable } from '../diff'
import { EMPTY, takeAway, type Stage } from '../layer'
import { slotExpression, type Spots } from '../spots'
import { FONT_STRONG } from '../theme'
import type { PointLayer } from './incidents'

const IDS = ['alert', 'alert-count']
export const ALERT_HITS = ['alert']
const RANK = { critical: 4, high: 3, medium: 2, low: 1 } as const

export function alertDrawable(alert: Alert, slot: string): Drawable {
  return {
    geometry: { type: 'Point', coordinates: [alert.lon, alert.lat] },
    properties: {
      icon: `alert-${alert.severity}`, rank: RANK[alert.severity] ?? 0, slot,
      ...(alert.count > 1 ? { count: alert.count > 999 ? '999+' : `×${alert.count}` } : {}),
    },
  }
}

export function addAlerts(stage: Stage, picture: Picture, spots: Spots, onCount: (count: number) => void): PointLayer {
  const { map, palette: p } = stage
  map.addSource('alerts', { type: 'geojson', data: EMPTY, promoteId: 'id', buffer: 48 })
  map.addLayer({
    id: 'alert', type: 'symbol', source: 'alerts',
    layout: {
      'icon-image': ['get', 'icon'], 'icon-size': ['interpolate', ['linear'], ['zoom'], 9, 0.6, 12, 0.85, 14, 1],
      'icon-offset': slotExpression() as never, 'symbol-sort-key': ['get', 'rank'],
      'icon-allow-overlap': true, 'icon-ignore-placement': true,
    },
  })
  map.addLayer({
    id: 'alert-count', type: 'symbol', source: 'alerts', minzoom: 12, filter: ['all', ['has', 'count'], ['in', ['get', 'slot'], ['literal', ['1:0', '2:1']]]],
    layout: {
      'text-field': ['get', 'count'], 'text-font': FONT_STRONG, 'text-size': 11, 'text-anchor': 'left',
      'text-offset': ['match', ['get', 'slot'], '2:1', ['literal', [2.3, -0.8]], ['literal', [1.1, -0.8]]],
      'text-allow-overlap': true, 'text-ignore-placement': true,
    },
    paint: { 'text-color': p.labelStrong, 'text-halo-color': p.halo, 'text-halo-width': 1.6 },
  })
  const drawn = new Drawn({
    target: map.getSource<GeoJSONSource>('alerts')!,
    ids: () => picture.alerts.keys(),
    build(id) {
      const alert = picture.alerts.get(id)
      return alert ? alertDrawable(alert, spots.slot('alert', id)) : null
    },
    onCount,
  })
  drawn.touch(null)
  return {
    ids: IDS,
    touch: (ids) => drawn.touch(ids),
    remove() {
      drawn.end()
      takeAway(map, IDS, ['alerts'])
    },
  }
}
