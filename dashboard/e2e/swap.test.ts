/** A tile made large gets the main stream, made small the sub stream, and with sound a session of its own: none of it blinks. */
import { describe, expect, test } from 'vitest'
import type { Person } from './support/browser'
import { assertFresh, LOOP, tileOf, watchTile } from './support/desk'
import { pictureIn, ScreenFilm, type Box, type Shot } from './support/film'
import { stage } from './support/stage'
import { openWall, take } from './support/wall'

const here = stage()
/** A picture may step back by so many frames when one stream takes another's place: 120 ms. */
const STEP_BACK = 3
const BRIGHT = 40
const ROUNDS = process.env.SHARPEYES_SOAK ? 10 : 1

/** Everything but the pictures out of the way, so that the strip stands free on the screen. */
async function bare(person: Person): Promise<void> {
  await person.page.addStyleTag({ content: '.se-wall .tile > :not(.stage), .se-wall .tile::after { display: none !important } .se-wall .tile { outline: 0 !important; border-color: transparent !important }' })
}

async function boxOf(person: Person, camera: string): Promise<Box> {
  return pictureIn((await person.page.locator(`${tileOf(camera)} .stage`).boundingBox())!)
}

const height = (person: Person, camera: string) =>
  person.page.locator(`${tileOf(camera)} video:not(.behind)`).last().evaluate((video: HTMLVideoElement) => video.videoHeight)

/** What the uppermost picture of the tile holds at each animation frame, until it is stopped. */
async function sample(person: Person, camera: string): Promise<() => Promise<(number | null)[]>> {
  await person.page.evaluate((selector) => {
    const frames: (number | null)[] = []
    const sampler = { frames, going: true }
    Object.assign(window, { sampler })
    const next = () => {
      const video = [...document.querySelectorAll<HTMLVideoElement>(`${selector} video:not(.behind)`)].at(-1)
      frames.push(video ? window.probe.read(video).frame : null)
      if (sampler.going) requestAnimationFrame(next)
    }
    requestAnimationFrame(next)
  }, tileOf(camera))
  return () => person.page.evaluate(() => {
    const { sampler } = window as unknown as { sampler: { frames: (number | null)[]; going: boolean } }
    sampler.going = false
    return sampler.frames
  })
}

function assertSteady(what: string, frames: (number | null)[]): void {
  expect(frames.length, what).toBeGreaterThan(20)
  expect(frames.filter((frame) => frame === null).length, `${what}: no picture: ${frames.join(' ')}`).toBe(0)
  const back = frames.slice(1).map((n, i) => (frames[i]! - n! + LOOP) % LOOP).filter((step) => step > 0 && step < LOOP / 2)
  expect(Math.max(0, ...back), `${what}: steps back: ${frames.join(' ')}`).toBeLessThanOrEqual(STEP_BACK)
}

function assertOnScreen(what: string, shots: Shot[]): void {
  process.stdout.write(`  measured: ${what}: ${shots.length} shots of the screen, darkest ${Math.round(Math.min(...shots.map((shot) => shot.light)))}\n`)
  expect(shots.length, what).toBeGreaterThan(5)
  expect(shots.filter((shot) => shot.light < BRIGHT).length, `${what}: black on the screen`).toBe(0)
  // A shot that was taken between two layouts may show the strip at neither place.
  const frames = shots.map((shot) => shot.frame).filter((frame) => frame !== null)
  expect(frames.length, `${what}: the strip on the screen`).toBeGreaterThan(shots.length * 0.8)
  const back = frames.slice(1).map((n, i) => (frames[i]! - n + LOOP) % LOOP).filter((step) => step > 0 && step < LOOP / 2)
  expect(Math.max(0, ...back), `${what}: steps back: ${frames.join(' ')}`).toBeLessThanOrEqual(STEP_BACK)
}

describe('a change of stream', () => {
  test('from sub to main and back shows no black and no older picture', { timeout: 300_000 }, async () => {
    const person = await here.person('leader')
    await openWall(person, 4)
    await take(person, 'cam002')
    await watchTile(person, 'cam002', 5)
    await bare(person)
    const tile = person.page.locator(tileOf('cam002'))
    const small = await boxOf(person, 'cam002')
    await tile.dblclick()
    const large = await boxOf(person, 'cam002')
    await expect.poll(() => height(person, 'cam002'), { timeout: 20_000 }).toBe(1080)
    await tile.dblclick()
    await expect.poll(() => height(person, 'cam002'), { timeout: 20_000 }).toBe(360)

    const stop = await sample(person, 'cam002')
    const film = await ScreenFilm.start(person)
    for (let round = 0; round < ROUNDS; round++) {
      await tile.dblclick()
      await expect.poll(() => height(person, 'cam002'), { timeout: 20_000 }).toBe(1080)
      await watchTile(person, 'cam002', 12, true)
      await tile.dblclick()
      await expect.poll(() => height(person, 'cam002'), { timeout: 20_000 }).toBe(360)
      await watchTile(person, 'cam002', 12, true)
    }
    const [frames, shots] = [await stop(), await film.stop([small, large])]
    assertSteady('the element', frames)
    assertOnScreen('the screen', shots)
    expect(await tile.locator('video').count()).toBe(1)
  })
})

