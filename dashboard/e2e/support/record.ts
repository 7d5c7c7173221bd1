/** What was recorded, and the playback page as somebody uses it. */
import { expect } from 'vitest'
import type { Recordings } from '../../src/api/types'
import type { Api } from './api'
import type { Person } from './browser'
import { LOOP } from './desk'

/** Waits until a camera's record is so long; its newest range. */
export async function recordedFor(api: Api, camera: string, seconds: number): Promise<{ from: number; to: number }> {
  const read = async () => {
    const now = Date.now()
    const query = new URLSearchParams({ camera, from: new Date(now - 3600_000).toISOString(), to: new Date(now).toISOString() })
    const { items } = await api.get<Recordings>(`/api/v1/recordings?${query}`)
    const last = items[0]!.ranges.at(-1)
    return last ? { from: Date.parse(last.from), to: Date.parse(last.to) } : { from: now, to: now }
  }
  await expect.poll(async () => { const { from, to } = await read(); return to - from }, { timeout: 55_000, interval: 500 }).toBeGreaterThan(seconds * 1000)
  return read()
}

/** A picture that is the same for so long is at rest: the page looks every 40 ms where to stand, and a busy machine draws late. */
const STEADY_MS = 500

const picture = (camera: string) => `.se-play .tile[data-camera="${camera}"]`

export interface Shown {
  /** Number in the picture. */
  frame: number | null
  /** The time that the page says it was taken at, epoch ms. */
  at: number
}

/** Waits until this camera's picture is there. */
export async function pictureOf(person: Person, camera: string): Promise<void> {
  await person.page.locator(`${picture(camera)}[data-state="ready"][data-at]:not([data-at=""])`).waitFor({ timeout: 30_000 })
}

/** What stands there, when it has come to rest, and once it is another time than `not`. */
export async function shownOf(person: Person, camera: string, not = NaN): Promise<Shown> {
  return person.page.evaluate(async ([css, before, steady]) => {
    const tile = document.querySelector<HTMLElement>(css)!
    const video = tile.querySelector('video')!
    for (let since = performance.now(), last = ''; performance.now() - since < steady; ) {
      await new Promise((done) => requestAnimationFrame(done))
      const at = tile.dataset['at'] ?? ''
      const rests = tile.dataset['state'] === 'ready' && video.paused && !video.seeking && at !== '' && at === last
      if (!rests || Math.abs(Number(at) - before) <= 1) since = performance.now()
      last = at
    }
    return { frame: window.probe.read(video).frame, at: Number(tile.dataset['at']) }
  }, [picture(camera), not, STEADY_MS] as const)
}

/** Presses a key; ms until this camera's picture is one of another time. */
export function msAfterKey(person: Person, camera: string, key: string): Promise<number> {
  return person.page.evaluate(async ([css, code]) => {
    const tile = document.querySelector<HTMLElement>(css)!
    const video = tile.querySelector('video')!
    const before = Number(tile.dataset['at'])
    const begun = performance.now()
    document.body.dispatchEvent(new KeyboardEvent('keydown', { key: code, bubbles: true }))
    while (tile.dataset['state'] !== 'ready' || video.seeking || Math.abs(Number(tile.dataset['at']) - before) < 1000) await new Promise((done) => requestAnimationFrame(done))
    return performance.now() - begun
  }, [picture(camera), key] as const)
}

/** How many frames of the film lie between two numbers, the shorter way. */
export function apart(a: number, b: number): number {
  const steps = ((b - a) % LOOP + LOOP) % LOOP
  return steps > LOOP / 2 ? steps - LOOP : steps
}
