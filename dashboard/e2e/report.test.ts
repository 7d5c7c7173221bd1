import { describe, expect, onTestFinished, test } from 'vitest'
import type { Incident } from '../src/api/types'
import type { Person } from './support/browser'
import { arrivals, drawn, flownTo, openDesk, tileOf, watchTile } from './support/desk'
import { tell } from './support/numbers'
import { PHONE_SETTINGS, PLACE, answeredAt, fillForm, isReport, makePhoto, openForm, receiptShown } from './support/phone'
import { BadLine } from './support/proxy'
import { stage } from './support/stage'

const here = stage()
const ON_EVERY_SCREEN_MS = 1000

/** What the officers' list has with these words. */
async function withText(person: Person, text: string): Promise<Incident[]> {
  return (await person.api.incidents()).items.filter((incident) => incident.text === text)
}

describe('report', () => {
  test('an incident from a phone stands on the desk and its map within a second', async () => {
    const officer = await here.person('duty_officer')
    const phone = await here.person('grid_leader', PHONE_SETTINGS)
    await openDesk(officer)
    const before = await drawn(officer)
    await openForm(phone)
    const photo = await makePhoto(phone, '配电箱冒烟 e2e')
    await fillForm(phone, 'hazard.fire', '配电箱冒烟，已断电疏散', [photo])

    const asked = phone.page.waitForRequest(isReport)
    await phone.testId('send').tap()
    const acknowledged = await answeredAt(await asked)
    const receipt = await receiptShown(phone)

    const [incident] = await withText(officer, '配电箱冒烟，已断电疏散')
    expect(incident).toMatchObject({
      number: receipt.number, hash: receipt.hash, category: 'hazard.fire', severity: 'critical', area_id: 'v-gangwan', channel: 'grid_leader',
    })
    expect(Math.abs(incident!.lon - PLACE.longitude) + Math.abs(incident!.lat - PLACE.latitude)).toBeLessThan(1e-5)
    expect(receipt.hash).toMatch(/^[0-9a-f]{64}$/)
    const { row, map } = await arrivals(officer, incident!.id, `incidents:${before.incidents + 1}`)
    tell('answer to the phone, to the queue', [row - acknowledged])
    tell('answer to the phone, to the map', [map - acknowledged])
    expect(row - acknowledged).toBeLessThan(ON_EVERY_SCREEN_MS)
    expect(map - acknowledged).toBeLessThan(ON_EVERY_SCREEN_MS)

    // Opened: the map is there, the photo can be seen, the nearest cameras play.
    const { page } = officer
    await page.locator(`[data-testid="queue-item"][data-id="${incident!.id}"]`).click()
    await page.locator('[data-testid="card"][data-kind="incident"]').waitFor()
    const picture = officer.testId('photo').locator('img')
    await expect.poll(() => picture.evaluate((img: HTMLImageElement) => img.naturalWidth)).toBeGreaterThan(0)
    const { items: near } = await officer.api.get<{ items: { id: string }[] }>(`/api/v1/cameras?near=${incident!.lon},${incident!.lat}&limit=4`)
    for (const { id } of near) await watchTile(officer, id, 5)
    expect(await page.locator('.tile[data-camera]').count()).toBe(near.length)

    // It is drawn where it is: the map has flown there, and a click on the place means it.
    const { x, y } = await flownTo(officer, incident!.lon, incident!.lat)
    await page.keyboard.press('Escape')
    await officer.testId('card').waitFor({ state: 'detached' })
    await page.mouse.click(x, y)
    await page.locator('[data-testid="card"][data-kind="incident"]').getByText(incident!.number).waitFor()
  })

  test('what is shown of a photo is a copy, what was sent is kept', async () => {
    const phone = await here.person('grid_leader', PHONE_SETTINGS)
    await openForm(phone)
    await fillForm(phone, 'hazard.wire', '电线垂落', [await makePhoto(phone, 'one'), await makePhoto(phone, 'two')])
    await phone.testId('send').tap()
    await receiptShown(phone)
    const [incident] = await withText(phone, '电线垂落')
    expect(incident!.photos).toHaveLength(2)
    for (const { url, sha256, width, height } of incident!.photos!) {
      const copy = await phone.api.request('GET', url)
      expect(copy.status).toBe(200)
      expect(copy.headers.get('Content-Type')).toBe('image/jpeg')
      expect(sha256).toMatch(/^[0-9a-f]{64}$/)
      expect([width, height]).toEqual([1600, 1200])
    }
  })

  test('a hurried double tap makes one incident', async () => {
    const phone = await here.person('grid_leader', PHONE_SETTINGS)
    await openForm(phone)
    await fillForm(phone, 'hazard.fire_lane', '消防通道被堵')
    const sent: string[] = []
    phone.page.on('request', (request) => isReport(request) && sent.push(request.headers()['idempotency-key']!))
    const box = (await phone.testId('send').boundingBox())!
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2]
    await Promise.all([phone.page.touchscreen.tap(x, y), phone.page.touchscreen.tap(x, y)])
    const receipt = await receiptShown(phone)
    expect(sent).toHaveLength(1)
    expect((await withText(phone, '消防通道被堵')).map((incident) => incident.number)).toEqual([receipt.number])
  })

  test('a report whose answer got lost is sent again and makes one incident', async () => {
    const line = await BadLine.to(here.town.port)
    onTestFinished(() => line.close())
    const phone = await here.person('grid_leader', PHONE_SETTINGS, line.url)
    phone.watch.allow(/ERR_(EMPTY_RESPONSE|CONNECTION_RESET|CONNECTION_CLOSED)/, 'the answer is lost on the way')
    await openForm(phone)
    await fillForm(phone, 'hazard.wall', '外墙开裂', [await makePhoto(phone, 'wall')])
    line.losesAnswers = true
    await phone.testId('send').tap()
    await phone.page.locator('[data-testid="sent"][data-state="queued"]').waitFor()
    expect(line.lost).toBeGreaterThan(0)
    const made = (await here.town.as('duty_officer').then((api) => api.incidents())).items.filter(({ text }) => text === '外墙开裂')
    expect(made).toHaveLength(1)
    line.losesAnswers = false
    await phone.page.getByRole('button', { name: '立即发送' }).tap()
    const receipt = await receiptShown(phone)
    const after = await withText(phone, '外墙开裂')
    expect(after.map(({ number, hash }) => ({ number, hash }))).toEqual([{ number: made[0]!.number, hash: made[0]!.hash }])
    expect([receipt.number, receipt.hash]).toEqual([made[0]!.number, made[0]!.hash])
  })

  test('without a network it waits on the phone, and goes out once when the network is back', async () => {
    const officer = await here.person('duty_officer')
    const phone = await here.person('grid_leader', PHONE_SETTINGS)
    phone.watch.allow(/ERR_INTERNET_DISCONNECTED/, 'the phone is offline')
    await openDesk(officer)
    await openForm(phone)
    await fillForm(phone, 'hazard.collapse', '路面塌陷', [await makePhoto(phone, 'road')])
    await phone.context.setOffline(true)
    await phone.testId('send').tap()
    await phone.page.locator('[data-testid="sent"][data-state="queued"]').waitFor()
    expect(await phone.testId('net').getAttribute('data-waiting')).toBe('1')
    expect(await withText(officer, '路面塌陷')).toHaveLength(0)
    await phone.context.setOffline(false)
    const receipt = await receiptShown(phone)
    const found = await withText(officer, '路面塌陷')
    expect(found.map((incident) => incident.number)).toEqual([receipt.number])
    expect(found[0]!.photos).toHaveLength(1)
    await officer.page.locator(`[data-testid="queue-item"][data-id="${found[0]!.id}"]`).waitFor()
  })

  test('what was written survives a reload', async () => {
    const phone = await here.person('grid_leader', PHONE_SETTINGS)
    await openForm(phone)
    await fillForm(phone, 'hazard.slope', '山坡有裂缝', [await makePhoto(phone, 'slope')])
    await phone.page.getByText('草稿已存在手机上').waitFor()
    await phone.page.reload()
    await phone.testId('resume').tap()
    expect(await phone.testId('text').inputValue()).toBe('山坡有裂缝')
    await expect.poll(() => phone.page.locator('[data-testid="photo"] img').count()).toBe(1)
    await phone.testId('send').tap()
    const { number } = await receiptShown(phone)
    const [incident] = await withText(phone, '山坡有裂缝')
    expect(incident).toMatchObject({ number, category: 'hazard.slope' })
    expect(incident!.photos).toHaveLength(1)
  })

  test('a direct report goes to the top of the queue', async () => {
    const officer = await here.person('duty_officer')
    const phone = await here.person('grid_leader', PHONE_SETTINGS)
    await openDesk(officer)
    await phone.page.goto('/report')
    const hold = (await phone.testId('direct').boundingBox())!
    await phone.page.mouse.move(hold.x + hold.width / 2, hold.y + hold.height / 2)
    await phone.page.mouse.down()
    await phone.testId('send').waitFor()
    await phone.page.mouse.up()
    await phone.page.locator('[data-testid="category"][data-code="hazard.gas"]').tap()
    await phone.page.locator('[data-testid="place"][data-set="true"]').waitFor()
    await phone.testId('send').tap()
    const { number } = await receiptShown(phone)
    const incident = (await officer.api.incidents()).items.find((one) => one.number === number)!
    expect(incident).toMatchObject({ direct: true, severity: 'critical', category: 'hazard.gas' })
    const row = officer.page.locator(`[data-testid="queue-item"][data-id="${incident.id}"]`)
    await row.waitFor()
    expect(await row.getAttribute('aria-posinset')).toBe('1')
    await row.click()
    await officer.page.locator(tileOf('cam014')).waitFor()
  })
})