describe('sound', () => {
  const speaker = (person: Person, id: string) => person.page.locator(`${tileOf(id)} .speaker`)
  const sound = (person: Person, id: string) => speaker(person, id).getAttribute('data-sound')
  /** How loud the element's stream is, and whether the element lets it out. */
  const heard = (person: Person, id: string) => person.page.locator(`${tileOf(id)} video:not(.behind)`).last().evaluate(async (video: HTMLVideoElement) => {
    const stream = video.srcObject as MediaStream
    if (stream.getAudioTracks().length === 0) return { level: 0, muted: video.muted, volume: video.volume }
    const context = new AudioContext()
    const meter = context.createAnalyser()
    context.createMediaStreamSource(stream).connect(meter)
    const wave = new Float32Array(meter.fftSize)
    let level = 0
    for (let i = 0; i < 100 && level < 1e-4; i++) {
      await new Promise((done) => requestAnimationFrame(done))
      meter.getFloatTimeDomainData(wave)
      level = Math.max(...wave.map(Math.abs))
    }
    await context.close()
    return { level, muted: video.muted, volume: video.volume }
  })

  test('is off until it is asked for, comes without a blink, and from one tile only', { timeout: 90_000 }, async () => {
    const person = await here.person('leader')
    const offers: string[] = []
    person.page.on('request', (request) => {
      const offer = request.postData() // none where a camera is named in a prepared session
      if (request.method() === 'POST' && request.url().includes('/whep') && offer) offers.push(offer)
    })
    await openWall(person, 4)
    // Every sixth camera of the demo has a microphone.
    for (const id of ['cam000', 'cam006', 'cam001']) await take(person, id)
    for (const id of ['cam000', 'cam006', 'cam001']) await watchTile(person, id, 5)
    expect(offers.every((offer) => offer.includes('m=video') && !offer.includes('m=audio'))).toBe(true)
    expect(offers[0]).toMatch(/a=rtpmap:\d+ H264\/90000/)
    expect(offers[0]).not.toMatch(/VP8|VP9|AV1/)
    for (const id of ['cam000', 'cam006']) expect(await heard(person, id)).toMatchObject({ level: 0, muted: true })

    const stop = await sample(person, 'cam000')
    await person.page.locator(tileOf('cam000')).click()
    await person.page.keyboard.press('m')
    await expect.poll(() => sound(person, 'cam000'), { timeout: 15_000 }).toBe('on')
    // The sound may be there within a few pictures: those after it count as well.
    await watchTile(person, 'cam000', 12)
    assertSteady('while the sound comes', await stop())
    expect(offers.filter((offer) => offer.includes('m=audio'))).toHaveLength(1)
    const loud = await heard(person, 'cam000')
    expect(loud.level).toBeGreaterThan(0)
    expect(loud.muted).toBe(false)

    await person.page.keyboard.press('-')
    await expect.poll(() => speaker(person, 'cam000').textContent()).toBe('70%')
    expect((await heard(person, 'cam000')).volume).toBeCloseTo(0.7)

    // By the speaker on the tile: the other one is silent from that moment on.
    await person.page.locator(tileOf('cam006')).hover()
    await speaker(person, 'cam006').click()
    await expect.poll(() => heard(person, 'cam000').then(({ muted }) => muted)).toBe(true)
    await expect.poll(() => sound(person, 'cam006'), { timeout: 15_000 }).toBe('on')
    expect(await sound(person, 'cam000')).toBe('off')
    expect(await person.page.evaluate(() => [...document.querySelectorAll('video')].filter((video) => !video.muted).length)).toBe(1)

    await person.page.keyboard.press('m')
    await expect.poll(() => sound(person, 'cam006')).toBe('off')
    // A camera without a microphone says so.
    await person.page.locator(tileOf('cam001')).click()
    await person.page.keyboard.press('m')
    await expect.poll(() => sound(person, 'cam001'), { timeout: 15_000 }).toBe('none')
    expect(await speaker(person, 'cam001').textContent()).toBe('无声音')
    await assertFresh(person, 'with sound asked for', 'cam001', 25, 1000, true)
  })
})
