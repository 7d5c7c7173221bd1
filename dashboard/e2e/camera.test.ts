/** Cameras that fall silent, die and come back, played by a process of their own. */
import { afterAll, describe, expect, test } from 'vitest'
import { assertFresh, drawn, openDesk, watchTile } from './support/desk'
import { tell } from './support/numbers'
import { freePort, Program } from './support/process'
import { stage } from './support/stage'
import { BINARY } from './support/town'
import { openWall, take, told, waitState } from './support/wall'

let cameras: Program
let port = 0
const CAMERAS = 4

async function startCameras(): Promise<void> {
  cameras = await Program.start(BINARY, ['camsim', '--listen', `127.0.0.1:${port}`, '--cameras', String(CAMERAS)], /rtsp:\/\//)
}

const here = stage(async () => {
  port = await freePort()
  await startCameras()
  return { source: `rtsp://127.0.0.1:${port}/cam%03d`, cameras: CAMERAS }
})
afterAll(() => cameras.stop())

// Nothing arrives while a camera is down, and the server says so by 503.
const NO_PICTURE = /503.*\/whep/

describe('a camera', () => {
  test('that falls silent is said to stand still, and comes back by itself', async () => {
    const person = await here.person('duty_officer')
    person.watch.allow(NO_PICTURE, 'the camera is silent')
    await openWall(person, 4)
    await take(person, 'cam001')
    await watchTile(person, 'cam001', 5)
    cameras.signal('SIGSTOP')
    const stale = await waitState(person, 'cam001', 'stale', 10_000)
    tell('silence to the word stale', [stale.ms])
    expect(stale.title).toMatch(/画面停在 \d\d:\d\d:\d\d/)
    expect(stale.reason).not.toBe('')
    cameras.signal('SIGCONT')
    const live = await waitState(person, 'cam001', 'live', 40_000)
    tell('camera speaks again to picture', [live.ms])
    await assertFresh(person, 'after a silence', 'cam001', 25, 1000, true)
  })

  test('that dies is stale, then offline with its reason, and comes back by itself', { timeout: 120_000 }, async () => {
    const person = await here.person('duty_officer')
    person.watch.allow(NO_PICTURE, 'the camera is dead')
    await openWall(person, 4)
    const two = ['cam000', 'cam003']
    for (const id of two) await take(person, id)
    for (const id of two) await watchTile(person, id, 5)

    await cameras.kill()
    for (const stale of await Promise.all(two.map((id) => waitState(person, id, 'stale', 10_000)))) {
      expect(stale.title).toMatch(/画面停在 \d\d:\d\d:\d\d/)
    }
    for (const id of two) {
      const offline = await waitState(person, id, 'offline', 30_000)
      expect(offline.title).toMatch(/离线 \d+ (秒|分钟)/)
      expect(offline.reason).not.toBe('')
      expect(offline.next).not.toBe('')
    }
    await expect.poll(async () => (await told(person, 'cam000')).reason).toBe('设备拒绝连接')
    await person.page.locator('[data-testid="camera-list"] [data-id="cam000"] svg.offline').waitFor()

    // Somebody who comes now sees it at once, and the map has it, too.
    const second = await here.person('leader')
    second.watch.allow(NO_PICTURE, 'the camera is dead')
    await openDesk(second)
    expect((await drawn(second)).cameras).toBe(CAMERAS)
    expect(await second.testId('figure-online').textContent()).toBe('0%')

    const begun = performance.now()
    await startCameras()
    for (const id of two) await waitState(person, id, 'live', 40_000)
    tell('camera is back to picture', [performance.now() - begun])
    for (const id of two) await assertFresh(person, `back again, ${id}`, id, 25, 1000, true)
    await expect.poll(() => second.testId('figure-online').textContent(), { timeout: 40_000 }).toBe('100%')
  })
})
