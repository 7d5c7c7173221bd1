/**
 * Reads out of a stream of fMP4 (ISO/IEC 14496-12) when each of its pictures is shown and which are key
 * frames, while it passes on its way to the browser's decoder. Pictures themselves are skipped.
 *
 * Invariants:
 * - Holds at most one box of metadata (BOX_MAX) and FRAMES_MAX frames; a stream that wants more is left
 *   unread: stepping then falls back to the decoder's own times.
 */
export interface Frame {
  /** Media time, s. */
  at: number
  key: boolean
}

const BOX_MAX = 4 << 20
const FRAMES_MAX = 50_000
const HEADER = 8
/** Sample flag: is not a sync sample (8.8.3.1). */
const NOT_SYNC = 0x10000
/** Two times of one frame, given by two runs, differ by rounding at most. */
const SAME_S = 0.002

interface VideoTrack {
  id: number
  timescale: number
  duration: number
  flags: number
}

/** One run: from its init segment on. */
export class FrameReader {
  #pending = new Uint8Array(0)
  /** Bytes of a box that nobody reads. */
  #skip = 0
  #video: VideoTrack | null = null
  #broken = false

  constructor(private readonly onFrames: (frames: Frame[]) => void) {}

  push(chunk: Uint8Array): void {
    if (this.#broken) return
    let bytes = chunk
    if (this.#skip > 0) {
      const over = Math.min(this.#skip, bytes.length)
      this.#skip -= over
      bytes = bytes.subarray(over)
    }
    if (this.#pending.length > 0) bytes = joined(this.#pending, bytes)
    this.#pending = new Uint8Array(0)
    try {
      this.#read(bytes)
    } catch {
      this.#broken = true
    }
  }

  #read(bytes: Uint8Array): void {
    let at = 0
    while (bytes.length - at >= HEADER) {
      const view = viewOf(bytes.subarray(at))
      const size = view.getUint32(0)
      const kind = kindOf(view, 4)
      // 0: to the end; 1: in 64 bits. Neither is written by our server.
      if (size < HEADER) throw new Error('box size')
      const wanted = kind === 'moov' || kind === 'moof'
      if (wanted && size > BOX_MAX) throw new Error('box too large')
      if (bytes.length - at < size) {
        if (wanted) break
        this.#skip = size - (bytes.length - at)
        return
      }
      if (wanted) this.#box(kind, bytes.subarray(at + HEADER, at + size))
      at += size
    }
    this.#pending = bytes.slice(at)
  }

  #box(kind: string, body: Uint8Array): void {
    if (kind === 'moov') this.#video = videoTrackOf(body)
    else if (this.#video) {
      const frames = framesOf(body, this.#video)
      if (frames.length > 0) this.onFrames(frames)
    }
  }
}

/** The frames that are known, in order of time. */
export class FrameList {
  #frames: Frame[] = []

  add(frames: readonly Frame[]): void {
    const sorted = [...frames].sort((a, b) => a.at - b.at)
    const [first, last] = [sorted[0], sorted.at(-1)]
    if (!first || !last) return
    // A run that was read before is read again whole: what it covers is replaced.
    const from = this.#index(first.at - SAME_S)
    const to = this.#index(last.at + SAME_S)
    this.#frames.splice(from, to - from, ...sorted)
    if (this.#frames.length > FRAMES_MAX) this.#frames.splice(0, this.#frames.length - FRAMES_MAX)
  }

  /** Forgets what lies before and after. */
  keep(from: number, to: number): void {
    this.#frames = this.#frames.slice(this.#index(from), this.#index(to))
  }

  clear(): void {
    this.#frames = []
  }

  /** The frame on the screen at this media time. */
  at(time: number): Frame | null {
    return this.#frames[this.#index(time + SAME_S) - 1] ?? null
  }

  next(time: number): Frame | null {
    return this.#frames[this.#index(time + SAME_S)] ?? null
  }

  /** The last key frame that begins before this time. */
  keyBefore(time: number): Frame | null {
    for (let i = this.#index(time - SAME_S) - 1; i >= 0; i--) if (this.#frames[i]!.key) return this.#frames[i]!
    return null
  }

  /** The first frame at or after the time. */
  #index(time: number): number {
    let [low, high] = [0, this.#frames.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#frames[middle]!.at >= time) high = middle
      else low = middle + 1
    }
    return low
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const out = new Uint8Array(a.length + b.length)
  out.set(a)
  out.set(b, a.length)
  return out
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
const kindOf = (view: DataView, at: number) => String.fromCharCode(view.getUint8(at), view.getUint8(at + 1), view.getUint8(at + 2), view.getUint8(at + 3))

function* children(body: Uint8Array): Generator<[kind: string, body: Uint8Array]> {
  const view = viewOf(body)
  for (let at = 0; at + HEADER <= body.length; ) {
    const size = view.getUint32(at)
    if (size < HEADER || at + size > body.length) throw new Error('box size')
    yield [kindOf(view, at + 4), body.subarray(at + HEADER, at + size)]
    at += size
  }
}

function child(body: Uint8Array, ...path: string[]): Uint8Array | null {
  let found: Uint8Array | null = body
  for (const kind of path) {
    if (!found) return null
    found = [...children(found)].find(([name]) => name === kind)?.[1] ?? null
  }
  return found
}

/** tkhd 8.3.2, mdhd 8.4.2, hdlr 8.4.3, trex 8.8.3. */
function videoTrackOf(moov: Uint8Array): VideoTrack | null {
  for (const [kind, trak] of children(moov)) {
    if (kind !== 'trak') continue
    const [tkhd, mdhd, hdlr] = [child(trak, 'tkhd'), child(trak, 'mdia', 'mdhd'), child(trak, 'mdia', 'hdlr')]
    if (!tkhd || !mdhd || !hdlr || kindOf(viewOf(hdlr), 8) !== 'vide') continue
    const id = viewOf(tkhd).getUint32(tkhd[0] === 1 ? 20 : 12)
    const track: VideoTrack = { id, timescale: viewOf(mdhd).getUint32(mdhd[0] === 1 ? 20 : 12), duration: 0, flags: 0 }
    for (const [name, trex] of children(child(moov, 'mvex') ?? new Uint8Array(0))) {
      const view = viewOf(trex)
      if (name !== 'trex' || view.getUint32(4) !== id) continue
      track.duration = view.getUint32(12)
      track.flags = view.getUint32(20)
    }
    return track
  }
  return null
}

function framesOf(moof: Uint8Array, video: VideoTrack): Frame[] {
  const out: Frame[] = []
  for (const [kind, traf] of children(moof)) {
    if (kind !== 'traf') continue
    const tfhd = child(traf, 'tfhd')
    if (!tfhd || viewOf(tfhd).getUint32(4) !== video.id) continue
    const defaults = headerOf(tfhd, video)
    const tfdt = child(traf, 'tfdt')
    if (!tfdt) continue
    let time = tfdt[0] === 1 ? Number(viewOf(tfdt).getBigInt64(4)) : viewOf(tfdt).getUint32(4)
    for (const [name, trun] of children(traf)) if (name === 'trun') time = runOf(trun, time, defaults, video.timescale, out)
  }
  return out
}

/** tfhd 8.8.7: defaults of this fragment. */
function headerOf(tfhd: Uint8Array, video: VideoTrack): { duration: number; flags: number } {
  const view = viewOf(tfhd)
  const flags = view.getUint32(0)
  let at = 8 + (flags & 1 ? 8 : 0) + (flags & 2 ? 4 : 0)
  const out = { duration: video.duration, flags: video.flags }
  if (flags & 8) {
    out.duration = view.getUint32(at)
    at += 4
  }
  if (flags & 16) at += 4
  if (flags & 32) out.flags = view.getUint32(at)
  return out
}

/** trun 8.8.8; the decode time after it. */
function runOf(trun: Uint8Array, begin: number, defaults: { duration: number; flags: number }, timescale: number, out: Frame[]): number {
  const view = viewOf(trun)
  const flags = view.getUint32(0)
  const count = view.getUint32(4)
  let at = 8 + (flags & 1 ? 4 : 0)
  let first: number | null = null
  if (flags & 4) {
    first = view.getUint32(at)
    at += 4
  }
  let time = begin
  for (let i = 0; i < count; i++) {
    const word = (bit: number, otherwise: number) => {
      if (!(flags & bit)) return otherwise
      at += 4
      return view.getUint32(at - 4)
    }
    const duration = word(0x100, defaults.duration)
    word(0x200, 0)
    const sample = word(0x400, i === 0 && first !== null ? first : defaults.flags)
    const offset = word(0x800, 0) | 0
    out.push({ at: (time + offset) / timescale, key: (sample & NOT_SYNC) === 0 })
    time += duration
  }
  return time
}
