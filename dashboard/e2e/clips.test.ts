import { describe, expect, test } from 'vitest'
import type { Case, ClipRequest, Evidence, List } from '../src/api/types'
import type { Person } from './support/browser'
import { LOOP, tileOf } from './support/desk'
import { PHONE_SETTINGS, PLACE } from './support/phone'
import { tell } from './support/numbers'
import { apart, msAfterKey, pictureOf, recordedFor, shownOf } from './support/record'
import { stage } from './support/stage'
import { openWall, take } from './support/wall'

// The tenth one looks at the grid leader's village.
const here = stage({ cameras: 10, record: true })
const FPS = 25
/** A frame is stamped when it has come: so much later than it was drawn, on a busy machine. */
const LATE_MS = 1500
/** As far as two cameras' frames lie apart where both come late. */
const STEP_MS = 400

async function open(person: Person, cameras: string, at: number): Promise<void> {
  await person.page.goto(`/playback?c=${cameras}&at=${new Date(at).toISOString()}`)
  await person.testId('purpose-text').fill('e2e：核对画面编号')
  await person.page.keyboard.press('Enter')
  for (const camera of cameras.split(',')) await pictureOf(person, camera)
}

// Pictures of 1080 lines, decoded in software: on a busy machine that takes its time.
describe('playback and clips', { timeout: 150_000 }, () => {
  test('shows the recorded frames: at a time, one by one, and back by key frames, two cameras in step', async () => {
    const person = await here.person('duty_officer')
    const { from } = await recordedFor(person.api, 'cam001', 14)
    await recordedFor(person.api, 'cam000', 14)
    await open(person, 'cam000,cam001', from + 9000)
    const { page } = person
    const transport = person.testId('transport')
    await expect.poll(() => transport.getAttribute('data-playing')).toBe('true')
    await page.keyboard.press('Space')
    await page.locator('[data-testid="transport"][data-playing="false"]').waitFor()

    let shown = await shownOf(person, 'cam000')
    const other = await shownOf(person, 'cam001')
    expect(Math.abs(shown.at - other.at), `frame ${shown.frame} at ${shown.at}, frame ${other.frame} at ${other.at}`).toBeLessThan(STEP_MS)
    // The number is that of the time: at t the film shows frame floor(25 t).
    for (const { frame, at } of [shown, other]) {
      const late = ((((at / 1000) * FPS - frame!) % LOOP) + LOOP) % LOOP
      expect((late / FPS) * 1000, `frame ${frame} at ${new Date(at).toISOString()}`).toBeLessThan(LATE_MS)
    }

    for (let i = 0; i < 3; i++) {
      await page.keyboard.press('.')
      const next = await shownOf(person, 'cam000', shown.at)
      expect(apart(shown.frame!, next.frame!)).toBe(1)
      shown = next
    }
    await page.keyboard.press(',')
    const key = await shownOf(person, 'cam000', shown.at)
    expect(apart(key.frame!, shown.frame!)).toBeGreaterThan(0)
    await page.keyboard.press(',')
    const before = await shownOf(person, 'cam000', key.at)
    // The film has a key frame at equal distances.
    expect(apart(before.frame!, key.frame!)).toBeGreaterThan(0)
    expect(Math.round(((key.at - before.at) / 1000) * FPS)).toBeCloseTo(apart(before.frame!, key.frame!), -1)

    // From the key to the picture, while two are decoded: into what was not asked for yet, and back.
    tell('a jump in the record', [await msAfterKey(person, 'cam000', 'ArrowRight'), await msAfterKey(person, 'cam000', 'ArrowLeft')])
  })

  test('a grid leader asks on the phone for a clip, an officer approves it, and it lies on the case', async () => {
    const leader = await here.person('grid_leader', PHONE_SETTINGS)
    const officer = await here.person('duty_officer')
    await recordedFor(officer.api, 'cam009', 10)
    const { incident } = await leader.api.report({ category: 'hazard.fire', text: '配电箱冒烟，查看起因', lon: PLACE.longitude, lat: PLACE.latitude })
    await leader.page.goto('/report')
    const entry = leader.page.locator(`[data-testid="mine-item"][data-number="${incident.number}"]`)
    await entry.locator('button').first().tap()
    await leader.testId('ask-clip').tap()
    await leader.page.locator('[data-testid="near-cameras"] [data-camera="cam009"] input').check()
    await leader.testId('ask-reason').fill('看清起火的时间')
    await leader.testId('ask-send').tap()
    await leader.page.locator('[data-testid="clip-asked"][data-state="open"]').waitFor()

    await officer.page.goto('/desk')
    await officer.page.locator('[data-testid="requests-badge"][data-count="1"]').click()
    const row = officer.testId('request')
    await row.getByText('看清起火的时间').waitFor()
    await officer.testId('approve').click()
    await officer.page.locator('[data-testid="request"][data-state="approved"]').waitFor()

    const { items: [request] } = await officer.api.get<List<ClipRequest>>('/api/v1/clip-requests?state=approved')
    const evidence = () => officer.api.get<List<Evidence>>(`/api/v1/cases/${request!.case_id}/evidence`)
    await expect.poll(async () => (await evidence()).items.filter((one) => one.kind === 'clip').length, { timeout: 30_000 }).toBeGreaterThan(0)
    const clip = (await evidence()).items.find((one) => one.kind === 'clip')!
    expect([clip.camera, clip.from, clip.to]).toEqual(['cam009', request!.from, request!.to])
    await leader.page.locator('[data-testid="clip-asked"][data-state="approved"]').waitFor({ timeout: 20_000 })
  })

  test('an officer goes from a live tile to a clip on a case', async () => {
    const person = await here.person('duty_officer')
    const { page } = person
    await recordedFor(person.api, 'cam009', 36)
    // One that was there before the town was opened.
    const incident = (await person.api.incidents()).items.at(-1)
    await openWall(person, 4)
    await take(person, 'cam009')
    await page.locator(`${tileOf('cam009')}[data-state="live"]`).waitFor({ timeout: 30_000 })
    // Half a minute ago, beside what is now.
    const live = page.locator(tileOf('cam009'))
    await live.click()
    await page.keyboard.press('r')
    const past = page.locator('.tile.past[data-past="cam009"]')
    await expect.poll(async () => Number(await past.getAttribute('data-at')), { timeout: 30_000 }).toBeGreaterThan(0)
    const behind = Date.now() - Number(await past.getAttribute('data-at'))
    expect(behind).toBeGreaterThan(25_000)
    expect(behind).toBeLessThan(60_000)
    await live.and(page.locator('[data-state="live"]')).waitFor()

    // The whole record from there; what is seen is cut and put on the case.
    await past.click()
    await page.keyboard.press('p')
    await person.testId('purpose-text').fill('e2e：核查起火经过')
    await person.testId('purpose').getByTestId('case-find').fill(incident!.number)
    await person.testId('purpose').locator(`[data-testid="case-option"][data-code="${incident!.number}"]`).click()
    await person.testId('purpose-go').click()
    await pictureOf(person, 'cam009')
    await page.keyboard.press('Space')
    await page.locator('[data-testid="transport"][data-playing="false"]').waitFor()
    const first = await shownOf(person, 'cam009')
    await page.keyboard.press('i')
    await page.keyboard.press('ArrowRight')
    const last = await shownOf(person, 'cam009', first.at)
    await page.keyboard.press('o')
    await page.keyboard.press('e')
    await page.locator('[data-testid="job"][data-state="done"]').waitFor({ timeout: 30_000 })
    await person.testId('to-case').click()

    await person.testId('evidence-item').waitFor()
    expect(await person.testId('evidence-item').count()).toBe(1)
    expect(await person.testId('hash').textContent()).toMatch(/^[0-9a-f]{64}$/)
    await person.testId('verify').click()
    await page.locator('[data-testid="evidence-item"][data-verdict="ok"]').waitFor()
    await person.testId('evidence-play').click()
    const video = person.testId('evidence-video')
    await expect.poll(() => video.evaluate((element: HTMLVideoElement) => element.readyState)).toBeGreaterThanOrEqual(2)
    const length = await video.evaluate((element: HTMLVideoElement) => {
      element.pause()
      return element.duration
    })
    // A busy machine puts the picture on the screen a while after it says that it stands there.
    const frameAt = (second: number) => video.evaluate(async (element: HTMLVideoElement, to) => {
      element.currentTime = to
      while (element.seeking) await new Promise(requestAnimationFrame)
      return window.probe.read(element).frame
    }, second)
    // From the picture at the first mark to the one at the last, with both.
    await expect.poll(() => frameAt(0)).toBe(first.frame)
    await expect.poll(() => frameAt(length)).toBe(last.frame)
    expect(length).toBeCloseTo((last.at - first.at) / 1000 + 1 / FPS, 1)
    const found = await person.api.get<Case>(`/api/v1/cases/${incident!.number}`)
    const { items: kept } = await person.api.get<List<Evidence>>(`/api/v1/cases/${found.id}/evidence`)
    expect(kept.map((one) => [one.kind, one.camera])).toEqual([['clip', 'cam009']])

    // A file of the case is a piece like the clip: seen small, in the chain, and verified.
    await page.evaluate(async (id) => {
      const canvas = new OffscreenCanvas(640, 480)
      canvas.getContext('2d')!.fillRect(0, 0, 320, 240)
      const form = new FormData()
      form.append('file', await canvas.convertToBlob({ type: 'image/png' }), 'after.png')
      const answer = await fetch(`/api/v1/cases/${id}/attachments`, { method: 'POST', body: form })
      if (!answer.ok) throw new Error(await answer.text())
    }, found.id)
    await page.reload()
    const thumb = person.testId('evidence-thumb').locator('img')
    await thumb.waitFor()
    await expect.poll(() => thumb.evaluate((img: HTMLImageElement) => img.naturalWidth)).toBe(320)
    await person.testId('verify-all').click()
    await expect.poll(() => page.locator('[data-testid="evidence-item"][data-verdict="ok"]').count(), { timeout: 30_000 }).toBe(2)
    await person.testId('evidence-thumb').click()
    await expect.poll(() => person.testId('lightbox').locator('img').evaluate((img: HTMLImageElement) => img.naturalWidth)).toBe(640)
  })
})
