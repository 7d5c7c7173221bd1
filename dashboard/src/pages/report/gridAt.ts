/** In which grid a point lies. The server decides; this is for telling at once. Pure. */
import type { FeatureCollection, GridProps, LonLat } from '../../api/types'

type Ring = LonLat[]

/** Even-odd rule over all rings, so that holes are holes. */
function within([x, y]: LonLat, rings: readonly Ring[]): boolean {
  let inside = false
  for (const ring of rings) {
    for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
      const [xi, yi] = ring[i]!
      const [xj, yj] = ring[j]!
      if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside
    }
  }
  return inside
}

export function gridAt(at: LonLat, grids: FeatureCollection<GridProps>): GridProps | undefined {
  for (const { geometry, properties } of grids.features) {
    const polygons = geometry.type === 'MultiPolygon' ? (geometry.coordinates as Ring[][]) : [geometry.coordinates as Ring[]]
    if (polygons.some((rings) => within(at, rings))) return properties
  }
  return undefined
}
