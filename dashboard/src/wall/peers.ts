/**
 * Peer connections: made ahead of their use, and put away so that the browser can free them.
 *
 * Invariant: at most one is kept that nobody uses, and none that stands on a network which may have changed.
 */
import { lowLatency, offer, type Kind } from './offer'

export interface Prepared {
  pc: RTCPeerConnection
  /** It has an offer to receive, as its local description. */
  offered: Promise<void>
}

/** What peers are made of. */
export interface Workshop {
  peer(): RTCPeerConnection
  codecs(kind: Kind): readonly RTCRtpCodec[]
  now(): number
}

export function prepare(workshop: Workshop, sound: boolean): Prepared {
  const pc = workshop.peer()
  lowLatency(offer(pc, 'video', workshop.codecs('video')))
  if (sound) lowLatency(offer(pc, 'audio', workshop.codecs('audio')))
  const offered = pc.createOffer().then((made) => pc.setLocalDescription(made))
  offered.catch(() => undefined) // whoever takes it is told
  return { pc, offered }
}

/** The page's own work after a click comes first. */
const NEXT_MS = 300
/** A machine that slept may have woken up elsewhere. */
const FRESH_MS = 10 * 60_000

/** One silent peer with its offer and addresses: to make it takes a fifth of the time from a click to the picture. */
export class Spare {
  #kept: (Prepared & { at: number }) | null = null
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(private readonly workshop: Workshop) {}

  take(sound: boolean): Prepared {
    if (this.#kept && this.workshop.now() - this.#kept.at > FRESH_MS) this.drop()
    const kept = sound ? null : this.#kept
    if (kept) this.#kept = null
    this.make()
    return kept ?? prepare(this.workshop, sound)
  }

  /** Makes one in a while, where there is none. */
  make(): void {
    clearTimeout(this.#timer)
    if (this.#kept) return
    this.#timer = setTimeout(() => (this.#kept = { ...prepare(this.workshop, false), at: this.workshop.now() }), NEXT_MS)
  }

  /** The page is put away, or the network is another. */
  drop(): void {
    clearTimeout(this.#timer)
    if (this.#kept) retire(this.#kept.pc)
    this.#kept = null
  }
}

/** The machine's own addresses are gathered by then, however busy it is. */
const GATHERED_MS = 5_000

/**
 * Closes a peer. Chromium never frees one that is closed between a change of its gathering and the event that
 * tells of it: the event, which is then not told, holds the peer. So one that gathers is closed when that is over.
 */
export function retire(pc: RTCPeerConnection): void {
  pc.ontrack = pc.onicecandidate = pc.onicegatheringstatechange = pc.onconnectionstatechange = null
  if (pc.iceGatheringState === 'complete') return pc.close()
  const over = setTimeout(() => pc.close(), GATHERED_MS)
  pc.onicegatheringstatechange = () => {
    if (pc.iceGatheringState !== 'complete') return
    pc.onicegatheringstatechange = null
    clearTimeout(over)
    setTimeout(() => pc.close())
  }
}
