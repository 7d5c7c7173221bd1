/** A grid leader's phone. */
import type { Request } from 'playwright-core'
import type { Receipt } from '../../src/api/types'
import { PHONE, type Person } from './browser'

/** In the grid leader's village (港湾社区), away from every camera and from what was reported before. */
export const PLACE = { longitude: 118.8990, latitude: 31.8970, accuracy: 8 }

export const PHONE_SETTINGS = {
  viewport: PHONE, isMobile: true, hasTouch: true, deviceScaleFactor: 2, geolocation: PLACE, permissions: ['geolocation'],
}

/** A JPEG of its own for every test, made by the phone's browser. */
export async function makePhoto(person: Person, words: string): Promise<Buffer> {
  const base64 = await person.page.evaluate(async (text) => {
    const canvas = document.createElement('canvas')
    canvas.width = 1600
    canvas.height = 1200
    const pen = canvas.getContext('2d')!
    const sky = pen.createLinearGradient(0, 0, 0, 1200)
    sky.addColorStop(0, '#8fb3cc')
    sky.addColorStop(1, '#4f5b52')
    pen.fillStyle = sky
    pen.fillRect(0, 0, 1600, 1200)
    pen.fillStyle = '#b33'
    pen.fillRect(500, 400, 600, 500)
    pen.fillStyle = '#fff'
    pen.font = '64px sans-serif'
    pen.fillText(text, 80, 1100)
    const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, 'image/jpeg', 0.9))
    const bytes = new Uint8Array(await blob!.arrayBuffer())
    let binary = ''
    for (const byte of bytes) binary += String.fromCharCode(byte)
    return btoa(binary)
  }, words)
  return Buffer.from(base64, 'base64')
}

export async function openForm(person: Person): Promise<void> {
  await person.page.goto('/report')
  await person.testId('group-hazard').tap()
  await person.testId('send').waitFor()
}

/** Fills the form as a person would: category, words, photos; the place comes from the phone. */
export async function fillForm(person: Person, category: string, text: string, photos: Buffer[] = []): Promise<void> {
  await person.page.locator(`[data-testid="category"][data-code="${category}"]`).tap()
  await person.testId('text').fill(text)
  const files = photos.map((buffer, i) => ({ name: `photo-${i + 1}.jpg`, mimeType: 'image/jpeg', buffer }))
  await person.testId('photo-files').setInputFiles(files)
  for (let n = 0; n < photos.length; n++) await person.page.locator('[data-testid="photo"] img').nth(n).waitFor()
  await person.page.locator('[data-testid="place"][data-set="true"]').waitFor()
}

/** The receipt as it stands on the screen. */
export async function receiptShown(person: Person): Promise<Receipt> {
  await person.page.locator('[data-testid="sent"][data-state="received"]').waitFor()
  const [number, received_at, hash] = await Promise.all(
    ['number', 'time', 'hash'].map(async (part) => (await person.testId(`receipt-${part}`).textContent()) ?? ''))
  return { number: number!, received_at: received_at!, hash: hash! }
}

/** When the server's answer was there, epoch ms by the phone's clock, which is this machine's. */
export async function answeredAt(request: Request): Promise<number> {
  const response = await request.response()
  await response!.finished()
  const { startTime, responseEnd } = request.timing()
  return startTime + responseEnd
}

export const isReport = (request: Request) => request.method() === 'POST' && request.url().endsWith('/api/v1/incidents')
