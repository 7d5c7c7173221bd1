/**
 * The command map: everything the picture holds, where it is. Outside Vue: it follows the picture by
 * itself and tells its owner only what a person chose.
 *
 * Invariants:
 * - Nothing is drawn for an item but features in a few sources; the number of DOM nodes does not grow
 *   with the number of cameras.
 * - A change of theme, words or places takes all layers away and puts them back; the picture is the
 *   only memory.
 */
import type { MapMouseEvent, Map as MapLibre } from 'maplibre-gl'
import type { AreaProps, BasemapProps, FeatureCollection, GridProps, LonLat } from '../api/types'
import type { Picture } from '../picture/picture'
import { fitTo, flyTo, makeMap, type Bbox } from './engine'
import { applyHidden, ChoiceList, legend, Tooltip, zoomButtons, type Choice, type LegendItem } from './furniture'
import type { Layer, Stage, Translate } from './layer'
import { addAlerts, ALERT_HITS } from './layers/alerts'
import { addAreaNames, addAreas } from './layers/areas'
import { addBasemap, addNames, addRoads } from './layers/basemap'
import { addCameras, CAMERA_HITS, lookOf } from './layers/cameras'
import { addCones, type ConeLayer } from './layers/cones'
import { addGridLines, addGridNames, addGrids } from './layers/grids'
import { addIncidents, INCIDENT_HITS, type PointLayer } from './layers/incidents'
import { addSelection, type SelectionLayer } from './layers/selection'
import { Pulse } from './pulse'
import { slotOffset, Spots, type Kind, type Placed } from './spots'
import { addSprites } from './sprites'
import { paletteFor, type Palette, type Theme } from './theme'

export interface Places {
  areas: FeatureCollection<AreaProps>
  grids: FeatureCollection<GridProps>
  basemap: FeatureCollection<BasemapProps>
}

export interface CommandMapOptions extends Places {
  picture: Picture
  t: Translate
  locale: string
  theme: Theme
  home?: Bbox
  onCamera(id: string): void
  onIncident(id: string): void
  onAlert(id: string): void
  onMapClick?(at: LonLat): void
}

export type Selected = Placed | null
export type LayerName = 'cones' | 'cameras' | 'grids' | 'areas' | 'incidents' | 'alerts'

export interface CommandMap {
  select(what: Selected): void
  /** Cameras whose view cones are shown at any scale, such as those playing beside the map. */
  showCones(ids: Iterable<string>): void
  flyTo(at: LonLat, zoom?: number): void
  fitTo(box: Bbox): void
  setPlaces(places: Partial<Places>): void
  setTheme(theme: Theme): void
  setLocale(t: Translate, locale: string): void
  setVisible(layer: LayerName, on: boolean): void
  resize(): void
  destroy(): void
}

/** Around the pointer, in px: a finger or a hurried mouse is allowed to miss by this. */
const REACH = 7
const SETTLE_MS = 60
const HITS = [...ALERT_HITS, ...INCIDENT_HITS, ...CAMERA_HITS]

class Command implements CommandMap {
  #map: MapLibre | null
  #spots: Spots
  #layers: Layer[] = []
  #points: Partial<Record<Kind, PointLayer>> = {}
  #cones: ConeLayer | null = null
  #selection: SelectionLayer | null = null
  #legend: LegendItem[] = []
  #furniture: (() => void)[] = []
  #off: (() => void)[] = []
  #hidden = new Set<string>()
  #selected: Selected = null
  #coned: string[] = []
  #hovered: string | null = null
  #hoverFrame = 0
  #flight: ReturnType<typeof setTimeout> | undefined
  #tip: Tooltip
  #choices: ChoiceList
  #pulse: Pulse | null = null
  #palette: Palette
  #loaded = false
  #known: Set<string> | null = null

