import type { Request } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { assertFresh, firstPicture, openDesk, playBySearch } from './support/desk'
import { percentile, tell } from './support/numbers'
import { stage } from './support/stage'
import { clearWall, openWall, take } from './support/wall'

const here = stage()
/** The aim is 200 ms in 95 of 100; what is asserted leaves room for a busy machine. */
const FIRST_PICTURE_MS = 2000
/** From the first second on; the demo's cameras send a key frame every 4 s. */
const AGE_MS = 150
const FRAMES = 50
const CLICKS = 24

describe('video', () => {
  test('four tiles play at the desk, each picture moves and is of now', async () => {
    const person = await here.person('duty_officer')
    await openDesk(person)
    const { items } = await person.api.cameras()
    const four = ['cam000', 'cam009', 'cam014', 'cam017']
    for (const id of four) await playBySearch(person, items.find((camera) => camera.id === id)!.name, id)
    expect(await person.page.locator('.tile[data-camera]').count()).toBe(4)
    for (const id of four) await assertFresh(person, `desk, ${id}`, id, FRAMES, AGE_MS)
  })

  test('four tiles play on the wall, and one of them large', async () => {
    const person = await here.person('leader')
    await openWall(person, 4)
    const four = ['cam001', 'cam004', 'cam011', 'cam021']
    for (const id of four) await take(person, id)
    for (const id of four) await assertFresh(person, `wall, ${id}`, id, FRAMES, AGE_MS)
    // Large means the main stream, swapped in without a standing or missing picture.
    const tile = person.page.locator('.tile[data-camera="cam011"]')
    await tile.dblclick()
    await expect.poll(() => tile.locator('video:not(.behind)').evaluate((video: HTMLVideoElement) => video.videoHeight), { timeout: 15_000 }).toBe(1080)
    await assertFresh(person, 'wall, cam011 large', 'cam011', FRAMES, AGE_MS)
  })

  test('a click names the camera in a session that was prepared for it', async () => {
    const person = await here.person('duty_officer')
    const asked: Request[] = []
    person.page.on('request', (request) => { if (/\/cameras\/[^/]+\/whep\?/.test(request.url())) asked.push(request) })
    await openWall(person, 1)
    let clicks = 0
    // The first click may come before the session is connected, and then has one of its own.
    await expect.poll(async () => {
      await clearWall(person)
      const camera = `cam${String(clicks++).padStart(3, '0')}`
      await take(person, camera)
      await firstPicture(person, camera)
      return asked.at(-1)!.url()
    }, { timeout: 15_000, interval: 500 }).toContain('&session=')
    expect(asked.at(-1)!.postData()).toBeNull()
    expect((await asked.at(-1)!.response())!.status()).toBe(201)
  })

  const layouts: [number, string][] = [[4, 'sub stream'], [1, 'main stream']]
  test.each(layouts)('the first picture comes soon after the click, layout %i (%s)', async (layout, stream) => {
    const person = await here.person('duty_officer')
    await openWall(person, layout)
    // Without groups all of them stand in the list's sight.
    await person.page.getByRole('button', { name: '不分组', exact: true }).click()
    const times: number[] = []
    const ages: number[] = []
    for (let i = 0; i < CLICKS; i++) {
      const id = `cam${String(i).padStart(3, '0')}`
      await take(person, id)
      const { ms, reading } = await firstPicture(person, id)
      expect(reading.frame, `${id}: the first picture cannot be read`).not.toBeNull()
      times.push(ms)
      ages.push(reading.ageMs)
      await clearWall(person)
    }
    tell(`click to first picture, ${stream}`, times)
    tell(`age of the first picture, ${stream}`, ages)
    expect(percentile(times, 95)).toBeLessThan(FIRST_PICTURE_MS)
  })
})
