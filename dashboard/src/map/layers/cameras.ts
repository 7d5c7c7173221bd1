/** Cameras: a symbol by state (shape and colour), a tick where they look, and the name from close by. */
import type { GeoJSONSource } from 'maplibre-gl'
import type { Camera, Status } from '../../api/types'
import type { Picture } from '../../picture/picture'
import { seesAllAround } from '../cone'
import { densityShift } from '../density'
import { Drawn, type Drawable } from '../diff'
import { EMPTY, takeAway, type Layer, type Stage } from '../layer'
import { slotExpression, type Spots } from '../spots'
import type { CameraLook } from '../sprites'
import { FONT } from '../theme'

const IDS = ['camera-dir', 'camera', 'camera-name']
export const CAMERA_HITS = ['camera']
/** A storm of state changes costs one pass of the worker in this time. */
const EVERY_MS = 500

export function lookOf(camera: Camera, status: Status | undefined): CameraLook {
  if (!camera.enabled) return 'offline'
  switch (status?.state) {
    case 'live': return 'live'
    case 'connecting': return 'connecting'
    case 'silent': return 'stale'
    case 'refused':
    case 'unreachable':
    case 'disabled': return 'offline'
    default: return 'idle'
  }
}

export function cameraDrawable(camera: Camera, status: Status | undefined, slot: string): Drawable {
  const turned = camera.range_m > 0 && camera.fov_deg > 0 && !seesAllAround({ ...camera })
  return {
    geometry: { type: 'Point', coordinates: [camera.lon, camera.lat] },
    properties: { name: camera.name, look: lookOf(camera, status), slot, ...(turned ? { az: camera.azimuth_deg } : {}) },
  }
}

export interface CameraLayer extends Layer {
  touch(ids: Iterable<string> | null): void
}

export function addCameras(stage: Stage, picture: Picture, spots: Spots, onCount: (count: number) => void): CameraLayer {
  const { map, palette: p } = stage
  const later = densityShift(picture.cameras.values())
  const big = 14.5 + later
  map.addSource('cameras', { type: 'geojson', data: EMPTY, promoteId: 'id', buffer: 32 })
  map.addLayer({
    id: 'camera-dir', type: 'symbol', source: 'cameras', minzoom: 12.5 + later, filter: ['all', ['has', 'az'], ['==', ['get', 'slot'], '1:0']],
    layout: {
      'icon-image': ['concat', 'dir-', ['get', 'look']], 'icon-rotate': ['get', 'az'], 'icon-rotation-alignment': 'map',
      'icon-size': ['interpolate', ['linear'], ['zoom'], big - 2, 0.55, big - 0.01, 0.62, big, 1], 'icon-allow-overlap': true, 'icon-ignore-placement': true,
    },
  })
  map.addLayer({
    id: 'camera', type: 'symbol', source: 'cameras',
    layout: {
      'icon-image': ['step', ['zoom'], ['concat', 'cam-', ['get', 'look']], big, ['concat', 'cam-', ['get', 'look'], '-big']],
      'icon-size': ['interpolate', ['linear'], ['zoom'], 9 + later, 0.4, 11 + later, 0.7, 13 + later, 1],
      'icon-offset': slotExpression() as never,
      // Of two that overlap, the one in trouble is on top.
      'symbol-sort-key': ['match', ['get', 'look'], 'offline', 3, 'stale', 2, 'live', 1, 0],
      'icon-allow-overlap': true, 'icon-ignore-placement': true,
    },
  })
  map.addLayer({
    id: 'camera-name', type: 'symbol', source: 'cameras', minzoom: Math.min(15.2 + later, 17.5), filter: ['==', ['get', 'slot'], '1:0'],
    layout: {
      'text-field': ['get', 'name'], 'text-font': FONT, 'text-size': 12, 'text-anchor': 'top', 'text-offset': [0, 1.5], 'text-max-width': 10, 'text-padding': 4,
    },
    paint: { 'text-color': p.labelStrong, 'text-halo-color': p.halo, 'text-halo-width': 1.5 },
  })

  const drawn = new Drawn({
    target: map.getSource<GeoJSONSource>('cameras')!,
    ids: () => picture.cameras.keys(),
    build(id) {
      const camera = picture.cameras.get(id)
      return camera ? cameraDrawable(camera, picture.status.get(id), spots.slot('camera', id)) : null
    },
    onCount, everyMs: EVERY_MS,
  })
  drawn.touch(null)
  const off = picture.on('status', (ids) => drawn.touch(ids))
  return {
    ids: IDS,
    touch: (ids) => drawn.touch(ids),
    remove() {
      off()
      drawn.end()
      takeAway(map, IDS, ['cameras'])
    },
  }
}
