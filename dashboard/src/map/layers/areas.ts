/** Areas: outlines by level, and the names of communities and villages while single grids are too small to name. */
import type { AreaProps, FeatureCollection } from '../../api/types'
import { namePoints } from '../centre'
import { nameOf, takeAway, type Layer, type Stage } from '../layer'
import { FONT, FONT_STRONG } from '../theme'

const LINES = ['area-line-glow', 'area-line']
const NAMES = ['area-name-upper', 'area-name']

export function addAreas(stage: Stage, data: FeatureCollection<AreaProps>): Layer {
  const { map, palette: p } = stage
  map.addSource('areas', { type: 'geojson', data: data as GeoJSON.FeatureCollection, tolerance: 0.2 })
  map.addLayer({
    id: 'area-line-glow', type: 'line', source: 'areas', filter: ['!=', ['get', 'level'], 'village'],
    layout: { 'line-join': 'round' },
    paint: { 'line-color': p.area, 'line-width': ['match', ['get', 'level'], 'city', 7, 'county', 6, 4], 'line-opacity': 0.1 },
  })
  map.addLayer({
    id: 'area-line', type: 'line', source: 'areas',
    layout: { 'line-join': 'round' },
    paint: {
      'line-color': p.area,
      'line-width': ['match', ['get', 'level'], 'city', 2, 'county', 1.8, 'township', 1.3, 1],
      'line-opacity': ['match', ['get', 'level'], 'city', 0.8, 'county', 0.8, 'township', 0.6, 0.4],
      'line-dasharray': [5, 2],
    },
  })
  return { ids: LINES, remove: () => takeAway(map, [...NAMES, ...LINES], ['area-names', 'areas']) }
}

export function addAreaNames(stage: Stage, data: FeatureCollection<AreaProps>): Layer {
  const { map, palette: p } = stage
  map.addSource('area-names', { type: 'geojson', data: namePoints(data.features) })
  map.addLayer({
    id: 'area-name', type: 'symbol', source: 'area-names', minzoom: 10, maxzoom: 13, filter: ['all', ['==', ['get', 'level'], 'village'], ['>=', ['+', ['zoom'], 1.5], ['get', 'z']]],
    layout: { 'text-field': nameOf(stage), 'text-font': FONT, 'text-size': ['interpolate', ['linear'], ['zoom'], 10, 11, 13, 14.5], 'text-max-width': 7 },
    paint: { 'text-color': p.labelStrong, 'text-halo-color': p.halo, 'text-halo-width': 1.6 },
  })
  map.addLayer({
    id: 'area-name-upper', type: 'symbol', source: 'area-names', maxzoom: 12, filter: ['in', ['get', 'level'], ['literal', ['county', 'township']]],
    layout: {
      'text-field': nameOf(stage), 'text-font': FONT_STRONG, 'text-letter-spacing': 0.12,
      'text-size': ['match', ['get', 'level'], 'county', 17, 14], 'symbol-sort-key': ['match', ['get', 'level'], 'county', 0, 1],
    },
    paint: { 'text-color': p.labelStrong, 'text-halo-color': p.halo, 'text-halo-width': 2 },
  })
  return { ids: NAMES, remove: () => takeAway(map, NAMES, ['area-names']) }
}