  constructor(private readonly el: HTMLElement, private options: CommandMapOptions) {
    this.#palette = paletteFor(el, options.theme)
    this.#map = makeMap({ el, t: options.t, ground: this.#palette.ground, home: options.home })
    this.#tip = new Tooltip(el)
    this.#choices = new ChoiceList(el, (key, params) => this.options.t(key, params))
    this.#spots = new Spots((kind, id) => {
      this.#points[kind]?.touch([id])
      if (this.#selected?.kind === kind && this.#selected.id === id) this.#mark()
    })
    for (const name of ['cameras', 'incidents', 'alerts']) el.dataset[name] = '0'
    this.#follow()
    const map = this.#map
    if (!map) return
    this.#pulse = new Pulse(map)
    map.once('load', () => {
      this.#loaded = true
      this.#build()
      map.once('idle', () => { this.el.dataset.ready = 'true' })
    })
    this.#listen(map)
  }

  select(what: Selected): void {
    this.#selected = what
    this.#mark()
    this.#askCones()
  }

  showCones(ids: Iterable<string>): void {
    this.#coned = [...ids]
    this.#askCones()
  }

  flyTo(at: LonLat, zoom?: number): void {
    // What is flown to is often told about in a card that only now comes up over the map's foot.
    clearTimeout(this.#flight)
    this.#flight = setTimeout(() => { if (this.#map) flyTo(this.#map, at, zoom) }, SETTLE_MS)
  }

  fitTo(box: Bbox): void {
    if (this.#map) fitTo(this.#map, box)
  }

  setPlaces(places: Partial<Places>): void {
    this.options = { ...this.options, ...places }
    this.#rebuild()
  }

  setTheme(theme: Theme): void {
    this.options = { ...this.options, theme }
    this.#rebuild()
  }

  setLocale(t: Translate, locale: string): void {
    this.options = { ...this.options, t, locale }
    this.#map?.getCanvas().setAttribute('aria-label', t('map.label'))
    this.#rebuild()
  }

  setVisible(layer: LayerName, on: boolean): void {
    if (on) this.#hidden.delete(layer)
    else this.#hidden.add(layer)
    if (this.#map) applyHidden(this.#map, this.#legend, this.#hidden)
  }

  resize(): void {
    this.#map?.resize()
  }

  destroy(): void {
    cancelAnimationFrame(this.#hoverFrame)
    clearTimeout(this.#flight)
    for (const off of this.#off) off()
    this.#clear()
    this.#pulse?.stop()
    this.#tip.remove()
    this.#choices.close()
    this.#map?.remove()
    this.#map = null
    this.el.replaceChildren()
    delete this.el.dataset.ready
  }

  // Layers, bottom to top.
  #build(): void {
    const map = this.#map!
    const { picture, areas, grids, basemap, t, locale, theme } = this.options
    this.#palette = paletteFor(this.el, theme)
    map.setPaintProperty('ground', 'background-color', this.#palette.ground)
    addSprites(map, this.#palette)
    const stage: Stage = { map, palette: this.#palette, english: locale.startsWith('en'), t }
    const count = (name: string) => (n: number) => { this.el.dataset[name] = String(n) }

    const ground = addBasemap(stage, basemap)
    const shapes = addGrids(stage, grids)
    const roads = addRoads(stage)
    const lines = addGridLines(stage)
    const outlines = addAreas(stage, areas)
    this.#cones = addCones(stage, picture)
    const names = addNames(stage)
    const areaNames = addAreaNames(stage, areas)
    const gridNames = addGridNames(stage, grids)
    const cameras = addCameras(stage, picture, this.#spots, count('cameras'))
    const incidents = addIncidents(stage, picture, this.#spots, count('incidents'))
    const alerts = addAlerts(stage, picture, this.#spots, count('alerts'))
    this.#selection = addSelection(stage)
    this.#points = { camera: cameras, incident: incidents, alert: alerts }
    // Taken away from the top down, so that no layer outlives its source.
    this.#layers = [this.#selection, alerts, incidents, cameras, gridNames, areaNames, names, this.#cones, outlines, lines, roads, shapes, ground]

    const item = (name: LayerName, sign: string, ...of: Layer[]): LegendItem =>
      ({ name, label: t(`map.layer.${name}`), sign, layers: of.flatMap((layer) => layer.ids) })
    this.#legend = [
      item('cameras', 'camera', cameras), item('cones', 'cone', this.#cones), item('grids', 'grid', shapes, lines, gridNames),
      item('areas', 'area', outlines, areaNames), item('incidents', 'incident', incidents), item('alerts', 'alert', alerts),
    ]
    this.#furniture = [
      zoomButtons(this.el, map, t, this.options.home ? () => fitTo(map, this.options.home!) : null),
      legend(this.el, t, this.#legend, this.#hidden, (name, on) => this.setVisible(name as LayerName, on)),
    ]
    applyHidden(map, this.#legend, this.#hidden)
    this.#mark()
    this.#askCones()
  }

  #clear(): void {
    for (const layer of this.#layers) layer.remove()
    for (const remove of this.#furniture) remove()
    this.#layers = []
    this.#furniture = []
    this.#points = {}
    this.#cones = this.#selection = null
  }

  #rebuild(): void {
    if (!this.#map || !this.#loaded) return
    this.#clear()
    this.#build()
  }

  // The picture, followed.
  #follow(): void {
    const { picture } = this.options
    const follow = <T extends { lon: number; lat: number }>(topic: 'cameras' | 'incidents' | 'alerts', kind: Kind, items: Map<string, T>, order: (item: T) => number) => {
      const placed = new Set<string>()
      const place = (id: string) => {
        const item = items.get(id)
        if (item) {
          placed.add(id)
          this.#spots.place(kind, id, item.lon, item.lat, order(item))
        } else if (placed.delete(id)) this.#spots.remove(kind, id)
      }
      const take = (ids: ReadonlySet<string> | null) => {
        for (const id of ids ?? new Set([...placed, ...items.keys()])) place(id)
        this.#points[kind]?.touch(ids)
        if (kind === 'camera') this.#cones?.touch(ids)
        if (this.#selected?.kind === kind && (!ids || ids.has(this.#selected.id))) this.#mark()
        if (kind !== 'camera') this.#noticeNewest(kind, ids)
      }
      take(null)
      this.#off.push(picture.on(topic, take))
    }
    follow('cameras', 'camera', picture.cameras, () => -Infinity)
    follow('incidents', 'incident', picture.incidents, (item) => -Date.parse(item.received_at))
    follow('alerts', 'alert', picture.alerts, (item) => -Date.parse(item.first_at))
  }

  /** Only what arrives while one looks is announced, not what was there on opening. */
  #noticeNewest(kind: Kind, ids: ReadonlySet<string> | null): void {
    const { picture } = this.options
    const keys = (k: Kind, all: Iterable<string>) => [...all].map((id) => `${k}:${id}`)
    if (ids === null || !this.#known) {
      this.#known = new Set([...keys('incident', picture.incidents.keys()), ...keys('alert', picture.alerts.keys())])
      return
    }
    let newest: string | null = null
    for (const id of ids) {
      const exists = kind === 'incident' ? picture.incidents.has(id) : picture.alerts.has(id)
      if (!exists) this.#known.delete(`${kind}:${id}`)
      else if (!this.#known.has(`${kind}:${id}`)) {
        this.#known.add(`${kind}:${id}`)
        newest = id
      }
    }
    if (newest) this.#announce({ kind, id: newest })
  }

  #announce({ kind, id }: Placed): void {
    const at = this.#placeOf({ kind, id })
    if (!at) return
    const { picture } = this.options
    const incident = kind === 'incident' ? picture.incidents.get(id) : undefined
    const severity = incident?.severity ?? picture.alerts.get(id)?.severity ?? 'low'
    const [n, i] = this.#spots.slot(kind, id).split(':').map(Number) as [number, number]
    this.#pulse?.at(at, slotOffset(n, i), incident?.direct ? this.#palette.direct : this.#palette.severity[severity])
  }

  #placeOf({ kind, id }: Placed): LonLat | null {
    const { picture } = this.options
    const item = { camera: picture.cameras, incident: picture.incidents, alert: picture.alerts }[kind].get(id)
    return item ? [item.lon, item.lat] : null
  }

  #mark(): void {
    const at = this.#selected && this.#placeOf(this.#selected)
    this.#selection?.at(at ? { at, slot: this.#spots.slot(this.#selected!.kind, this.#selected!.id) } : null)
  }

  #askCones(): void {
    const chosen = this.#selected?.kind === 'camera' ? [this.#selected.id] : []
    this.#cones?.ask([...chosen, ...this.#coned], this.#hovered ? [this.#hovered] : [])
  }

  // The pointer.
  #listen(map: MapLibre): void {
    map.on('click', (event) => this.#click(event))
    map.on('moveend', () => {
      const { lng, lat } = map.getCenter()
      this.el.dataset.view = `${lng.toFixed(6)},${lat.toFixed(6)},${map.getZoom().toFixed(4)}`
    })
    map.on('movestart', () => {
      delete this.el.dataset.view
      this.#tip.hide()
      this.#choices.close()
    })
    map.on('mousemove', (event) => {
      cancelAnimationFrame(this.#hoverFrame)
      this.#hoverFrame = requestAnimationFrame(() => this.#hover(event))
    })
    map.on('mouseout', () => {
      this.#tip.hide()
      this.#hoverCamera(null)
    })
  }

  #hits(event: MapMouseEvent, reach: number): Placed[] {
    const map = this.#map
    if (!map || this.#layers.length === 0) return []
    const { x, y } = event.point
    const found = map.queryRenderedFeatures([[x - reach, y - reach], [x + reach, y + reach]], { layers: HITS.filter((id) => map.getLayer(id)) })
    const seen = new Map<string, Placed>()
    for (const feature of found) {
      const kind = feature.layer.id as Kind
      const id = String(feature.properties['id'])
      seen.set(`${kind}:${id}`, { kind, id })
    }
    return [...seen.values()]
  }

  #click(event: MapMouseEvent): void {
    this.#choices.close()
    const hits = this.#hits(event, REACH)
    if (hits.length === 0) return this.options.onMapClick?.([event.lngLat.lng, event.lngLat.lat])
    // Symbols on one spot stand side by side: a click right on one of them means that one.
    const exact = this.#hits(event, 1)
    if (hits.length === 1 || exact.length === 1) return this.#take(exact.length === 1 ? exact[0]! : hits[0]!)
    this.#tip.hide()
    this.#choices.open(event.point.x, event.point.y, hits.map((hit) => this.#choice(hit)), (key) => {
      const hit = hits.find((one) => `${one.kind}:${one.id}` === key)
      if (hit) this.#take(hit)
    })
  }

  #take({ kind, id }: Placed): void {
    this.#tip.hide()
    if (kind === 'camera') this.options.onCamera(id)
    else if (kind === 'incident') this.options.onIncident(id)
    else this.options.onAlert(id)
  }

  #choice({ kind, id }: Placed): Choice {
    const { picture, t } = this.options
    const key = `${kind}:${id}`
    if (kind === 'camera') {
      const camera = picture.cameras.get(id)
      const look = camera ? lookOf(camera, picture.status.get(id)) : 'offline'
      return { key, sign: `look-${look}`, title: camera?.name ?? id, detail: t(`map.look.${look}`) }
    }
    if (kind === 'incident') {
      const incident = picture.incidents.get(id)
      return { key, sign: incident?.direct ? 'direct' : (incident?.severity ?? 'low'), title: incident?.text || t('map.kind.incident'), detail: t('map.kind.incident') }
    }
    const alert = picture.alerts.get(id)
    return { key, sign: alert?.severity ?? 'low', title: alert?.text || alert?.camera_name || t('map.kind.alert'), detail: t('map.kind.alert') }
  }

  #hover(event: MapMouseEvent): void {
    const map = this.#map
    if (!map || map.isMoving()) return
    const hit = this.#hits(event, 3)[0]
    map.getCanvas().style.cursor = hit ? 'pointer' : ''
    this.#hoverCamera(hit?.kind === 'camera' ? hit.id : null)
    if (!hit || this.#choices.isOpen) return this.#tip.hide()
    const { title, detail } = this.#choice(hit)
    this.#tip.show(event.point.x, event.point.y, title, detail)
  }

  #hoverCamera(id: string | null): void {
    if (id === this.#hovered) return
    this.#hovered = id
    this.#askCones()
  }
}

export function createCommandMap(el: HTMLElement, options: CommandMapOptions): CommandMap {
  return new Command(el, options)
}
