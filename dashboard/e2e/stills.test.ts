import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { Api } from './support/api'
import type { Person } from './support/browser'
import { TestCamera } from './support/camera'
import { openDesk, playBySearch } from './support/desk'
import { tell } from './support/numbers'
import { stage } from './support/stage'

/** What the demo's cameras send at most between two key frames, and a moment of a loaded machine's. */
const KEY_INTERVAL_MS = 4000
/** Between the drawing of the film's frame and its arrival, from which the server counts. */
const TOLERANCE_MS = 600

interface Seen {
  width: number
  height: number
  /** Number and age of the frame, from the strip in the picture. */
  frame: number | null
  ageMs: number
  /** Spread of brightness over the picture, 0..255. */
  spread: number
}

/** Puts the address into an element of the page and reads what that shows. */
function see(person: Person, kind: 'video' | 'img', url: string): Promise<Seen> {
  return person.page.evaluate(async ([name, src]) => {
    const element = document.createElement(name) as HTMLVideoElement | HTMLImageElement
    const loaded = new Promise<void>((done, failed) => {
      if (element instanceof HTMLVideoElement) element.requestVideoFrameCallback(() => done())
      else element.addEventListener('load', () => done(), { once: true })
      element.addEventListener('error', () => failed(new Error(`${src}: not shown`)), { once: true })
    })
    if (element instanceof HTMLVideoElement) {
      element.muted = true
      element.preload = 'auto'
    }
    element.src = src
    await loaded
    const [width, height] = element instanceof HTMLVideoElement
      ? [element.videoWidth, element.videoHeight] : [element.naturalWidth, element.naturalHeight]
    const canvas = document.createElement('canvas')
    canvas.width = width
    canvas.height = height
    const pen = canvas.getContext('2d')!
    pen.drawImage(element, 0, 0)
    const { data } = pen.getImageData(0, 0, width, height)
    let low = 255
    let high = 0
    // The strip at the foot is black and white whatever the rest shows.
    for (let i = 0; i < data.length * 0.9; i += 4) {
      const light = (data[i]! + data[i + 1]! + data[i + 2]!) / 3
      low = Math.min(low, light)
      high = Math.max(high, light)
    }
    const asked = Date.now()
    const strip = element instanceof HTMLVideoElement ? window.probe.read(element) : { frame: null, ageMs: NaN, at: asked }
    element.removeAttribute('src')
    return { width, height, frame: strip.frame, ageMs: strip.ageMs, spread: high - low }
  }, [kind, url] as const)
}

/** Spread of brightness over the still at the desk. */
function spreadOf(person: Person): Promise<number> {
  return person.testId('still').locator('canvas').evaluate((canvas: HTMLCanvasElement) => {
    const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height)
    let [low, high] = [255, 0]
    for (let i = 0; i < data.length * 0.9; i += 4) [low, high] = [Math.min(low, data[i]!), Math.max(high, data[i]!)]
    return high - low
  })
}

const still = (id: string, file: string) => `/api/v1/cameras/${id}/${file}`

