/**
 * What the browser's decoder tells of one stream, from its counters. Pure: it is given the report
 * and the time.
 */

/** Losses in this long before now make a picture's quality degraded. */
export const DEGRADED_MS = 10_000
/** Rates are taken over at least this long. */
const SPAN_MS = 900

export interface Figures {
  /** Null until it was measured over a second. */
  kbps: number | null
  /** Decoded, not drawn. */
  fps: number | null
  codec: string
  /** Packets that did not reach this browser since the start of the session. */
  lost: number
  /** Local epoch ms at which the newest key frame was seen decoded; 0 for none. */
  keyAt: number
  /** Packets were lost lately. */
  degraded: boolean
}

/** The part of RTCInboundRtpStreamStats that is read here. */
export interface Inbound {
  bytesReceived?: number
  framesDecoded?: number
  keyFramesDecoded?: number
  packetsLost?: number
  codecId?: string
}

interface Point {
  at: number
  bytes: number
  frames: number
}

export class Meter {
  #from: Point | null = null
  #keys = 0
  #lost = 0
  #lostAt = 0
  #figures: Figures | null = null

  get figures(): Figures | null {
    return this.#figures
  }

  sample(now: number, inbound: Inbound, codec: string): void {
    const to: Point = { at: now, bytes: inbound.bytesReceived ?? 0, frames: inbound.framesDecoded ?? 0 }
    const from = this.#from
    // A new session counts from nought.
    const anew = !from || to.bytes < from.bytes || to.frames < from.frames
    if (anew) {
      this.#keys = 0
      this.#lost = 0
    }
    const figures = this.#figures ?? { kbps: null, fps: null, codec: '', lost: 0, keyAt: 0, degraded: false }
    this.#figures = figures
    if (anew) this.#from = to
    else if (to.at - from.at >= SPAN_MS) {
      const seconds = (to.at - from.at) / 1000
      figures.kbps = Math.round(((to.bytes - from.bytes) * 8) / 1000 / seconds)
      figures.fps = Math.round((to.frames - from.frames) / seconds)
      this.#from = to
    }
    const keys = inbound.keyFramesDecoded ?? 0
    if (keys > this.#keys) figures.keyAt = now
    this.#keys = keys
    // The count may run back: a late packet that was written off is given back.
    const lost = Math.max(0, inbound.packetsLost ?? 0)
    if (lost > this.#lost) this.#lostAt = now
    this.#lost = figures.lost = lost
    figures.degraded = this.#lostAt > 0 && now - this.#lostAt < DEGRADED_MS
    if (codec) figures.codec = codec
  }

  restart(): void {
    this.#from = null
  }
}

/** H264, from video/H264. */
export function codecName(mime: string | undefined): string {
  return mime?.split('/')[1]?.toUpperCase() ?? ''
}
