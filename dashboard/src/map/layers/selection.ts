/** The one selected item: a broken ring around its symbol, wherever that stands. */
import type { GeoJSONSource } from 'maplibre-gl'
import type { LonLat } from '../../api/types'
import { EMPTY, takeAway, type Layer, type Stage } from '../layer'
import { slotExpression } from '../spots'

const IDS = ['selected']

export interface SelectionLayer extends Layer {
  at(place: { at: LonLat; slot: string } | null): void
}

export function addSelection(stage: Stage): SelectionLayer {
  const { map } = stage
  map.addSource('selected', { type: 'geojson', data: EMPTY })
  map.addLayer({
    id: 'selected', type: 'symbol', source: 'selected',
    layout: {
      'icon-image': 'ring', 'icon-size': ['interpolate', ['linear'], ['zoom'], 9, 0.7, 14, 1],
      'icon-offset': slotExpression() as never, 'icon-allow-overlap': true, 'icon-ignore-placement': true,
    },
  })
  let last = ''
  return {
    ids: IDS,
    at(place) {
      const next = JSON.stringify(place)
      if (next === last) return
      last = next
      void map.getSource<GeoJSONSource>('selected')?.setData(place
        ? { type: 'Feature', geometry: { type: 'Point', coordinates: place.at }, properties: { slot: place.slot } }
        : EMPTY)
    },
    remove: () => takeAway(map, IDS, ['selected']),
  }
}
