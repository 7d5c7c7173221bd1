/** Where a shape's name stands: inside it when that can be had cheaply. Pure. */
import type { LonLat } from '../api/types'

type Ring = LonLat[]

function area(ring: Ring): number {
  let sum = 0
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
    const [xi, yi] = ring[i]!
    const [xj, yj] = ring[j]!
    sum += xj * yi - xi * yj
  }
  return sum / 2
}

/** The centre of gravity of the largest ring; null for a shape without one. */
export function centreOf(geometry: { type: string; coordinates: unknown }): LonLat | null {
  const rings: Ring[] =
    geometry.type === 'Polygon' ? [(geometry.coordinates as Ring[])[0] ?? []]
    : geometry.type === 'MultiPolygon' ? (geometry.coordinates as Ring[][]).map((polygon) => polygon[0] ?? [])
    : []
  let best: Ring | null = null
  let bestArea = 0
  for (const ring of rings) {
    const size = Math.abs(area(ring))
    if (ring.length >= 4 && size > bestArea) {
      best = ring
      bestArea = size
    }
  }
  if (!best) return null
  // Relative to the first corner: the products of whole degrees would drown the differences.
  const [x0, y0] = best[0]!
  const twice = area(best) * 2
  let x = 0
  let y = 0
  for (let i = 0, j = best.length - 1; i < best.length; j = i++) {
    const [xi, yi] = [best[i]![0] - x0, best[i]![1] - y0]
    const [xj, yj] = [best[j]![0] - x0, best[j]![1] - y0]
    const cross = xj * yi - xi * yj
    x += (xi + xj) * cross
    y += (yi + yj) * cross
  }
  return [x0 + x / (3 * twice), y0 + y / (3 * twice)]
}

/** The scale from which a shape is wide enough for its name: 56 px, as a zoom level. */
export function roomFor(geometry: { type: string; coordinates: unknown }): number {
  const polygons = geometry.type === 'MultiPolygon' ? (geometry.coordinates as Ring[][]) : [(geometry.coordinates as Ring[]) ?? []]
  const size = Math.sqrt(Math.max(...polygons.map((polygon) => Math.abs(area(polygon[0] ?? [])))))
  return size > 0 ? Math.log2((56 * 360) / (512 * size)) : 0
}

/** Points to hang names on, one per shape: a shape's own label would repeat in every tile it crosses. */
export function namePoints<P extends object>(features: readonly { geometry: { type: string; coordinates: unknown }; properties: P & { center?: LonLat } }[]): GeoJSON.FeatureCollection {
  const points: GeoJSON.Feature[] = []
  for (const { geometry, properties } of features) {
    const at = properties.center ?? centreOf(geometry)
    if (!at) continue
    const { center: _, ...rest } = properties
    points.push({ type: 'Feature', geometry: { type: 'Point', coordinates: at }, properties: { ...rest, z: roomFor(geometry) } })
  }
  return { type: 'FeatureCollection', features: points }
}
