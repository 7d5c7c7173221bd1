/**
 * How crowded the cameras are, as a shift of scale: in a town with a camera at every corner symbols
 * start small and grow later, so that they neither cover the map nor cost what nobody can see. Pure.
 */

/** Cameras per square kilometre that need no shift. */
const ROOMY = 12
export const MOST_SHIFT = 3.5
const KM_PER_DEG = 111.32
/** About 1.1 km: the crowd that one looks at, not the empty land around it. */
const CELL_DEG = 0.01

export function densityShift(places: Iterable<{ lon: number; lat: number }>): number {
  const cells = new Map<string, number>()
  let total = 0
  let lat = 0
  for (const place of places) {
    const key = `${Math.floor(place.lon / CELL_DEG)},${Math.floor(place.lat / CELL_DEG)}`
    cells.set(key, (cells.get(key) ?? 0) + 1)
    total++
    lat += place.lat
  }
  if (total === 0) return 0
  // The density around the typical camera, not of the typical square.
  let weighted = 0
  for (const count of cells.values()) weighted += count * count
  const cellKm2 = (CELL_DEG * KM_PER_DEG) ** 2 * Math.cos(((lat / total) * Math.PI) / 180)
  const density = weighted / total / Math.max(cellKm2, 1e-6)
  const shift = Math.log2(Math.sqrt(Math.max(density / ROOMY, 1)))
  // In half steps: one camera more does not redraw the map.
  return Math.min(MOST_SHIFT, Math.round(shift * 2) / 2)
}
