/** What a camera sees, as polygons on the ground. Pure geometry on a sphere; positions are lon, lat in degrees. */
import type { LonLat } from '../api/types'

const EARTH_M = 6_371_008.8
/** A step of arc: fine enough that a 200 m cone looks round at street level. */
const STEP_DEG = 6

export interface View {
  lon: number
  lat: number
  azimuth_deg: number
  fov_deg: number
  range_m: number
}

/** The point that lies `metres` from here towards `bearing` degrees (0 north, 90 east). */
export function destination([lon, lat]: LonLat, bearing: number, metres: number): LonLat {
  const rad = Math.PI / 180
  const angle = metres / EARTH_M
  const phi = lat * rad
  const theta = bearing * rad
  const sinPhi2 = Math.sin(phi) * Math.cos(angle) + Math.cos(phi) * Math.sin(angle) * Math.cos(theta)
  const phi2 = Math.asin(Math.min(1, Math.max(-1, sinPhi2)))
  const lambda2 = lon * rad + Math.atan2(Math.sin(theta) * Math.sin(angle) * Math.cos(phi), Math.cos(angle) - Math.sin(phi) * sinPhi2)
  const east = ((lambda2 / rad + 540) % 360) - 180
  return [east, phi2 / rad]
}

export function seesAllAround(view: View): boolean {
  return view.fov_deg >= 360
}

/** A filled sector from the camera outwards, or a circle for one that sees all around; null when nothing is known. */
export function cone(view: View, share = 1): LonLat[][] | null {
  const range = view.range_m * share
  if (!(range > 0) || !(view.fov_deg > 0) || !Number.isFinite(view.azimuth_deg)) return null
  const at: LonLat = [view.lon, view.lat]
  const around = seesAllAround(view)
  const fov = around ? 360 : view.fov_deg
  const steps = Math.max(2, Math.ceil(fov / STEP_DEG))
  const start = around ? 0 : view.azimuth_deg - fov / 2
  const ring: LonLat[] = around ? [] : [at]
  for (let step = 0; step <= steps; step++) {
    if (around && step === steps) break
    ring.push(destination(at, start + (fov * step) / steps, range))
  }
  ring.push(ring[0]!)
  return [ring]
}