describe('stills', () => {
  const here = stage()

  test('the key frame is shown by the browser as it is, of now', async () => {
    const person = await here.person('duty_officer')
    await person.page.goto('/report')
    const ages: number[] = []
    for (const id of ['cam000', 'cam007', 'cam019']) {
      const seen = await see(person, 'video', still(id, 'keyframe.mp4?profile=sub'))
      expect(seen, id).toMatchObject({ width: 640, height: 360 })
      expect(seen.spread, id).toBeGreaterThan(80)
      expect(seen.frame, `${id}: the strip cannot be read`).not.toBeNull()
      expect(seen.ageMs, id).toBeLessThan(KEY_INTERVAL_MS + TOLERANCE_MS)
      ages.push(seen.ageMs)
    }
    tell('age of a still', ages)
    expect(await see(person, 'video', still('cam000', 'keyframe.mp4?profile=main'))).toMatchObject({ width: 1920, height: 1080 })
  })

  test('its header tells its age to the truth', async () => {
    const person = await here.person('duty_officer')
    await person.page.goto('/report')
    await see(person, 'video', still('cam003', 'keyframe.mp4?profile=sub'))
    for (let i = 0; i < 5; i++) {
      const { headers, frame, atMostMs, atLeastMs } = await person.page.evaluate(async (url) => {
        const asked = Date.now()
        const response = await fetch(url)
        const answered = Date.now()
        const video = document.createElement('video')
        video.muted = true
        video.preload = 'auto' // with metadata alone Chromium draws nothing
        video.src = URL.createObjectURL(await response.blob())
        await new Promise((done) => video.requestVideoFrameCallback(done))
        const strip = window.probe.read(video)
        return {
          headers: Object.fromEntries(response.headers), frame: strip.frame,
          atMostMs: strip.ageMs - (strip.at - answered), atLeastMs: strip.ageMs - (strip.at - asked),
        }
      }, still('cam003', 'keyframe.mp4?profile=sub'))
      expect(frame).not.toBeNull()
      expect(headers['x-profile']).toBe('sub')
      expect(headers['x-codec']).toBe('H264')
      expect(Date.now() - Date.parse(headers['x-picture-at']!)).toBeLessThan(KEY_INTERVAL_MS + 5000)
      // What the header says was true at some moment between the question and the answer.
      const saidMs = 1000 * Number(headers['x-picture-age'])
      expect(saidMs, `the frame was ${atLeastMs} to ${atMostMs} ms old`).toBeGreaterThan(atLeastMs - TOLERANCE_MS)
      expect(saidMs, `the frame was ${atLeastMs} to ${atMostMs} ms old`).toBeLessThan(atMostMs + TOLERANCE_MS)
    }
  })

  test('the JPEG shows the same place, and is kept a few seconds', async () => {
    const person = await here.person('leader')
    await person.page.goto('/report')
    const seen = await see(person, 'img', still('cam001', 'snapshot.jpg?profile=sub'))
    expect(seen).toMatchObject({ width: 640, height: 360 })
    expect(seen.spread).toBeGreaterThan(80)
    const answers = await Promise.all(Array.from({ length: 6 }, () => person.api.request('GET', still('cam001', 'snapshot.jpg?profile=sub'))))
    expect(answers.map((answer) => answer.status)).toEqual(Array(6).fill(200))
    expect(new Set(answers.map((answer) => answer.headers.get('ETag'))).size).toBeLessThanOrEqual(2)
    const tag = answers.at(-1)!.headers.get('ETag')!
    expect((await person.api.request('GET', still('cam001', 'snapshot.jpg?profile=sub'), undefined, { 'If-None-Match': tag })).status).toBe(304)
  })

  test('a whole list of cameras at a time has all of its pictures', async () => {
    const api = await here.town.as('duty_officer')
    const { items } = await api.cameras()
    const begun = performance.now()
    const answers = await Promise.all(items.map((camera) => api.request<string>('GET', still(camera.id, 'keyframe.mp4'))))
    tell(`stills of ${items.length} cameras at a time`, [performance.now() - begun])
    expect(answers.map((answer) => answer.status)).toEqual(items.map(() => 200))
    expect(new Set(answers.map((answer) => answer.headers.get('Content-Type')))).toEqual(new Set(['video/mp4']))
  })

  test('are for those who may watch, and for the cameras of their area', async () => {
    for (const file of ['keyframe.mp4', 'snapshot.jpg']) {
      expect((await new Api(here.town.url).request('GET', still('cam000', file))).status).toBe(401)
      expect((await (await here.town.as('auditor')).request('GET', still('cam000', file))).status).toBe(403)
      expect((await (await here.town.as('duty_officer')).request('GET', still('none', file))).status).toBe(404)
    }
  })

  test('the desk shows the selected camera before anything plays', async () => {
    const person = await here.person('duty_officer')
    await openDesk(person)
    const { items } = await person.api.cameras()
    const camera = items.find((one) => one.id === 'cam012')!
    await playBySearch(person, camera.name, camera.id)
    const box = person.page.locator('[data-testid="card"][data-kind="camera"] [data-testid="still"]')
    await box.waitFor()
    const before = await box.boundingBox()
    await person.page.locator('[data-testid="still"][data-state="shown"]').waitFor()
    expect(await box.boundingBox()).toEqual(before)
    expect(await person.testId('still-age').textContent()).toMatch(/^(刚刚|\d+ 秒前)$/)
    expect(await spreadOf(person)).toBeGreaterThan(80)
    expect(await person.testId('still-mark').textContent()).toContain(person.api.me!.user.name)
  })
})

/** A demo film, encoded anew: a byte stream of H.265. */
function inH265(name: string): Buffer {
  const film = join(import.meta.dirname, '../../configs/demo/loops', name)
  const done = spawnSync('ffmpeg', ['-v', 'error', '-f', 'h264', '-framerate', '25', '-i', film, '-t', '4', '-c:v', 'libx265', '-preset', 'ultrafast',
    '-x265-params', 'keyint=50:bframes=0:log-level=none', '-f', 'hevc', '-'], { maxBuffer: 32 << 20 })
  if (done.status !== 0) throw new Error(`ffmpeg: ${done.error?.message ?? done.stderr.toString()}`)
  return done.stdout
}

describe('stills of a camera that sends H.265', () => {
  let camera: TestCamera
  const here = stage(async () => {
    camera = await TestCamera.open()
    camera.film('cam000', inH265('cam000.sub.h264'), 'H265')
    return { source: `rtsp://127.0.0.1:${camera.port}/cam%03d`, cameras: 1 }
  })
  afterAll(() => camera.close())

  test('come as they are, and as a JPEG to this Chromium, which cannot decode them', async () => {
    const person = await here.person('duty_officer')
    await openDesk(person)
    const { items } = await person.api.cameras()
    await playBySearch(person, items[0]!.name, 'cam000')
    await person.page.locator('[data-testid="still"][data-state="shown"]').waitFor()
    expect(await spreadOf(person)).toBeGreaterThan(80)
    expect(person.watch.requests.some((url) => url.endsWith(still('cam000', 'snapshot.jpg')))).toBe(true)
    const film = await person.api.request<string>('GET', still('cam000', 'keyframe.mp4'))
    expect([film.status, film.headers.get('X-Codec')]).toEqual([200, 'H265'])
    expect(film.body.slice(0, 800)).toContain('hvc1')
    expect(await see(person, 'img', still('cam000', 'snapshot.jpg'))).toMatchObject({ width: 640, height: 360 })
  })
})
