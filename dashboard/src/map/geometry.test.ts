import { describe, expect, it } from 'vitest'
import type { LonLat } from '../api/types'
import { centreOf, namePoints, roomFor } from './centre'
import { cone, destination } from './cone'
import { densityShift, MOST_SHIFT } from './density'

const AT: LonLat = [118.9, 31.9]
/** Metres between two near points. */
function metres([aLon, aLat]: LonLat, [bLon, bLat]: LonLat): number {
  const rad = Math.PI / 180
  const h = Math.sin(((bLat - aLat) * rad) / 2) ** 2 + Math.cos(aLat * rad) * Math.cos(bLat * rad) * Math.sin(((bLon - aLon) * rad) / 2) ** 2
  return 2 * 6_371_008.8 * Math.asin(Math.sqrt(h))
}
const camera = (azimuth_deg: number, fov_deg: number, range_m: number) => ({ lon: AT[0], lat: AT[1], azimuth_deg, fov_deg, range_m })

describe('a point at a distance', () => {
  it.each([[0, 0, 1], [90, 1, 0], [180, 0, -1], [270, -1, 0]])('lies towards %d degrees', (bearing, east, north) => {
    const to = destination(AT, bearing, 500)
    expect(metres(AT, to)).toBeCloseTo(500, 3)
    const sign = (degrees: number) => (Math.abs(degrees) < 1e-6 ? 0 : Math.sign(degrees))
    expect([sign(to[0] - AT[0]), sign(to[1] - AT[1])]).toEqual([east, north])
  })
  it('crosses the date line', () => {
    expect(destination([179.999, 0], 90, 1000)[0]).toBeLessThan(-179.9)
  })
})

describe('a view cone', () => {
  it('is a closed sector from the camera, as wide and as far as it sees', () => {
    const ring = cone(camera(90, 60, 120))![0]!
    expect(ring[0]).toEqual(AT)
    expect(ring.at(-1)).toEqual(AT)
    for (const point of ring.slice(1, -1)) expect(metres(AT, point)).toBeCloseTo(120, 3)
    const [first, last] = [ring[1]!, ring.at(-2)!]
    expect(metres(first, last)).toBeCloseTo(120, 0) // a chord of 60 degrees is the radius
    expect(first[1]).toBeGreaterThan(AT[1])
    expect(last[1]).toBeLessThan(AT[1])
  })
  it('is a circle without a corner at the camera for one that sees all around', () => {
    const ring = cone(camera(0, 360, 80))![0]!
    expect(ring[0]).toEqual(ring.at(-1))
    for (const point of ring) expect(metres(AT, point)).toBeCloseTo(80, 3)
  })
  it('can be wider than half a circle', () => {
    const ring = cone(camera(0, 270, 50))![0]!
    expect(ring.some((point) => point[1] < AT[1])).toBe(true)
  })
  it('is nothing when nothing is known', () => {
    expect(cone(camera(0, 0, 100))).toBeNull()
    expect(cone(camera(0, 90, 0))).toBeNull()
    expect(cone(camera(NaN, 90, 100))).toBeNull()
  })
})

describe('where a name stands', () => {
  const square = (x: number, y: number, size: number): LonLat[] => [[x, y], [x + size, y], [x + size, y + size], [x, y + size], [x, y]]
  it('is the middle of the largest part', () => {
    const [x, y] = centreOf({ type: 'MultiPolygon', coordinates: [[square(0, 0, 1)], [square(118, 31, 4)]] })!
    expect(x).toBeCloseTo(120, 9)
    expect(y).toBeCloseTo(33, 9)
  })
  it('is exact for small shapes far from the origin', () => {
    const [x, y] = centreOf({ type: 'Polygon', coordinates: [square(118.9, 31.9, 0.001)] })!
    expect(x).toBeCloseTo(118.9005, 9)
    expect(y).toBeCloseTo(31.9005, 9)
  })
  it('is nowhere for what is no surface', () => {
    expect(centreOf({ type: 'Point', coordinates: [1, 2] })).toBeNull()
    expect(centreOf({ type: 'Polygon', coordinates: [] })).toBeNull()
    expect(namePoints([{ geometry: { type: 'Point', coordinates: [1, 2] }, properties: {} }]).features).toEqual([])
  })
  it('has room at a closer scale the smaller the shape', () => {
    const room = (size: number) => roomFor({ type: 'Polygon', coordinates: [square(118, 31, size)] })
    expect(room(0.001)).toBeCloseTo(room(0.002) + 1, 6)
  })
})

describe('the shift of scale for crowds', () => {
  const town = (count: number, spread: number) => Array.from({ length: count }, (_, i) => ({ lon: 118.9 + ((i * 0.618) % 1) * spread, lat: 31.9 + ((i * 0.754) % 1) * spread }))
  it('is none for a small town and bounded for a huge one', () => {
    expect(densityShift([])).toBe(0)
    expect(densityShift(town(24, 0.05))).toBe(0)
    expect(densityShift(town(20_000, 0.05))).toBeGreaterThan(2)
    expect(densityShift(town(20_000, 0.001))).toBe(MOST_SHIFT)
  })
})
