/** Incidents: diamond critical, triangle high, square medium, circle low; a direct report has its own colour. */
import type { GeoJSONSource } from 'maplibre-gl'
import type { Incident } from '../../api/types'
import type { Picture } from '../../picture/picture'
import { Drawn, type Drawable } from '../diff'
import { EMPTY, takeAway, type Layer, type Stage } from '../layer'
import { slotExpression, type Spots } from '../spots'

const IDS = ['incident']
export const INCIDENT_HITS = ['incident']
const RANK = { critical: 4, high: 3, medium: 2, low: 1 } as const

export function incidentDrawable(incident: Incident, slot: string): Drawable {
  return {
    geometry: { type: 'Point', coordinates: [incident.lon, incident.lat] },
    properties: {
      icon: incident.direct ? 'inc-direct' : `inc-${incident.severity}`,
      rank: incident.direct ? 5 : (RANK[incident.severity] ?? 0), slot,
    },
  }
}

export interface PointLayer extends Layer {
  touch(ids: Iterable<string> | null): void
}

export function addIncidents(stage: Stage, picture: Picture, spots: Spots, onCount: (count: number) => void): PointLayer {
  const { map } = stage
  map.addSource('incidents', { type: 'geojson', data: EMPTY, promoteId: 'id', buffer: 48 })
  map.addLayer({
    id: 'incident', type: 'symbol', source: 'incidents',
    layout: {
      'icon-image': ['get', 'icon'], 'icon-size': ['interpolate', ['linear'], ['zoom'], 9, 0.6, 12, 0.85, 14, 1],
      'icon-offset': slotExpression() as never, 'symbol-sort-key': ['get', 'rank'],
      'icon-allow-overlap': true, 'icon-ignore-placement': true,
    },
  })
  const drawn = new Drawn({
    target: map.getSource<GeoJSONSource>('incidents')!,
    ids: () => picture.incidents.keys(),
    build(id) {
      const incident = picture.incidents.get(id)
      return incident ? incidentDrawable(incident, spots.slot('incident', id)) : null
    },
    onCount,
  })
  drawn.touch(null)
  return {
    ids: IDS,
    touch: (ids) => drawn.touch(ids),
    remove() {
      drawn.end()
      takeAway(map, IDS, ['incidents'])
    },
  }
}
