/** A copy of a clip for sharing: what was boxed is black in it, nothing else is, and it says that it is a copy. */
import { describe, expect, test } from 'vitest'
import type { Evidence, Export, List, Verdict } from '../src/api/types'
import { violations } from './support/axe'
import type { Person } from './support/browser'
import { LUMA, lumaAt } from './support/pixels'
import { recordedFor } from './support/record'
import { stage } from './support/stage'

const CAMERA = 'cam009'
const LENGTH_S = 4
/** Darker than this is masked: black, as far as the encoder keeps it. */
const BLACK = 28

interface Box { x: number; y: number; w: number; h: number }

/** A clip on a case that was there before the town was opened. */
async function clipOn(person: Person): Promise<{ code: string; clip: Evidence; evidence: () => Promise<Evidence[]> }> {
  const { from } = await recordedFor(person.api, CAMERA, LENGTH_S + 2)
  const code = (await person.api.incidents()).items.at(-1)!.number
  const span = { from: new Date(from + 500).toISOString(), to: new Date(from + 500 + LENGTH_S * 1000).toISOString() }
  const { case_id } = await person.api.must<Export>(202, 'POST', '/api/v1/exports', { case_id: code, cameras: [{ id: CAMERA, profile: 'main' }], ...span, purpose: 'e2e：制作分享副本' })
  const evidence = async () => (await person.api.get<List<Evidence>>(`/api/v1/cases/${case_id}/evidence`)).items.filter(({ kind }) => kind !== 'photo')
  await expect.poll(async () => (await evidence()).length, { timeout: 30_000 }).toBe(1)
  return { code, clip: (await evidence())[0]!, evidence }
}

async function openDialog(person: Person, code: string): Promise<void> {
  await person.page.goto(`/cases/${code}`)
  await person.testId('share').click()
  await person.testId('box-layer').waitFor()
}

/** Where the boxes lie, as they are drawn. */
const boxes = (person: Person): Promise<Box[]> => person.testId('box-layer').locator('.box').evaluateAll((all) => all.map((one) => {
  const [x, y, w, h] = ['left', 'top', 'width', 'height'].map((side) => parseFloat((one as HTMLElement).style.getPropertyValue(side)) / 100)
  return { x: x!, y: y!, w: w!, h: h! }
}))

async function drag(person: Person, from: [number, number], to: [number, number]): Promise<void> {
  const layer = (await person.testId('box-layer').boundingBox())!
  const at = ([x, y]: [number, number]) => [layer.x + x * layer.width, layer.y + y * layer.height] as const
  const { mouse } = person.page
  await mouse.move(...at(from))
  await mouse.down()
  await mouse.move(...at([(from[0] + to[0]) / 2, (from[1] + to[1]) / 2]))
  await mouse.move(...at(to))
  await mouse.up()
}

function expectBox(got: Box | undefined, want: Box): void {
  for (const side of ['x', 'y', 'w', 'h'] as const) expect(got?.[side], side).toBeCloseTo(want[side], 2)
}

/** Of the pixels in a box, a few within its edge. */
function inside(box: Box, margin = 2): number[] {
  const found: number[] = []
  for (let y = Math.ceil(box.y * LUMA.h) + margin; y < (box.y + box.h) * LUMA.h - margin; y++) {
    for (let x = Math.ceil(box.x * LUMA.w) + margin; x < (box.x + box.w) * LUMA.w - margin; x++) found.push(y * LUMA.w + x)
  }
  return found
}
const mean = (numbers: number[]) => numbers.reduce((sum, n) => sum + n, 0) / numbers.length

