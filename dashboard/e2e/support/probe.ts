/**
 * Runs inside the page, before anything of it: measures, never changes. It reads the frame number
 * out of the decoded picture, and notes when things appeared, by the machine's wall clock.
 *
 * The strip at the bottom left of every demo film (configs/demo/draw): 11 cells, each 1/48 of the
 * picture's width; the middle of cell k is (k+1)/48 of the width from the left and 1/48 of it from
 * the bottom: white, 8 bits with the highest first, a bit for an even number of ones, black.
 */
export interface Reading {
  /** Frame number, null when the strip cannot be read. */
  frame: number | null
  /** Age of the picture by the wall clock, ms. */
  ageMs: number
  /** When it was read, epoch ms. */
  at: number
}

export interface Opening {
  camera: string
  /** From the click to the first frame handed to the screen. */
  ms: number
  reading: Reading
}

/** What a tile says of its picture; empty where it is not there. */
export interface Told {
  state: string
  title: string
  reason: string
  next: string
}

export interface Probe {
  told(selector: string): Told
  /** Reads what the element shows right now; at: when that was, if not now. */
  read(picture: HTMLVideoElement | HTMLCanvasElement, at?: number): Reading
  /** The readings of the next frames that the element draws; those before `after` (epoch ms) are not counted. */
  follow(selector: string, frames: number, after?: number): Promise<Reading[]>
  /** Notes the first frame of every video put into the page from now on; clicks start the clock. */
  openings: Opening[]
  /** When a row of the queue came into the page, epoch ms, by the incident's or alarm's id. */
  rows: Record<string, number>
  /** When the map had drawn so many, epoch ms, by "incidents:8". */
  drawn: Record<string, number>
}

declare global {
  interface Window {
    probe: Probe
  }
}

export function installProbe(): void {
  const FPS = 25
  const LOOP = 200
  const canvas = document.createElement('canvas')
  const pen = canvas.getContext('2d', { willReadFrequently: true })!

  function read(picture: HTMLVideoElement | HTMLCanvasElement, at = Date.now()): Reading {
    const [width, height] = picture instanceof HTMLVideoElement ? [picture.videoWidth, picture.videoHeight] : [picture.width, picture.height]
    if (!width || !height) return { frame: null, ageMs: NaN, at }
    const cell = width / 48
    // One pixel of the canvas for a third of a cell: the middle one is far from both edges.
    canvas.width = 36
    canvas.height = 3
    pen.drawImage(picture, cell / 2, height - 1.5 * cell, 11 * cell, cell, 0, 0, 33, 3)
    const pixels = pen.getImageData(0, 1, 33, 1).data
    const bits: boolean[] = []
    for (let k = 0; k < 11; k++) {
      const i = 4 * (3 * k + 1)
      const light = (pixels[i]! + pixels[i + 1]! + pixels[i + 2]!) / 3
      if (light > 90 && light < 165) return { frame: null, ageMs: NaN, at }
      bits.push(light > 128)
    }
    const even = bits.slice(1, 10).filter(Boolean).length % 2 === 0
    if (!bits[0] || bits[10] || !even) return { frame: null, ageMs: NaN, at }
    const frame = bits.slice(1, 9).reduce((n, on) => n * 2 + Number(on), 0)
    const behind = ((((at / 1000) * FPS - frame) % LOOP) + LOOP) % LOOP
    // The camera's clock may be a few ms ahead of the wall's, and a newer frame may have come
    // since `at`: that is no picture of 8 s ago.
    return { frame, ageMs: ((behind > LOOP - FPS ? behind - LOOP : behind) / FPS) * 1000, at }
  }

  function follow(selector: string, frames: number, after = 0): Promise<Reading[]> {
    return new Promise((done) => {
      const readings: Reading[] = []
      // Of two pictures that lie over each other, while one takes the other's place, the upper one.
      const uppermost = () => [...document.querySelectorAll<HTMLVideoElement>(selector)].at(-1)
      const next = () => {
        const video = uppermost()
        if (!video) return void requestAnimationFrame(next)
        const asked = video.requestVideoFrameCallback((now) => {
          clearInterval(watch)
          // As old as it was when it was shown: a script that the machine kept waiting is no fault of the picture.
          const reading = read(video, performance.timeOrigin + Math.min(now, performance.now()))
          if (reading.at >= after) readings.push(reading)
          if (readings.length >= frames) done(readings)
          else next()
        })
        // An element that was put away draws nothing any more.
        const watch = setInterval(() => {
          if (uppermost() === video) return
          clearInterval(watch)
          video.cancelVideoFrameCallback(asked)
          next()
        }, 100)
      }
      next()
    })
  }

  function told(selector: string): Told {
    const tile = document.querySelector<HTMLElement>(selector)
    const [title, reason, next] = ['b', 'small:not(.next)', 'small.next'].map((part) => tile?.querySelector(`.words > ${part}`)?.textContent ?? '')
    return { state: tile?.dataset['state'] ?? '', title: title!, reason: reason!, next: next! }
  }

  let clickedAt = 0
  const openings: Opening[] = []
  addEventListener('click', (event) => (clickedAt = event.timeStamp), { capture: true })
  function began(video: HTMLVideoElement): void {
    const from = clickedAt
    video.requestVideoFrameCallback(function first() {
      // Chromium may tell of a frame before the element knows that it has one, and shows it.
      if (video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return void video.requestVideoFrameCallback(first)
      const camera = video.closest<HTMLElement>('.tile')?.dataset['camera'] ?? ''
      openings.push({ camera, ms: performance.now() - from, reading: read(video) })
    })
  }

  const rows: Record<string, number> = {}
  const drawn: Record<string, number> = {}
  const look = () => {
    const at = Date.now()
    for (const row of document.querySelectorAll<HTMLElement>('[data-testid="queue-item"]')) rows[row.dataset['id']!] ??= at
    const map = document.querySelector<HTMLElement>('[data-testid="map"]')
    for (const kind of ['cameras', 'incidents', 'alerts']) {
      const count = map?.dataset[kind]
      if (count !== undefined) drawn[`${kind}:${count}`] ??= at
    }
  }
  new MutationObserver((changes) => {
    for (const change of changes) {
      for (const node of change.addedNodes) {
        if (node instanceof HTMLVideoElement) began(node)
        else if (node instanceof Element) node.querySelectorAll('video').forEach(began)
      }
    }
    look()
  }).observe(document, { childList: true, subtree: true, attributes: true })

  window.probe = { told, read, follow, openings, rows, drawn }
}
