/** A small map to choose one place on: the phone's report. A tap sets the pin, dragging moves it. */
import { Marker, type GeoJSONSource, type Map as MapLibre } from 'maplibre-gl'
import type { AreaProps, BasemapProps, FeatureCollection, GridProps, LonLat } from '../api/types'
import { cone } from './cone'
import { fitTo, flyTo, makeMap, type Bbox } from './engine'
import { zoomButtons } from './furniture'
import { EMPTY, type Layer, type Stage, type Translate } from './layer'
import { addAreaNames, addAreas } from './layers/areas'
import { addBasemap, addNames, addRoads } from './layers/basemap'
import { addGridLines, addGridNames, addGrids } from './layers/grids'
import { addSprites } from './sprites'
import { paletteFor, type Theme } from './theme'

export interface PickMapOptions {
  t: Translate
  locale: string
  theme: Theme
  basemap: FeatureCollection<BasemapProps>
  grids: FeatureCollection<GridProps>
  areas?: FeatureCollection<AreaProps>
  at?: LonLat
  home?: Bbox
  onPick(at: LonLat): void
}

export interface PickMap {
  /** Sets the pin without telling onPick; accuracy draws a circle of that radius. */
  setAt(at: LonLat | null, accuracyM?: number): void
  flyTo(at: LonLat, zoom?: number): void
  fitTo(box: Bbox): void
  destroy(): void
}

class Pick implements PickMap {
  #map: MapLibre | null
  #layers: Layer[] = []
  #pin: Marker | null = null
  #at: LonLat | null
  #accuracy = 0
  #loaded = false
  #removeButtons: () => void = () => undefined

  constructor(private readonly el: HTMLElement, private readonly options: PickMapOptions) {
    const { t, theme, home, at } = options
    this.#at = at ?? null
    const palette = paletteFor(el, theme)
    const map = this.#map = makeMap({ el, t, ground: palette.ground, home, at })
    if (!map) return
    map.once('load', () => {
      this.#loaded = true
      this.#build(map)
      map.once('idle', () => { el.dataset.ready = 'true' })
    })
    map.on('click', (event) => this.#picked([event.lngLat.lng, event.lngLat.lat]))
    // The keyboard's tap: the middle of the map.
    map.getCanvas().addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' && event.key !== ' ') return
      event.preventDefault()
      const middle = map.getCenter()
      this.#picked([middle.lng, middle.lat])
    })
    map.getCanvas().setAttribute('aria-label', t('map.pick_label'))
    this.#removeButtons = zoomButtons(el, map, t, null)
    this.#draw()
  }

  setAt(at: LonLat | null, accuracyM = 0): void {
    this.#at = at
    this.#accuracy = accuracyM
    this.#draw()
  }

  flyTo(at: LonLat, zoom?: number): void {
    if (this.#map) flyTo(this.#map, at, zoom ?? 16)
  }

  fitTo(box: Bbox): void {
    if (this.#map) fitTo(this.#map, box, 20)
  }

  destroy(): void {
    this.#pin?.remove()
    for (const layer of this.#layers) layer.remove()
    this.#removeButtons()
    this.#map?.remove()
    this.#map = null
    this.el.replaceChildren()
    delete this.el.dataset.ready
  }

  #build(map: MapLibre): void {
    const { basemap, grids, areas, t, theme, locale } = this.options
    const stage: Stage = { map, palette: paletteFor(this.el, theme), english: locale.startsWith('en'), t }
    addSprites(map, stage.palette)
    const below = [addBasemap(stage, basemap), addGrids(stage, grids), addRoads(stage), addGridLines(stage)]
    if (areas) below.push(addAreas(stage, areas))
    below.push(addNames(stage), addGridNames(stage, grids))
    if (areas) below.push(addAreaNames(stage, areas))
    this.#layers = below.reverse()
    map.addSource('accuracy', { type: 'geojson', data: EMPTY })
    map.addLayer({ id: 'accuracy', type: 'fill', source: 'accuracy', paint: { 'fill-color': stage.palette.accent, 'fill-opacity': 0.14, 'fill-outline-color': stage.palette.accent } })
    this.#draw()
  }

  #picked(at: LonLat): void {
    this.setAt(at)
    this.options.onPick(at)
  }

  #draw(): void {
    const map = this.#map
    if (!map) return
    const at = this.#at
    this.el.dataset.picked = at ? at.map((n) => n.toFixed(6)).join(',') : ''
    if (!at) {
      this.#pin?.remove()
      this.#pin = null
    } else if (this.#pin) this.#pin.setLngLat(at)
    else this.#pin = this.#makePin(map, at)
    if (!this.#loaded) return
    const circle = at && this.#accuracy > 0 ? cone({ lon: at[0], lat: at[1], azimuth_deg: 0, fov_deg: 360, range_m: this.#accuracy }) : null
    void map.getSource<GeoJSONSource>('accuracy')?.setData(circle
      ? { type: 'Feature', geometry: { type: 'Polygon', coordinates: circle }, properties: {} }
      : EMPTY)
  }

  #makePin(map: MapLibre, at: LonLat): Marker {
    const element = document.createElement('div')
    element.className = 'se-map-pin'
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
    svg.setAttribute('viewBox', '0 0 34 44')
    const path = document.createElementNS(svg.namespaceURI, 'path')
    path.setAttribute('d', 'M17 2a14 14 0 0 1 14 14c0 10-14 26-14 26S3 26 3 16A14 14 0 0 1 17 2z')
    const dot = document.createElementNS(svg.namespaceURI, 'circle')
    for (const [name, value] of [['cx', '17'], ['cy', '16'], ['r', '5']] as const) dot.setAttribute(name, value)
    svg.append(path, dot)
    element.append(svg)
    const pin = new Marker({ element, anchor: 'bottom', draggable: true }).setLngLat(at).addTo(map)
    pin.on('dragend', () => {
      const place = pin.getLngLat()
      this.#picked([place.lng, place.lat])
    })
    element.setAttribute('role', 'img')
    element.setAttribute('aria-label', this.options.t('map.pin'))
    return pin
  }
}

export function createPickMap(el: HTMLElement, options: PickMapOptions): PickMap {
  return new Pick(el, options)
}
