/** What somebody does at the wall, and what its tiles say. */
import { expect } from 'vitest'
import type { Person } from './browser'
import { tileOf } from './desk'
import type { Told } from './probe'

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

export function told(person: Person, camera: string): Promise<Told> {
  return person.page.evaluate((css) => window.probe.told(css), tileOf(camera))
}

/** Waits until the tile is in this state and gives the words it then has; how long it took, ms. */
export async function waitState(person: Person, camera: string, state: string, withinMs: number): Promise<Told & { ms: number }> {
  const begun = performance.now()
  // In one look: a state that is there for a moment may be over before a second one.
  const words = await person.page.waitForFunction(([css, wanted]) => {
    const now = window.probe.told(css)
    return now.state === wanted && now
  }, [tileOf(camera), state] as const, { timeout: withinMs })
  return { ...((await words.jsonValue()) as Told), ms: performance.now() - begun }
}
