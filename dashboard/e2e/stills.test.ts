import { expect, describe, test } from 'vitest'
import { Api } from './support/api'
import type { Person } from './support/browser'
import { openDesk, playBySearch } from './support/desk'
import { tell } from './support/numbers'
import { stage } from './support/stage'

const here = stage()

/** What the demo's cameras send at most between two key frames, and a moment of a loaded machine's. */
const KEY_INTERVAL_MS = 4000
/** Between the key frame's arrival, from which the server counts, and the drawing of the film's frame. */
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

const still = (id: string, file: string) => `/api/v1/cameras/${id}/${file}`

describe('stills', () => {
  test('the key frame is shown by the browser as it is, of now', async () => {
    const person = await here.person('duty_officer')
    await person.page.goto('/desk')
    const ages: number[] = []
    for (const id of ['cam000', 'cam007', 'cam019']) {
      const seen = await see(person, 'video', still(id, 'keyframe.mp4'))
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
    await person.page.goto('/desk')
    await see(person, 'video', still('cam003', 'keyframe.mp4'))
    for (let i = 0; i < 5; i++) {
      const [headers, frame, ageMs] = await person.page.evaluate(async (url) => {
        const response = await fetch(url)
        const said = Object.fromEntries(response.headers)
        const at = Date.now()
        const video = document.createElement('video')
        video.muted = true
        video.preload = 'auto' // with metadata alone Chromium draws nothing
        video.src = URL.createObjectURL(await response.blob())
        await new Promise((done) => video.requestVideoFrameCallback(done))
        const strip = window.probe.read(video)
        return [said, strip.frame, strip.ageMs - (strip.at - at)] as const
      }, still('cam003', 'keyframe.mp4'))
      expect(frame).not.toBeNull()
      expect(headers['x-profile']).toBe('sub')
      expect(headers['x-codec']).toBe('H264')
      expect(Date.now() - Date.parse(headers['x-picture-at']!)).toBeLessThan(KEY_INTERVAL_MS + 5000)
      expect(Math.abs(ageMs - 1000 * Number(headers['x-picture-age'])), `the frame is ${ageMs} ms old, the header says ${headers['x-picture-age']} s`)
        .toBeLessThan(TOLERANCE_MS)
    }
  })

  test('the JPEG shows the same place, and is kept a few seconds', async () => {
    const person = await here.person('leader')
    await person.page.goto('/desk')
    const seen = await see(person, 'img', still('cam001', 'snapshot.jpg'))
    expect(seen).toMatchObject({ width: 640, height: 360 })
    expect(seen.spread).toBeGreaterThan(80)
    const answers = await Promise.all(Array.from({ length: 6 }, () => person.api.request('GET', still('cam001', 'snapshot.jpg'))))
    expect(answers.map((answer) => answer.status)).toEqual(Array(6).fill(200))
    expect(new Set(answers.map((answer) => answer.headers.get('ETag'))).size).toBeLessThanOrEqual(2)
    const tag = answers.at(-1)!.headers.get('ETag')!
    expect((await person.api.request('GET', still('cam001', 'snapshot.jpg'), undefined, { 'If-None-Match': tag })).status).toBe(304)
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
    const spread = await box.locator('canvas').evaluate((canvas: HTMLCanvasElement) => {
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height)
      let [low, high] = [255, 0]
      for (let i = 0; i < data.length * 0.9; i += 4) [low, high] = [Math.min(low, data[i]!), Math.max(high, data[i]!)]
      return high - low
    })
    expect(spread).toBeGreaterThan(80)
  })
})
