/** The ground: water, green, buildings, roads by class, railway, key sites, names. */
import type { FeatureCollection, BasemapProps } from '../../api/types'
import { nameOf, takeAway, width, type Expression, type Layer, type Stage } from '../layer'
import { FONT } from '../theme'

const SOURCE = 'base'
const UNDER = ['base-green', 'base-water', 'base-stream', 'base-building']
const ROADS = ['base-lane', 'base-minor-case', 'base-main-case', 'base-minor', 'base-main', 'base-rail', 'base-rail-gap']
const WORDS = ['base-road-name', 'base-site', 'base-name']

const kind = (layer: string, more?: Expression): Expression =>
  more ? ['all', ['==', ['get', 'layer'], layer], more] : ['==', ['get', 'layer'], layer]
const road = (name: string): Expression => kind('road', ['==', ['get', 'class'], name])
const shape = (type: string): Expression => ['==', ['geometry-type'], type]

/** The ground below the grids. */
export function addBasemap(stage: Stage, data: FeatureCollection<BasemapProps>): Layer {
  const { map, palette: p } = stage
  map.addSource(SOURCE, { type: 'geojson', data: data as GeoJSON.FeatureCollection, tolerance: 0.3, maxzoom: 16 })
  map.addLayer({ id: 'base-green', type: 'fill', source: SOURCE, filter: kind('green'), paint: { 'fill-antialias': false, 'fill-color': p.green } })
  map.addLayer({
    id: 'base-water', type: 'fill', source: SOURCE, filter: kind('water', shape('Polygon')),
    paint: { 'fill-color': p.water, 'fill-outline-color': p.waterEdge },
  })
  map.addLayer({
    id: 'base-stream', type: 'line', source: SOURCE, filter: kind('water', shape('LineString')),
    layout: { 'line-cap': 'round', 'line-join': 'round' },
    paint: { 'line-color': p.water, 'line-width': width(4, 60) },
  })
  map.addLayer({
    id: 'base-building', type: 'fill', source: SOURCE, minzoom: 13, filter: kind('building'),
    paint: {
      'fill-color': p.building, 'fill-outline-color': p.buildingEdge,
      'fill-opacity': ['interpolate', ['linear'], ['zoom'], 13, 0, 14, 1],
    },
  })
  return { ids: UNDER, remove: () => takeAway(map, [...WORDS, ...ROADS, ...UNDER], [SOURCE]) }
}

/** Roads, railway and names, above the grids. The source is the ground's. */
export function addRoads(stage: Stage): Layer {
  const { map, palette: p } = stage
  const line = (id: string, filter: Expression, colour: string, low: number, high: number, minzoom = 0) => map.addLayer({
    id, type: 'line', source: SOURCE, filter, minzoom,
    layout: { 'line-cap': 'round', 'line-join': 'round' },
    paint: { 'line-color': colour, 'line-width': width(low, high) },
  })
  line('base-lane', road('lane'), p.road.lane, 0.5, 10, 13)
  line('base-minor-case', road('minor'), p.roadCasing, 1.6, 20, 12)
  line('base-main-case', road('main'), p.roadCasing, 3.2, 30)
  line('base-minor', road('minor'), p.road.minor, 0.8, 16, 11)
  line('base-main', road('main'), p.road.main, 1.8, 25)
  map.addLayer({
    id: 'base-rail', type: 'line', source: SOURCE, filter: kind('rail'),
    paint: { 'line-color': p.rail, 'line-width': width(1.6, 7) },
  })
  map.addLayer({
    id: 'base-rail-gap', type: 'line', source: SOURCE, minzoom: 12, filter: kind('rail'),
    paint: { 'line-color': p.railGap, 'line-width': width(0.8, 4.4), 'line-dasharray': [4, 4] },
  })
  return { ids: ROADS, remove: () => takeAway(map, ROADS, []) }
}

export function addNames(stage: Stage): Layer {
  const { map, palette: p } = stage
  map.addLayer({
    id: 'base-road-name', type: 'symbol', source: SOURCE, minzoom: 13.5, filter: kind('road', ['has', 'name']),
    layout: {
      'symbol-placement': 'line', 'symbol-spacing': 360, 'text-field': nameOf(stage), 'text-font': FONT,
      'text-size': ['interpolate', ['linear'], ['zoom'], 13, 10.5, 17, 13], 'text-letter-spacing': 0.08, 'text-max-angle': 30, 'text-padding': 12,
    },
    paint: { 'text-color': p.label, 'text-opacity': 0.8, 'text-halo-color': p.halo, 'text-halo-width': 1.4 },
  })
  map.addLayer({
    id: 'base-site', type: 'symbol', source: SOURCE, minzoom: 13, filter: kind('site'),
    layout: {
      'icon-image': ['coalesce', ['image', ['concat', 'site-', ['get', 'kind']]], ['image', 'site-government']],
      'icon-padding': 4,
      'text-field': ['step', ['zoom'], '', 14, nameOf(stage)], 'text-font': FONT, 'text-size': 11.5, 'text-anchor': 'top', 'text-offset': [0, 1.05],
      'text-optional': true, 'text-max-width': 8,
    },
    paint: { 'text-color': p.label, 'text-halo-color': p.halo, 'text-halo-width': 1.4 },
  })
  map.addLayer({
    // Settlements are named by their area and grids.
    id: 'base-name', type: 'symbol', source: SOURCE, minzoom: 11, filter: kind('label', ['!=', ['get', 'kind'], 'place']),
    layout: { 'text-field': nameOf(stage), 'text-font': FONT, 'text-size': 12.5, 'text-letter-spacing': 0.16, 'text-max-width': 8 },
    paint: {
      'text-color': ['match', ['get', 'kind'], ['river', 'water', 'island', 'wharf'], p.labelWater, ['park', 'hill', 'square'], p.labelGreen, p.label],
      'text-halo-color': p.halo, 'text-halo-width': 1.2,
    },
  })
  return { ids: WORDS, remove: () => takeAway(map, WORDS, []) }
}
