/** What somebody does at the wall, and what its tiles say. */
import { expect } from 'vitest'
import type { Person } from './browser'
import { tileOf } from './desk'

export async function openWall(person: Person, layout: number): Promise<void> {
  await person.page.goto('/wall')
  await person.page.locator('[data-testid="camera-list"] [data-id]').first().waitFor()
  await person.testId(`layout-${layout}`).click()
  await person.page.locator(`.se-wall[data-layout="${layout}"]`).waitFor()
}

/** By a click in the camera list. */
export async function take(person: Person, camera: string): Promise<void> {
  await person.page.locator(`[data-testid="camera-list"] [data-id="${camera}"]`).click()
  await person.page.locator(tileOf(camera)).waitFor()
}

export async function clearWall(person: Person): Promise<void> {
  await person.page.getByRole('button', { name: '清空', exact: true }).click()
  await expect.poll(() => person.page.locator('.tile[data-camera]').count()).toBe(0)
}

export interface Told {
  state: string
  title: string
  reason: string
  next: string
}

/** Runs in the page: what a tile says of its picture. */
const read = (tile: Element): Told => {
  const [title, reason, next] = ['b', 'small:not(.next)', 'small.next'].map((part) => tile.querySelector(`.words > ${part}`)?.textContent ?? '')
  return { state: (tile as HTMLElement).dataset['state'] ?? '', title: title!, reason: reason!, next: next! }
}

export async function told(person: Person, camera: string): Promise<Told> {
  return person.page.locator(tileOf(camera)).evaluate(read)
}

/** Waits until the tile is in this state and gives the words it then has; how long it took, ms. */
export async function waitState(person: Person, camera: string, state: string, withinMs: number): Promise<Told & { ms: number }> {
  const begun = performance.now()
  // In one look: a state that is there for a moment may be over before a second one.
  const words = await person.page.waitForFunction(([css, wanted, readIt]) => {
    const tile = document.querySelector<HTMLElement>(css)
    return tile?.dataset['state'] === wanted && (new Function(`return (${readIt})`)() as (tile: Element) => Told)(tile)
  }, [tileOf(camera), state, read.toString()] as const, { timeout: withinMs })
  return { ...((await words.jsonValue()) as Told), ms: performance.now() - begun }
}
