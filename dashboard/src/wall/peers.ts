/**
 * Peer connections: made and connected ahead of their use, and put away so that the browser can free them.
 *
 * Invariants:
 * - At most one is kept that nobody uses, and none that stands on a network which may have changed.
 * - Its session on the server ends with it, also one whose answer came later.
 * - After a failure the next waits its time, ever longer, however often one is asked for.
 */
import { Backoff } from './backoff'
import { lowLatency, offer, type Kind } from './offer'
import { end, post, retryAfterMs, sessionOf, type Held, type Server } from './requests'

export interface Prepared {
  pc: RTCPeerConnection
  /** The picture's. */
  receiver: RTCRtpReceiver
  /** It has an offer to receive, as its local description. */
  offered: Promise<void>
  /** What it is connected in; no camera is shown there yet. */
  session?: Held
}

/** What peers are made of. */
export interface Workshop extends Server {
  peer(): RTCPeerConnection
  codecs(kind: Kind): readonly RTCRtpCodec[]
  now(): number
  random(): number
}

export function prepare(workshop: Workshop, sound: boolean): Prepared {
  const pc = workshop.peer()
  const receiver = offer(pc, 'video', workshop.codecs('video'))
  lowLatency(receiver)
  if (sound) lowLatency(offer(pc, 'audio', workshop.codecs('audio')))
  const offered = pc.createOffer().then((made) => pc.setLocalDescription(made))
  offered.catch(() => undefined) // whoever takes it is told
  return { pc, receiver, offered }
}

/** Where a session is made that shows no camera yet. */
const SESSIONS = '/api/v1/whep'
/** The page's own work after a click comes first. */
const NEXT_MS = 300
/** Addresses that come later are missed: the server learns the one that is used from the first packet. */
const GATHER_MS = 1_000
const CONNECT_MS = 10_000
/** A machine that slept may have woken up elsewhere. */
export const FRESH_MS = 10 * 60_000

interface Kept extends Prepared {
  at: number
  /** The server has its offer. */
  asked: boolean
}

/** One silent peer, connected: what is left between a click and the picture is to name the camera. */
export class Spare {
  #kept: Kept | null = null
  #timer: ReturnType<typeof setTimeout> | undefined
  /** One failed: the next waits its time. */
  #resting = false
  #backoff: Backoff

  constructor(private readonly workshop: Workshop) {
    this.#backoff = new Backoff(() => workshop.random())
  }

  /** The kept one, unless it has sound to carry or is just being connected: that one is for the next who asks. */
  take(sound: boolean): Prepared {
    if (this.#kept && this.workshop.now() - this.#kept.at > FRESH_MS) this.drop()
    const kept = sound ? null : this.#give()
    this.make()
    return kept ?? prepare(this.workshop, sound)
  }

  /** Makes one in a while, where there is none. */
  make(): void {
    if (!this.#kept && !this.#resting) this.#after(NEXT_MS, () => this.#make())
  }

  /** The page is put away and may never run again, or the network is another. */
  drop(): void {
    clearTimeout(this.#timer)
    this.#resting = false
    const kept = this.#kept
    this.#kept = null
    if (!kept) return
    retire(kept.pc)
    if (kept.session) end(this.workshop, kept.session.place, true)
  }

  #give(): Prepared | null {
    const kept = this.#kept
    if (!kept || (kept.asked && kept.pc.connectionState !== 'connected')) return null
    clearTimeout(this.#timer)
    this.#kept = null
    if (kept.asked) this.#backoff.reset()
    return kept
  }

  #make(): void {
    const kept: Kept = { ...prepare(this.workshop, false), at: this.workshop.now(), asked: false }
    const { pc } = kept
    this.#kept = kept
    this.#after(GATHER_MS, () => void this.#connect(kept))
    pc.onicegatheringstatechange = () => {
      if (pc.iceGatheringState === 'complete') void this.#connect(kept)
    }
    pc.onconnectionstatechange = () => {
      if (this.#kept !== kept) return
      switch (pc.connectionState) {
        case 'connected': return this.#after(FRESH_MS, () => {
          this.drop()
          this.make()
        })
        case 'disconnected':
        case 'failed':
        case 'closed': return this.#lost(kept)
      }
    }
  }

  async #connect(kept: Kept): Promise<void> {
    try {
      await kept.offered
      if (this.#kept !== kept || kept.asked) return
      kept.asked = true
      const { response, body } = await post(this.workshop, SESSIONS, kept.pc.localDescription?.sdp ?? '')
      const session = sessionOf(this.workshop, SESSIONS, response)
      if (this.#kept !== kept) {
        if (session) end(this.workshop, session.place, true)
        return
      }
      if (!session) return this.#lost(kept, response)
      kept.session = session
      this.#after(CONNECT_MS, () => this.#lost(kept))
      await kept.pc.setRemoteDescription({ type: 'answer', sdp: body })
    } catch {
      this.#lost(kept)
    }
  }

  #lost(kept: Kept, response?: Response): void {
    if (this.#kept !== kept) return
    this.drop()
    // Asking again without a right would only fill the audit log: the next who takes one may have it.
    if (response?.status === 401 || response?.status === 403) return
    this.#resting = true
    this.#after(Math.max(this.#backoff.next(), response ? retryAfterMs(response) : 0), () => {
      this.#resting = false
      this.#make()
    })
  }

  #after(ms: number, run: () => void): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(run, ms)
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
