/**
 * The last picture that the server keeps of a camera, drawn on a canvas until live video is there.
 *
 * Invariants:
 * - It never holds live video up: requests wait in a line of at most AT_ONCE, of low priority, so
 *   that connections stay free for live video, and one that live video overtook is dropped.
 * - It is a canvas, not a video: nothing that counts or judges frames can take it for live.
 * - Each still that was begun is ended by stop(); then nothing of it is left.
 */

/** Browsers keep six connections to a server without HTTP/2: most of them are for live video. */
const AT_ONCE = 2
/** Live video that comes sooner is not preceded by a flash of another picture. */
export const SHOW_AFTER_MS = 150
const MAX_BYTES = 8 << 20

export interface StillSurroundings {
  fetch(url: string, init: RequestInit): Promise<Response>
  now(): number
  /** Draws the one frame of an MP4; the browser's own decoder by default. */
  draw?(file: Blob, canvas: HTMLCanvasElement, signal: AbortSignal): Promise<void>
}

/** The line that all tiles of a wall share. */
export class StillLine {
  #busy = 0
  #waiting: (() => void)[] = []

  /** Runs the job when its turn comes, unless it is no longer wanted by then. */
  async run(signal: AbortSignal, job: () => Promise<void>): Promise<void> {
    if (this.#busy < AT_ONCE) this.#busy++
    else if (!(await this.#turn(signal))) return
    try {
      if (!signal.aborted) await job()
    } finally {
      const next = this.#waiting.shift()
      if (next) next() // the place is handed on
      else this.#busy--
    }
  }

  /** Resolves to true with a place, to false when it is no longer wanted before. */
  #turn(signal: AbortSignal): Promise<boolean> {
    return new Promise((done) => {
      const go = () => {
        signal.removeEventListener('abort', leave)
        done(true)
      }
      const leave = () => {
        this.#waiting = this.#waiting.filter((one) => one !== go)
        done(false)
      }
      this.#waiting.push(go)
      signal.addEventListener('abort', leave, { once: true })
    })
  }
}

export class Still {
  /** Local epoch ms at which the shown picture was new; 0 while none is shown. */
  takenAt = 0
  #canvas: HTMLCanvasElement | null = null
  #abort: AbortController | null = null

  constructor(
    private readonly stage: HTMLElement, private readonly line: StillLine, private readonly around: StillSurroundings, private readonly onChange: () => void,
  ) {}

  /** Asks for the camera's last picture. A camera without one shows none: that is no fault to tell of. */
  start(camera: string): void {
    this.stop()
    const abort = new AbortController()
    this.#abort = abort
    const begun = performance.now()
    this.line.run(abort.signal, () => this.#load(camera, begun, abort.signal)).catch(() => undefined)
  }

  stop(): void {
    this.#abort?.abort()
    this.#abort = null
    this.takenAt = 0
    if (this.#canvas) {
      this.#canvas.remove()
      // Gives the pixels back at once, not with the next collection.
      this.#canvas.width = this.#canvas.height = 0
      this.#canvas = null
    }
  }

  async #load(camera: string, begun: number, signal: AbortSignal): Promise<void> {
    const response = await this.around.fetch(`/api/v1/cameras/${encodeURIComponent(camera)}/keyframe.mp4`, {
      credentials: 'same-origin', signal, priority: 'low', cache: 'no-store',
    })
    if (!response.ok) return void (await response.body?.cancel())
    const age = Number(response.headers.get('X-Picture-Age'))
    // Without its age a still is worth nothing: it could be of now or of last week.
    if (response.headers.get('X-Picture-Age') === null || !Number.isFinite(age) || age < 0) return void (await response.body?.cancel())
    const takenAt = this.around.now() - age * 1000
    const file = await response.blob()
    if (signal.aborted || file.size === 0 || file.size > MAX_BYTES) return
    // Not even decoded before: a processor that is busy with it would hold up live video.
    await later(begun + SHOW_AFTER_MS - performance.now(), signal)
    if (signal.aborted) return
    const canvas = document.createElement('canvas')
    canvas.className = 'still'
    await (this.around.draw ?? drawFrame)(file, canvas, signal)
    if (signal.aborted) return
    this.#canvas = canvas
    this.takenAt = takenAt
    this.stage.prepend(canvas)
    this.onChange()
  }
}

/** Resolves after so many ms, or at once when it is no longer wanted. */
function later(ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0 || signal.aborted) return Promise.resolve()
  return new Promise((done) => {
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', () => { clearTimeout(timer); done() }, { once: true })
  })
}

/** The first frame of a film, by a video element that is nowhere in the page. */
async function drawFrame(file: Blob, canvas: HTMLCanvasElement, signal: AbortSignal): Promise<void> {
  const video = document.createElement('video')
  const url = URL.createObjectURL(file)
  video.muted = true
  video.preload = 'auto'
  try {
    await new Promise<void>((done, failed) => {
      // At "loadeddata" Chromium draws nothing one time in twenty; a frame that was presented it draws.
      if (typeof video.requestVideoFrameCallback === 'function') video.requestVideoFrameCallback(() => done())
      else video.onloadeddata = () => done()
      video.onerror = () => failed(new Error('the picture cannot be decoded'))
      signal.addEventListener('abort', () => failed(new Error('no longer wanted')), { once: true })
      video.src = url
    })
    canvas.width = video.videoWidth
    canvas.height = video.videoHeight
    canvas.getContext('2d')?.drawImage(video, 0, 0)
  } finally {
    video.onloadeddata = video.onerror = null
    video.removeAttribute('src')
    video.load()
    URL.revokeObjectURL(url)
  }
}
