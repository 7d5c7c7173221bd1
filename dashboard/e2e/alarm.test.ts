import { beforeAll, describe, expect, test } from 'vitest'
import { postAlarm } from './support/api'
import { arrivals, drawn, flownTo, openDesk, watchTile } from './support/desk'
import { tell } from './support/numbers'
import { stage } from './support/stage'

const here = stage()
const ON_EVERY_SCREEN_MS = 1000
let token = ''

beforeAll(async () => {
  const admin = await here.town.as('admin')
  token = await admin.createSource('e2e AI box', 'yunhe')
})

describe('alarm', () => {
  test('an alarm by webhook stands on the desk and its map within a second, and a click opens what sees it', async () => {
    const officer = await here.person('duty_officer')
    await openDesk(officer)
    const before = await drawn(officer)
    const camera = (await officer.api.cameras()).items.find(({ id }) => id === 'cam015')!
    const { status, at, body } = await postAlarm(here.town.url, token, { kind: 'fire', camera_id: 'cam015', severity: 'critical', text: '加油区疑似明火' })
    expect([status, body.count, body.repeated]).toEqual([201, 1, false])
    const { row, map } = await arrivals(officer, body.id, `alerts:${before.alerts + 1}`)
    tell('answer to the source, to the queue', [row - at])
    tell('answer to the source, to the map', [map - at])
    expect(row - at).toBeLessThan(ON_EVERY_SCREEN_MS)
    expect(map - at).toBeLessThan(ON_EVERY_SCREEN_MS)

    await officer.page.locator(`[data-testid="queue-item"][data-id="${body.id}"]`).click()
    await officer.page.locator('[data-testid="card"][data-kind="alert"]').waitFor()
    await flownTo(officer, camera.lon, camera.lat)
    const { items: near } = await officer.api.get<{ items: { id: string }[] }>(`/api/v1/cameras?near=${camera.lon},${camera.lat}&limit=4`)
    expect(near.map(({ id }) => id)).toContain('cam015')
    expect(near).toHaveLength(4)
    for (const { id } of near) await watchTile(officer, id, 5)
    expect(await officer.page.locator('.tile[data-camera]').count()).toBe(4)
  })

  test('the same alarm again is counted, not doubled', async () => {
    const officer = await here.person('duty_officer')
    await openDesk(officer)
    const before = await drawn(officer)
    const alarm = { kind: 'intrusion', camera_id: 'cam018', severity: 'high' }
    const first = await postAlarm(here.town.url, token, alarm)
    const row = officer.page.locator(`[data-testid="queue-item"][data-id="${first.body.id}"]`)
    await row.waitFor()
    const again = await postAlarm(here.town.url, token, alarm)
    expect([again.status, again.body]).toEqual([200, { id: first.body.id, count: 2, repeated: true }])
    await row.getByText('×2', { exact: true }).waitFor()
    await expect.poll(() => drawn(officer)).toEqual({ ...before, alerts: before.alerts + 1 })
  })

  test('an alarm without a right token is refused', async () => {
    const alarm = { kind: 'fire', camera_id: 'cam000' }
    expect((await postAlarm(here.town.url, `${token}x`, alarm)).status).toBe(401)
    const officer = await here.town.as('duty_officer')
    expect((await officer.request('POST', '/api/v1/hooks/alarms', alarm)).status).toBe(401)
  })
})
