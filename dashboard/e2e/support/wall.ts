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

/** What a tile says of its picture. */
export async function told(person: Person, camera: string): Promise<Told> {
  return person.page.locator(tileOf(camera)).evaluate((tile) => {
    const [title, reason, next] = ['b', 'small:not(.next)', 'small.next'].map((part) => tile.querySelector(`.words > ${part}`)?.textContent ?? '')
    return { state: (tile as HTMLElement).dataset['state'] ?? '', title: title!, reason: reason!, next: next! }
  })
}

/** Waits until the tile is in this state and gives its words; how long it took, ms. */
export async function waitState(person: Person, camera: string, state: string, withinMs: number): Promise<Told & { ms: number }> {
  const begun = performance.now()
  await person.page.locator(`${tileOf(camera)}[data-state="${state}"]`).waitFor({ timeout: withinMs })
  return { ...(await told(person, camera)), ms: performance.now() - begun }
}