describe('a copy for sharing', { timeout: 150_000 }, () => {
  const here = stage({ cameras: 10, record: true })

  test('is made by an officer, masked where the boxes are and nowhere else, and labelled', async () => {
    const person = await here.person('duty_officer')
    const { page } = person
    const { code, clip, evidence } = await clipOn(person)
    await openDialog(person, code)
    await person.testId('no-boxes').waitFor()
    expect(await violations(person)).toEqual([])

    // By mouse: drawn, moved, and drawn larger at a corner.
    await drag(person, [0.5, 0.6], [0.3, 0.3])
    await drag(person, [0.4, 0.45], [0.3, 0.4])
    await drag(person, [0.4, 0.55], [0.45, 0.6])
    expectBox((await boxes(person))[0], { x: 0.2, y: 0.25, w: 0.25, h: 0.35 })
    // A click is no box, and what is drawn beyond the picture ends at its edge.
    await page.mouse.click(...await person.testId('box-layer').boundingBox().then((at) => [at!.x + 0.6 * at!.width, at!.y + 0.6 * at!.height] as const))
    expect(await boxes(person)).toHaveLength(1)
    await drag(person, [0.9, 0.4], [1.2, 0.5])
    expectBox((await boxes(person))[1], { x: 0.9, y: 0.4, w: 0.1, h: 0.1 })
    await page.keyboard.press('Delete')

    // By keyboard: one more, to the right, lower and narrower; another one that goes again.
    await page.keyboard.press('n')
    for (const [key, times] of [['ArrowRight', 15], ['ArrowUp', 10], ['Shift+ArrowLeft', 5], ['Shift+ArrowDown', 10]] as const) {
      for (let i = 0; i < times; i++) await page.keyboard.press(key)
    }
    await page.keyboard.press('n')
    await page.keyboard.press('Delete')
    const drawn = await boxes(person)
    expect(drawn).toHaveLength(2)
    expectBox(drawn[1], { x: 0.55, y: 0.3, w: 0.15, h: 0.3 })
    // The second one to here: the middle of the clip.
    await person.testId('copy-seek').fill('2')
    await expect.poll(() => person.testId('copy-at').textContent()).toMatch(/^0:0(2\.0|1\.9)/)
    await person.testId('box-to').click()
    await expect.poll(() => person.testId('box-time').allTextContents()).toEqual(['全程', expect.stringMatching(/^0:00\.0 – 0:02\.\d$/)])
    // Esc leaves a box, and does not throw away what was drawn.
    for (let i = 0; i < 3; i++) await page.keyboard.press('Escape')
    expect(await violations(person)).toEqual([])

    await person.testId('copy-make').click()
    await page.locator('[data-testid="copy-purpose"][aria-invalid="true"]:focus').fill('e2e：交住建部门')
    await person.testId('copy-make').click()
    await page.locator('[data-testid="make-copy"][data-state="done"]').waitFor({ timeout: 90_000 })
    expect(await violations(person)).toEqual([])

    const [original, copy] = await evidence()
    expect(original).toEqual(clip)
    expect(copy).toMatchObject({ kind: 'copy', of: clip.id, camera: CAMERA, purpose: 'e2e：交住建部门', frames: clip.frames })
    for (const { id } of [original!, copy!]) expect(await person.api.must<Verdict>(200, 'POST', `/api/v1/evidence/${id}/verify`)).toMatchObject({ ok: true })

    // Between two frames: at the time of one, which it is hangs on a rounding.
    for (const second of [0.51, 3.51]) {
      const [before, after] = [await lumaAt(person, original!.url, second), await lumaAt(person, copy!.url, second)]
      const black = second < 2 ? drawn : drawn.slice(0, 1)
      const masked = new Set(black.flatMap((box) => inside(box, -3)))
      for (const [i, box] of black.entries()) {
        const pixels = inside(box)
        expect(mean(pixels.map((at) => before[at]!)), `box ${i + 1} of the original at ${second} s`).toBeGreaterThan(BLACK)
        expect(Math.max(...pixels.map((at) => after[at]!)), `box ${i + 1} at ${second} s`).toBeLessThan(BLACK)
      }
      // Between the lines of the watermark, at both edges.
      const others = inside({ x: 0, y: 0.16, w: 1, h: 0.68 }).filter((at) => !masked.has(at))
      expect(mean(others.map((at) => Math.abs(before[at]! - after[at]!))), `beside the boxes at ${second} s`).toBeLessThan(8)
      expect(others.filter((at) => after[at]! < BLACK && before[at]! > 2 * BLACK).length / others.length, `masked beside the boxes at ${second} s`).toBeLessThan(0.01)
    }

    await person.testId('copy-play').click()
    await person.testId('evidence-video').evaluate((video: HTMLVideoElement) => new Promise((done) => video.requestVideoFrameCallback(done)))
    await page.keyboard.press('Escape')
    const entry = page.locator('[data-testid="evidence-item"][data-kind="copy"]')
    expect(await entry.getByTestId('copy-tag').textContent()).toBe('标记副本')
    expect(await entry.getByTestId('share').count()).toBe(0)
    await page.locator('[data-testid="evidence-item"][data-kind="clip"]').getByTestId('share').waitFor()
    const waiting = page.waitForEvent('download')
    await entry.getByTestId('evidence-download').click()
    expect((await waiting).suggestedFilename()).toMatch(/COPY.*\.mp4$/)

    // One that is cancelled is given up by the server, too: the next one can be made, and is the only one more.
    await openDialog(person, code)
    await person.testId('copy-purpose').fill('e2e：取消')
    await person.testId('copy-make').click()
    await person.testId('copy-cancel').click()
    await page.locator('[data-testid="make-copy"][data-state="drawing"]').waitFor()
    const another = async () => (await person.api.request('POST', `/api/v1/evidence/${clip.id}/copy`, { boxes: [{ x: 0, y: 0, w: 1, h: 1 }] })).status
    await expect.poll(another, { timeout: 60_000, interval: 500 }).toBe(201)
    expect((await evidence()).map(({ kind }) => kind)).toEqual(['clip', 'copy', 'copy'])

    // Who may read the case but not export from it is not offered to.
    const leader = await here.person('leader')
    await leader.page.goto(`/cases/${code}`)
    await leader.page.locator('[data-testid="evidence-item"][data-kind="copy"]').first().waitFor()
    expect(await leader.testId('share').count()).toBe(0)
  })
})

describe('where ffmpeg is not installed', { timeout: 150_000 }, () => {
  const here = stage({ cameras: 10, record: true, env: { PATH: '/nowhere' } })

  test('the refusal says so, the boxes stay, and no copy is left', async () => {
    const person = await here.person('duty_officer')
    const { code, evidence } = await clipOn(person)
    person.watch.allow(/503/, 'no copy can be made without ffmpeg')
    await openDialog(person, code)
    await drag(person, [0.2, 0.2], [0.5, 0.5])
    await person.testId('copy-purpose').fill('e2e')
    await person.page.keyboard.press('Enter')
    await person.testId('copy-fault').getByText('ffmpeg').waitFor()
    expect(await person.testId('make-copy').getAttribute('data-state')).toBe('failed')
    expect(await boxes(person)).toHaveLength(1)
    expect(await evidence()).toHaveLength(1)
    expect(person.watch.happened(/503/)).toBeGreaterThan(0)
  })
})
