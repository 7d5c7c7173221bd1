/** What a tile says of its picture, with cameras that really go wrong. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { TestCamera } from './support/camera'
import { assertFresh, tileOf, watchTile } from './support/desk'
import { stage } from './support/stage'
import { openWall, take, told, waitState } from './support/wall'

let camera: TestCamera
const CAMERAS = 9
const FILM = join(import.meta.dirname, '../../configs/demo/loops/cam008.sub.h264')

/** One of the demo's films in H.265. */
function inH265(): Buffer {
  const args = ['-v', 'error', '-f', 'h264', '-i', FILM, '-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'keyint=50:bframes=0:log-level=none', '-f', 'hevc', '-']
  const done = spawnSync('ffmpeg', args, { maxBuffer: 64 << 20 })
  if (done.status !== 0) throw new Error(`ffmpeg: ${done.error?.message ?? done.stderr.toString()}`)
  return done.stdout
}

/** Who asks for video of a camera that gives none is told so by 503, of a codec that does not fit by 406. */
const NO_PICTURE = /503.*\/whep/
const NO_CODEC = /406.*\/whep/

const here = stage(async () => {
  camera = await TestCamera.open()
  camera.film('cam008', inH265(), 'H265')
  for (let n = 0; n < CAMERAS - 1; n++) camera.film(`cam00${n}`, `cam00${n}.sub.h264`)
  camera.jpeg('cam004')
  // The town calls its cameras as it starts: these two are wrong from then on.
  camera.be('cam000', { noKeys: true })
  camera.be('cam002', { deaf: true })
  return { source: `rtsp://127.0.0.1:${camera.port}/cam%03d`, cameras: CAMERAS }
})
afterAll(() => camera.close())

describe('a tile', () => {
  test('waits for a key frame and says so, then shows it', { timeout: 90_000 }, async () => {
    const person = await here.person('leader')
    person.watch.allow(NO_PICTURE, 'no key frame has come')
    await openWall(person, 4)
    await take(person, 'cam000')
    await waitState(person, 'cam000', 'waiting', 15_000)
    // Before, it may be said for a moment that the camera is being called.
    await expect.poll(async () => (await told(person, 'cam000')).title, { timeout: 15_000 }).toBe('等待关键帧')
    await expect.poll(async () => (await told(person, 'cam000')).reason).toMatch(/已等 \d+ 秒/)
    camera.be('cam000', {})
    await waitState(person, 'cam000', 'live', 45_000)
    await assertFresh(person, 'after the first key frame', 'cam000', 25, 1000)
  })

  test('stands still when its camera falls silent, with the time, the age and a word, and goes on by itself', async () => {
    const person = await here.person('leader')
    person.watch.allow(NO_PICTURE, 'the camera is silent')
    await openWall(person, 4)
    await take(person, 'cam001')
    await watchTile(person, 'cam001', 5)
    camera.be('cam001', { silent: true })
    const stale = await waitState(person, 'cam001', 'stale', 10_000)
    expect(stale.title).toMatch(/画面停在 \d\d:\d\d:\d\d/)
    expect(stale.reason).toBe('没有新画面到达')
    const age = person.page.locator(`${tileOf('cam001')} .age`)
    await expect.poll(async () => Number.parseFloat((await age.textContent()) ?? '')).toBeGreaterThan(3)
    expect(await person.page.locator(`${tileOf('cam001')} .words .sign`).isVisible()).toBe(true)
    camera.be('cam001', {})
    await waitState(person, 'cam001', 'live', 40_000)
    await assertFresh(person, 'after the silence', 'cam001', 25, 1000, true)
  })

  test('is offline with the reason and the next try when the camera does not answer, and recovers', { timeout: 90_000 }, async () => {
    const person = await here.person('leader')
    person.watch.allow(NO_PICTURE, 'the camera does not answer')
    await openWall(person, 4)
    await take(person, 'cam002')
    const offline = await waitState(person, 'cam002', 'offline', 30_000)
    expect(offline.title).toMatch(/离线 \d+ 秒/)
    expect(offline.reason).toBe('设备没有应答')
    expect(offline.next).toMatch(/正在重试|后再试/)
    camera.be('cam002', {})
    await waitState(person, 'cam002', 'live', 45_000)
    await assertFresh(person, 'after the answer', 'cam002', 25, 1000, true)
  })

  test('says that packets were lost while the picture goes on, and takes it back', { timeout: 90_000 }, async () => {
    const person = await here.person('leader')
    await openWall(person, 4)
    await take(person, 'cam003')
    await watchTile(person, 'cam003', 5)
    const badge = person.page.locator(`${tileOf('cam003')} [data-badge="degraded"]`)
    expect(await badge.count()).toBe(0)
    camera.be('cam003', { lose: 151 })
    await badge.waitFor({ timeout: 20_000 })
    expect(await badge.textContent()).toBe('画质受损')
    expect(await badge.getAttribute('title')).toMatch(/摄像机到网关 [1-9]/)
    camera.be('cam003', {})
    await badge.waitFor({ state: 'detached', timeout: 30_000 })
    await waitState(person, 'cam003', 'live', 10_000)
  })

  test('says in words that a codec is not supported', async () => {
    const person = await here.person('leader')
    person.watch.allow(NO_PICTURE, 'nobody takes motion JPEG')
    await openWall(person, 4)
    await take(person, 'cam004')
    const said = await waitState(person, 'cam004', 'unsupported', 15_000)
    expect(said).toMatchObject({ title: '编码不支持', reason: '摄像机的编码不是 H.264 或 H.265', next: '请管理员把摄像机设为 H.264' })
  })

  test('says that a picture is transcoded', async () => {
    const person = await here.person('leader')
    await openWall(person, 4)
    await take(person, 'cam008')
    await waitState(person, 'cam008', 'live', 30_000)
    const badge = person.page.locator(`${tileOf('cam008')} [data-badge="transcoded"]`)
    expect(await badge.textContent()).toBe('转码')
    expect(await badge.getAttribute('title')).toBe('摄像机发送 H.265，网关转成 H.264 后播放')
    await person.page.locator(tileOf('cam008')).hover()
    await expect.poll(() => person.page.locator(`${tileOf('cam008')} .figures`).textContent()).toContain('H.265 → H.264')
  })

  test('shows its figures when it is pointed at, and all of them with a key', async () => {
    const person = await here.person('leader')
    await openWall(person, 4)
    for (const id of ['cam005', 'cam006']) await take(person, id)
    await watchTile(person, 'cam005', 25)
    const figures = (id: string) => person.page.locator(`${tileOf(id)} .figures`)
    expect(await figures('cam005').isVisible()).toBe(false)
    await person.page.locator(tileOf('cam005')).hover()
    const values = async () => Object.fromEntries(await figures('cam005').evaluate((list) => [...list.children].map((pair) => [...pair.children].map((cell) => cell.textContent))) as [string, string][])
    await expect.poll(async () => (await values())['解码帧率'], { timeout: 15_000 }).toMatch(/^2\d$/)
    const told = await values()
    expect(told['分辨率']).toBe('640×360')
    expect(told['编码']).toBe('H.264')
    expect(told['码率']).toMatch(/^[\d.]+ [kM]bit\/s$/)
    expect(told['延迟']).toMatch(/^0\.\d s$/)
    expect(told['关键帧']).toMatch(/^\d\.\d s 前$/)
    expect(told['丢包']).toBe('前端 0 · 本机 0')
    expect(await figures('cam006').isVisible()).toBe(false)
    await person.page.mouse.move(2, 2)
    await expect.poll(() => figures('cam005').isVisible()).toBe(false)
    await person.page.keyboard.press('i')
    for (const id of ['cam005', 'cam006']) await expect.poll(() => figures(id).isVisible()).toBe(true)
    await person.page.keyboard.press('i')
    await expect.poll(() => figures('cam006').isVisible()).toBe(false)
  })
})

describe('the last picture', () => {
  /** Somebody else watches the camera, so that the server has a picture of it. */
  async function watched(id: string) {
    const other = await here.person('duty_officer')
    await openWall(other, 4)
    await take(other, id)
    await watchTile(other, id, 5)
  }

  test('stands in with its age until live video is there, and never as live', async () => {
    await watched('cam006')
    const person = await here.person('leader')
    let open: () => void = () => undefined
    const gate = new Promise<void>((done) => (open = done))
    await person.page.route('**/whep?*', async (route) => {
      await gate
      await route.continue()
    })
    await openWall(person, 4)
    await expect.poll(async () => (await person.api.get<{ status: { state: string } }>('/api/v1/cameras/cam006')).status.state).toBe('live')
    await take(person, 'cam006')
    const tile = person.page.locator(tileOf('cam006'))
    await person.page.locator(`${tileOf('cam006')}[data-still] canvas.still`).waitFor()
    const age = person.page.locator(`${tileOf('cam006')} .still-age`)
    expect(await age.textContent()).toMatch(/^\d+ 秒前的画面，非直播$/)
    expect(await told(person, 'cam006')).toMatchObject({ state: 'connecting', title: '正在连接' })
    expect(await tile.getAttribute('data-frames')).toBe('0')
    const reading = await tile.locator('canvas.still').evaluate((canvas) => window.probe.read(canvas as HTMLCanvasElement))
    expect(reading.frame, 'the strip of the still').not.toBeNull()
    const stated = Number.parseInt((await age.textContent()) ?? '', 10)
    expect(stated * 1000 - reading.ageMs).toBeGreaterThan(-1000)
    expect(stated * 1000 - reading.ageMs).toBeLessThan(2000)
    // It grows old before the reader's eyes.
    await expect.poll(async () => Number.parseInt((await age.textContent()) ?? '', 10)).toBeGreaterThan(stated)
    open()
    await waitState(person, 'cam006', 'live', 15_000)
    await tile.locator('canvas.still').waitFor({ state: 'detached' })
    expect(await age.isVisible()).toBe(false)
    await assertFresh(person, 'after the still', 'cam006', 25, 1000)
  })

  test('never holds live video up, and is dropped when that comes first', async () => {
    await watched('cam007')
    const person = await here.person('leader')
    const dropped: string[] = []
    person.page.on('requestfailed', (request) => dropped.push(request.url()))
    // A server that keeps every request for a still waiting.
    await person.page.route('**/keyframe.mp4', () => new Promise(() => undefined))
    await openWall(person, 16)
    const all = Array.from({ length: 8 }, (_, n) => `cam00${n}`).filter((id) => id !== 'cam004')
    for (const id of all) await take(person, id)
    for (const id of all) await waitState(person, id, 'live', 20_000)
    await expect.poll(() => dropped.some((url) => url.includes('/cam007/keyframe.mp4'))).toBe(true)
    expect(await person.page.locator('canvas.still').count()).toBe(0)
    await person.page.unrouteAll({ behavior: 'ignoreErrors' })
  })
})

describe('a gateway without ffmpeg', () => {
  const there = stage(() => Promise.resolve({ source: `rtsp://127.0.0.1:${camera.port}/cam%03d`, cameras: CAMERAS, env: { PATH: '/nowhere' } }))

  test('says of H.265 what the trouble is and what helps', async () => {
    const person = await there.person('leader')
    person.watch.allow(NO_CODEC, 'this Chromium does not take H.265')
    await openWall(person, 4)
    await take(person, 'cam008')
    const said = await waitState(person, 'cam008', 'unsupported', 20_000)
    expect(said).toMatchObject({ title: '编码不支持', reason: '摄像机发送 H.265，此浏览器不能播放', next: '请换用支持 H.265 的浏览器，或在网关装 ffmpeg' })
    await take(person, 'cam007')
    await waitState(person, 'cam007', 'live', 20_000)
  })
})
