/** Grids: filled by kind, outlined, named; the one under the pointer stands out. */
import type { MapMouseEvent } from 'maplibre-gl'
import type { FeatureCollection, GridProps } from '../../api/types'
import { namePoints, roomFor } from '../centre'
import { nameOf, takeAway, type Expression, type Layer, type Stage } from '../layer'
import { FONT } from '../theme'

const FILL = ['grid-fill']
const LINES = ['grid-line']
const NAMES = ['grid-name']

const HOVERED: Expression = ['boolean', ['feature-state', 'hover'], false]
const byKind = (colours: Record<string, string>): Expression =>
  ['match', ['get', 'kind'], 'rural', colours['rural'], 'unit', colours['unit'], 'yard', colours['yard'], colours['street']]

/** Each grid carries the scale from which there is room for its name; outlines come a little earlier. */
export function addGrids(stage: Stage, data: FeatureCollection<GridProps>): Layer {
  const { map, palette: p } = stage
  const sized = data.features.map((feature) => ({ ...feature, properties: { id: feature.properties.id, kind: feature.properties.kind, z: roomFor(feature.geometry) } }))
  map.addSource('grids', {
    type: 'geojson', data: { type: 'FeatureCollection', features: sized as GeoJSON.Feature[] }, promoteId: 'id', tolerance: 0.2,
  })
  map.addLayer({
    id: 'grid-fill', type: 'fill', source: 'grids',
    paint: { 'fill-antialias': false, 'fill-color': byKind(p.gridFill), 'fill-opacity': ['case', HOVERED, 0.6, 0.35] },
  })
  const stopHover = hover(stage)
  return {
    ids: FILL,
    remove() {
      stopHover()
      takeAway(map, [...NAMES, ...LINES, ...FILL], ['grid-names', 'grids'])
    },
  }
}

/** Above the roads: a boundary mostly runs along one. */
export function addGridLines(stage: Stage): Layer {
  const { map, palette: p } = stage
  map.addLayer({
    id: 'grid-line', type: 'line', source: 'grids', minzoom: 10, filter: ['>=', ['+', ['zoom'], 2.5], ['get', 'z']],
    layout: { 'line-join': 'round' },
    paint: {
      'line-color': ['case', HOVERED, p.labelStrong, byKind(p.gridLine)],
      'line-width': ['interpolate', ['linear'], ['zoom'], 11, 0.4, 13, 1.1, 17, 1.6],
      'line-opacity': ['interpolate', ['linear'], ['zoom'], 10.5, 0.3, 13, 0.9],
    },
  })
  return { ids: LINES, remove: () => takeAway(map, LINES, []) }
}

export function addGridNames(stage: Stage, data: FeatureCollection<GridProps>): Layer {
  const { map, palette: p } = stage
  map.addSource('grid-names', { type: 'geojson', data: namePoints(data.features) })
  map.addLayer({
    // Only where it fits: the scale in a filter is the tile's, a whole number.
    id: 'grid-name', type: 'symbol', source: 'grid-names', minzoom: 11.5, filter: ['>=', ['+', ['zoom'], 0.6], ['get', 'z']],
    layout: {
      'text-field': nameOf(stage), 'text-font': FONT, 'text-size': ['interpolate', ['linear'], ['zoom'], 13, 11.5, 16, 15],
      'text-max-width': 9, 'text-padding': 6,
    },
    paint: { 'text-color': p.label, 'text-halo-color': p.halo, 'text-halo-width': 1.4 },
  })
  return { ids: NAMES, remove: () => takeAway(map, NAMES, ['grid-names']) }
}

function hover({ map }: Stage): () => void {
  let over: string | number | undefined
  let frame = 0
  const set = (id: string | number | undefined) => {
    if (id === over) return
    if (over !== undefined) map.setFeatureState({ source: 'grids', id: over }, { hover: false })
    over = id
    if (over !== undefined) map.setFeatureState({ source: 'grids', id: over }, { hover: true })
  }
  const move = (event: MapMouseEvent) => {
    cancelAnimationFrame(frame)
    frame = requestAnimationFrame(() => {
      if (map.isMoving() || !map.getLayer('grid-fill')) return
      set(map.queryRenderedFeatures(event.point, { layers: ['grid-fill'] })[0]?.id)
    })
  }
  const leave = () => set(undefined)
  map.on('mousemove', move)
  map.on('mouseout', leave)
  return () => {
    cancelAnimationFrame(frame)
    map.off('mousemove', move)
    map.off('mouseout', leave)
  }
}
