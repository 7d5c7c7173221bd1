/** What a duty officer does at the desk, and what can be asked of it. */
import { expect } from 'vitest'
import type { Person } from './browser'
import { tell } from './numbers'
import type { Opening, Reading } from './probe'

/** Opens the desk and waits until all of it is there. */
export async function openDesk(person: Person): Promise<void> {
  await person.page.goto('/desk')
  await person.page.locator('[data-testid="map"][data-ready="true"]').waitFor()
  await person.page.locator('[data-testid="connection"][data-state="live"]').waitFor()
}

export const tileOf = (camera: string) => `.tile[data-camera="${camera}"]`

/** By the search dialog, with the keyboard alone. */
export async function playBySearch(person: Person, name: string, camera: string): Promise<void> {
  const { page } = person
  await page.keyboard.press('Control+k')
  await person.testId('search-field').fill(name)
  await page.locator(`[role="option"][data-kind="camera"][data-id="${camera}"][aria-selected="true"]`).waitFor()
  await page.keyboard.press('Enter')
  await page.locator(tileOf(camera)).waitFor()
}

/** A stream begins with its last key frame and has caught up with the camera within this time. */
const CATCH_UP_MS = 1000

/** The first picture of a camera opened since the last call: when it was drawn, and what it was. */
export async function firstPicture(person: Person, camera: string): Promise<Opening> {
  const read = () => person.page.evaluate((id) => window.probe.openings.findLast((one) => one.camera === id), camera)
  await expect.poll(read, { timeout: 15_000, interval: 50 }).toBeDefined()
  return (await read())!
}

/** Reads frames out of the tile's picture, from the moment on at which it must be of now. */
export async function watchTile(person: Person, camera: string, frames: number, again = false): Promise<Reading[]> {
  await person.page.locator(`${tileOf(camera)}[data-state="live"]`).waitFor({ timeout: 30_000 })
  // A stream that was taken up again has no first picture of its own: it counts from now on.
  const begun = again ? Date.now() : (await firstPicture(person, camera)).reading.at
  return person.page.evaluate(
    ([selector, n, after]) => window.probe.follow(selector, n, after), [`${tileOf(camera)} video:not(.behind)`, frames, begun + CATCH_UP_MS] as const)
}

export const LOOP = 200

/** Every frame was readable, none is older than the one before, and most are newer. */
function assertMoving(what: string, readings: Reading[]): void {
  const numbers = readings.map((reading) => reading.frame)
  expect(numbers, `${what}: a strip could not be read`).not.toContain(null)
  const steps = numbers.slice(1).map((n, i) => (n! - numbers[i]! + LOOP) % LOOP)
  expect(Math.min(...steps), `${what}: frames ${numbers.join(' ')}`).toBeGreaterThanOrEqual(0)
  expect(steps.filter((step) => step > 0).length, `${what}: frames ${numbers.join(' ')}`).toBeGreaterThan(readings.length / 2)
  expect(Math.max(...steps), `${what}: the picture ran back or jumped: ${numbers.join(' ')}`).toBeLessThan(LOOP / 2)
  tell(`age of the picture, ${what}`, readings.map((reading) => reading.ageMs))
}

/**
 * Follows a tile from its first second on, or, taken up again, from now: no picture older than the limit. A
 * machine that is busy with something else may hold up a frame, and then the next ones are of now again; a
 * stream that lags lags in every window.
 */
export async function assertFresh(person: Person, what: string, camera: string, frames: number, limitMs: number, again = false): Promise<void> {
  let oldest = Infinity
  for (let window = 0; window < 3 && oldest >= limitMs; window++) {
    const readings = await watchTile(person, camera, frames, again || window > 0)
    oldest = Math.max(...readings.map((reading) => reading.ageMs))
    assertMoving(what, readings)
  }
  expect(oldest, `${what}: age of the oldest picture, ms`).toBeLessThan(limitMs)
}

/** The map's counts of what it has drawn. */
export async function drawn(person: Person): Promise<{ cameras: number; incidents: number; alerts: number }> {
  const box = person.testId('map')
  const [cameras, incidents, alerts] = await Promise.all(
    ['cameras', 'incidents', 'alerts'].map(async (name) => Number(await box.getAttribute(`data-${name}`))))
  return { cameras: cameras!, incidents: incidents!, alerts: alerts! }
}

/** When the row and the map's symbol were there, epoch ms. */
export async function arrivals(person: Person, id: string, count: string): Promise<{ row: number; map: number }> {
  const read = () => person.page.evaluate(([one, two]) => ({ row: window.probe.rows[one], map: window.probe.drawn[two] }), [id, count] as const)
  await expect.poll(async () => Object.values(await read()).every((at) => at !== undefined), { timeout: 10_000 }).toBe(true)
  const { row, map } = await read()
  return { row: row!, map: map! }
}

/** Where a place stands on the screen, once the map stands still; it says what it looks at (web mercator, tiles of 512 px). */
export async function onScreen(person: Person, lon: number, lat: number): Promise<{ x: number; y: number }> {
  const map = person.page.locator('[data-testid="map"][data-view]')
  await map.waitFor()
  const [view, box] = [await map.getAttribute('data-view'), await map.boundingBox()]
  const [lon0, lat0, zoom] = view!.split(',').map(Number)
  const size = 512 * 2 ** zoom!
  const up = (degrees: number) => Math.log(Math.tan(Math.PI / 4 + (degrees * Math.PI) / 360)) / (2 * Math.PI)
  return {
    x: box!.x + box!.width / 2 + ((lon - lon0!) / 360) * size,
    y: box!.y + box!.height / 2 + (up(lat0!) - up(lat)) * size,
  }
}

/** Waits until the map has flown there: the place stands in the middle of what the card leaves free. */
export async function flownTo(person: Person, lon: number, lat: number): Promise<{ x: number; y: number }> {
  const off = async () => {
    const [at, map, card] = [await onScreen(person, lon, lat), await person.testId('map').boundingBox(), await person.testId('card').boundingBox()]
    return Math.max(Math.abs(at.x - map!.x - map!.width / 2), Math.abs(at.y - (map!.y + card!.y) / 2))
  }
  await expect.poll(off).toBeLessThan(40)
  return onScreen(person, lon, lat)
}
