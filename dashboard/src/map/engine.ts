/**
 * The bare map: MapLibre with what a closed network needs. No glyph server, no tiles, no sprite
 * file; its worker comes from our own origin.
 */
import { Map as MapLibre, setWorkerUrl, type LngLatBoundsLike } from 'maplibre-gl'
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url'
import 'maplibre-gl/dist/maplibre-gl.css'
import type { LonLat } from '../api/types'
import type { Translate } from './layer'
import './map.css'

export type Bbox = readonly [west: number, south: number, east: number, north: number]

export interface EngineOptions {
  el: HTMLElement
  t: Translate
  ground: string
  home?: Bbox
  at?: LonLat
  zoom?: number
}

export const bounds = (box: Bbox): LngLatBoundsLike => [[box[0], box[1]], [box[2], box[3]]]

export function calm(): boolean {
  return matchMedia('(prefers-reduced-motion: reduce)').matches
}

/** The map, or null where the browser can draw none; the element then says so. */
export function makeMap({ el, t, ground, home, at, zoom }: EngineOptions): MapLibre | null {
  setWorkerUrl(new URL(workerUrl, location.href).href)
  el.classList.add('se-map')
  const box = document.createElement('div')
  box.className = 'se-map-canvas'
  el.append(box)
  try {
    const map = new MapLibre({
      container: box,
      style: { version: 8, sources: {}, layers: [{ id: 'ground', type: 'background', paint: { 'background-color': ground } }] },
      ...(at ? { center: at, zoom: zoom ?? 15 } : home ? { bounds: bounds(home), fitBoundsOptions: { padding: 36 } } : { center: [0, 0], zoom: 2 }),
      attributionControl: false, dragRotate: false, pitchWithRotate: false, touchPitch: false, rollEnabled: false,
      renderWorldCopies: false, maxZoom: 19, minZoom: 3, fadeDuration: 0, localIdeographFontFamily: false,
      locale: { 'Map.Title': t('map.label') },
    })
    map.touchZoomRotate.disableRotation()
    map.keyboard.disableRotation()
    return map
  } catch {
    box.remove()
    unable(el, t)
    return null
  }
}

function unable(el: HTMLElement, t: Translate): void {
  const box = document.createElement('div')
  box.className = 'se-map-unable'
  box.setAttribute('role', 'status')
  const title = document.createElement('b')
  title.textContent = t('map.unable')
  const hint = document.createElement('span')
  hint.textContent = t('map.unable_hint')
  box.append(title, hint)
  el.append(box)
}

/** What the page laid over the foot of the map, in px: a place is shown in the middle of what is left. */
function covered(map: MapLibre): number {
  return parseFloat(getComputedStyle(map.getContainer()).getPropertyValue('--map-foot')) || 0
}

export function flyTo(map: MapLibre, at: LonLat, zoom?: number): void {
  const target = { center: at, zoom: zoom ?? Math.max(map.getZoom(), 15.2), offset: [0, -covered(map) / 2] as [number, number] }
  if (calm()) map.easeTo({ ...target, duration: 0 })
  else map.flyTo({ ...target, duration: 900, essential: false })
}

export function fitTo(map: MapLibre, box: Bbox, padding: number | { top: number; bottom: number; left: number; right: number } = 36): void {
  map.fitBounds(bounds(box), { padding, maxZoom: 17, animate: !calm(), duration: 700 })
}
