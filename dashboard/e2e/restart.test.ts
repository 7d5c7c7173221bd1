/** The process is killed as a loss of power would, and started again on the same folder and port. */
import { describe, expect, test } from 'vitest'
import type { Incident } from '../src/api/types'
import type { Api } from './support/api'
import { assertFresh, openDesk, playBySearch, watchTile } from './support/desk'
import { tell } from './support/numbers'
import { stage } from './support/stage'

declare global {
  interface Window {
    sameVisit?: string
  }
}

const here = stage()
const OUTAGE = /ERR_CONNECTION_(REFUSED|RESET|CLOSED)|ERR_EMPTY_RESPONSE|ERR_NETWORK_CHANGED|WebSocket connection to .* failed/
const ENOUGH = 40

/** Reports without a pause until the server is gone; gives what was acknowledged. */
async function reportUntilGone(api: Api, acknowledged: Incident[]): Promise<void> {
  for (let n = 0; ; n++) {
    try {
      const { incident } = await api.report({ category: 'facility.rubbish', text: `垃圾堆放 ${n}`, lon: 118.9058 + n * 1e-6, lat: 31.9062 })
      acknowledged.push(incident)
    } catch (cause) {
      // fetch speaks of a broken connection by a TypeError; anything else is the server's word.
      if (!(cause instanceof TypeError)) throw cause
      return
    }
  }
}

describe('restart', () => {
  test('no acknowledged incident is lost, open dashboards come back by themselves', async () => {
    const person = await here.person('duty_officer')
    person.watch.allow(OUTAGE, 'the server is gone for a while')
    person.watch.allow(/404.*\/api\/v1\/whep\//, 'video sessions of the former process')
    await openDesk(person)
    const { items } = await person.api.cameras()
    const tiles = ['cam002', 'cam012']
    for (const id of tiles) await playBySearch(person, items.find((camera) => camera.id === id)!.name, id)
    for (const id of tiles) await watchTile(person, id, 5)
    await person.page.evaluate(() => (window.sameVisit = 'yes'))

    const acknowledged: Incident[] = []
    const leader = await here.town.as('leader')
    const writers = Promise.all([person.api, person.api, leader, leader].map((api) => reportUntilGone(api, acknowledged)))
    await expect.poll(() => acknowledged.length, { timeout: 30_000, interval: 5 }).toBeGreaterThan(ENOUGH)
    await here.town.kill()
    await writers
    await person.page.locator('[data-testid="connection"]:not([data-state="live"])').waitFor()
    await person.testId('offline').waitFor()

    const down = performance.now()
    await here.town.start()
    const up = performance.now()
    tell('start of the process to its being ready', [up - down])
    await person.page.locator('[data-testid="connection"][data-state="live"]').waitFor({ timeout: 30_000 })
    tell('ready again to the open desk being live', [performance.now() - up])

    // Whatever was acknowledged is there, word for word.
    const kept = new Map((await person.api.incidents()).items.map((incident) => [incident.id, incident]))
    expect(acknowledged.length).toBeGreaterThan(ENOUGH)
    for (const incident of acknowledged) expect(kept.get(incident.id)).toEqual(incident)
    expect(new Set([...kept.values()].map(({ number }) => number)).size).toBe(kept.size)

    // The desk has caught up, without a reload, and goes on.
    await expect.poll(async () => Number(await person.testId('map').getAttribute('data-incidents')), { timeout: 20_000 }).toBe(kept.size)
    const { incident } = await person.api.report({ category: 'hazard.gas', text: '重启之后', lon: 118.9058, lat: 31.9062 })
    await person.page.locator(`[data-testid="queue-item"][data-id="${incident.id}"]`).waitFor()
    expect(await person.page.evaluate(() => window.sameVisit)).toBe('yes')
    for (const id of tiles) await assertFresh(person, `after the restart, ${id}`, id, 25, 1000, true)
    await person.testId('offline').waitFor({ state: 'detached' })
  })

  test('Ctrl-C ends everything within 2 seconds, viewers or not', async () => {
    const person = await here.person('duty_officer')
    person.watch.allow(OUTAGE, 'the server ends')
    await openDesk(person)
    await playBySearch(person, '钟楼十字', 'cam004')
    await watchTile(person, 'cam004', 5)
    const { ms, how } = await here.town.program.stop()
    tell('Ctrl-C to the end of the process', [ms])
    expect(how).toBe(0)
    expect(ms).toBeLessThan(2000)
  })
})
