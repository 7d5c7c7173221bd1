/** View cones: of the cameras asked for at any scale, of all in sight from close by. */
import type { GeoJSONSource } from 'maplibre-gl'
import type { Picture } from '../../picture/picture'
import { cone } from '../cone'
import { Drawn, type Drawable } from '../diff'
import { EMPTY, takeAway, type Layer, type Stage } from '../layer'

const IDS = ['cone-fill', 'cone-line']
const FROM_ZOOM = 15
/** More cones than this tell nobody anything. */
const MOST = 400
/** The near part, where a face of a building or a car fills the picture, is drawn denser. */
const NEAR = 0.5

export interface ConeLayer extends Layer {
  touch(ids: Iterable<string> | null): void
  /** Cameras whose cones are shown at any scale; the first set is the stronger. */
  ask(strong: Iterable<string>, also: Iterable<string>): void
}

export function addCones(stage: Stage, picture: Picture): ConeLayer {
  const { map, palette: p } = stage
  map.addSource('cones', { type: 'geojson', data: EMPTY, promoteId: 'id', tolerance: 0.1 })
  map.addLayer({
    id: 'cone-fill', type: 'fill', source: 'cones',
    paint: { 'fill-color': p.cone, 'fill-opacity': ['case', ['get', 'asked'], 0.17, 0.07] },
  })
  map.addLayer({
    id: 'cone-line', type: 'line', source: 'cones', filter: ['!', ['get', 'near']],
    paint: { 'line-color': p.cone, 'line-width': 1, 'line-opacity': ['case', ['get', 'asked'], 0.7, 0.22] },
  })

  let strong = new Set<string>()
  let also = new Set<string>()
  let inSight = new Set<string>()
  const wanted = (id: string) => strong.has(id) || also.has(id) || inSight.has(id)
  const both = function* (ids: Iterable<string>) {
    for (const id of ids) {
      yield `${id}|far`
      yield `${id}|near`
    }
  }
  const drawn = new Drawn({
    target: map.getSource<GeoJSONSource>('cones')!,
    ids: () => both(new Set([...strong, ...also, ...inSight])),
    build: (key): Drawable | null => {
      const cut = key.lastIndexOf('|')
      const id = key.slice(0, cut)
      const camera = picture.cameras.get(id)
      if (!camera || !wanted(id)) return null
      const near = key.endsWith('near')
      const coordinates = cone(camera, near ? NEAR : 1)
      return coordinates && { geometry: { type: 'Polygon', coordinates }, properties: { near, asked: strong.has(id) || also.has(id) } }
    },
  })

  const look = () => {
    const next = new Set<string>()
    if (map.getZoom() >= FROM_ZOOM) {
      const bounds = map.getBounds()
      for (const camera of picture.cameras.values()) {
        if (next.size >= MOST) break
        if (bounds.contains([camera.lon, camera.lat])) next.add(camera.id)
      }
    }
    if (next.size === 0 && inSight.size === 0) return
    inSight = next
    drawn.touch(null)
  }
  map.on('moveend', look)
  look()
  return {
    ids: IDS,
    touch(ids) {
      if (ids === null) {
        look()
        drawn.touch(null)
      } else drawn.touch(both([...ids].filter(wanted)))
    },
    ask(nextStrong, nextAlso) {
      strong = new Set(nextStrong)
      also = new Set(nextAlso)
      drawn.touch(null)
    },
    remove() {
      map.off('moveend', look)
      drawn.end()
      takeAway(map, IDS, ['cones'])
    },
  }
}
