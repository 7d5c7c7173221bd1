/** What every layer file gets and gives. */
import type { Map as MapLibre } from 'maplibre-gl'
import type { Palette } from './theme'

export type Translate = (key: string, params?: Record<string, unknown>) => string

/** Data-driven values are MapLibre style expressions; their types say less than their comments do. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Expression = any

export interface Stage {
  map: MapLibre
  palette: Palette
  /** Names in English where there are any. */
  english: boolean
  t: Translate
}

/** A layer adds its own sources, layers and handlers when it is made, and takes them away again. */
export interface Layer {
  remove(): void
  /** Its style layers, for showing and hiding as one. */
  readonly ids: readonly string[]
}

export const EMPTY: GeoJSON.FeatureCollection = { type: 'FeatureCollection', features: [] }

export function takeAway(map: MapLibre, layers: readonly string[], sources: readonly string[]): void {
  for (const id of layers) if (map.getLayer(id)) map.removeLayer(id)
  for (const id of sources) if (map.getSource(id)) map.removeSource(id)
}

export function show(map: MapLibre, ids: readonly string[], on: boolean): void {
  for (const id of ids) if (map.getLayer(id)) map.setLayoutProperty(id, 'visibility', on ? 'visible' : 'none')
}

/** A feature's name in the language shown. */
export function nameOf(stage: Stage): Expression {
  return stage.english ? ['coalesce', ['get', 'name_en'], ['get', 'name'], ''] : ['coalesce', ['get', 'name'], ['get', 'name_en'], '']
}

/** Width that grows with the scale: `low` px at zoom 11, `high` px at zoom 18. */
export function width(low: number, high: number): Expression {
  return ['interpolate', ['exponential', 1.6], ['zoom'], 11, low, 18, high]
}
