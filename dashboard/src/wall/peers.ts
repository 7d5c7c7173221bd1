/**
 * Peer connections: made and connected ahead of their use, and put away so that the browser can free them.
 *
 * Invariants:
 * - Few are kept that nobody uses, made one after the other, and none that stands on a network which may have changed.
 * - A kept one's session on the server ends with it, also one whose answer came later.
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

/** Picking an alarm or an incident opens up to four cameras. */
const READY = 4

interface Kept extends Prepared {
  at: number
  /** The server has its offer. */
  asked: boolean
  timer?: ReturnType<typeof setTimeout>
}

/** Silent peers, connected: what is left between a click and the picture is to name the camera. */
export class Spares {
  /** Connected, the oldest first. */
  #ready: Kept[] = []
  /** The next, which is not connected yet. */
  #coming: Kept | null = null
  #next: ReturnType<typeof setTimeout> | undefined
  /** One failed: the next waits its time. */
  #resting = false
  #backoff: Backoff

  constructor(private readonly workshop: Workshop, private readonly most = READY) {
    this.#backoff = new Backoff(() => workshop.random())
  }

  /** A kept one, unless it has sound to carry or there is none but one just being connected: that is for who asks next. */
  take(sound: boolean): Prepared {
    while (this.#ready[0] && this.workshop.now() - this.#ready[0].at > FRESH_MS) this.#putAway(this.#ready[0])
    const kept = sound ? null : this.#give()
    this.make()
    return kept ?? prepare(this.workshop, sound)
  }

  /** Makes one in a while, where one is wanted. */
  make(): void {
    if (this.#coming || this.#resting || this.#ready.length >= this.most) return
    clearTimeout(this.#next)
    this.#next = setTimeout(() => this.#make(), NEXT_MS)
  }

  /** The page is put away and may never run again, or the network is another. */
  drop(): void {
    clearTimeout(this.#next)
    this.#resting = false
    if (this.#coming) this.#putAway(this.#coming)
    for (const kept of [...this.#ready]) this.#putAway(kept)
  }

  #give(): Prepared | null {
    const kept = this.#ready[0] ?? (this.#coming?.asked ? null : this.#coming)
    if (!kept) return null
    this.#forget(kept)
    if (kept.asked) this.#backoff.reset()
    return kept
  }

  #make(): void {
    const kept: Kept = { ...prepare(this.workshop, false), at: this.workshop.now(), asked: false }
    const { pc } = kept
    this.#coming = kept
    this.#after(kept, GATHER_MS, () => void this.#connect(kept))
    pc.onicegatheringstatechange = () => {
      if (pc.iceGatheringState === 'complete') void this.#connect(kept)
    }
    pc.onconnectionstatechange = () => {
      switch (pc.connectionState) {
        case 'connected': return this.#connected(kept)
        case 'disconnected':
        case 'failed':
        case 'closed': return this.#lost(kept)
      }
    }
  }

  async #connect(kept: Kept): Promise<void> {
    try {
      await kept.offered
      if (!this.#keeps(kept) || kept.asked) return
      kept.asked = true
      const { response, body } = await post(this.workshop, SESSIONS, kept.pc.localDescription?.sdp ?? '')
      const session = sessionOf(this.workshop, SESSIONS, response)
      if (!this.#keeps(kept)) {
        if (session) end(this.workshop, session.place, true)
        return
      }
      if (!session) return this.#lost(kept, response)
      kept.session = session
      this.#after(kept, CONNECT_MS, () => this.#lost(kept))
      await kept.pc.setRemoteDescription({ type: 'answer', sdp: body })
    } catch {
      this.#lost(kept)
    }
  }

  #connected(kept: Kept): void {
    if (this.#coming !== kept) return
    this.#coming = null
    this.#ready.push(kept)
    this.#after(kept, FRESH_MS, () => {
      this.#putAway(kept)
      this.make()
    })
    this.make()
  }

  #lost(kept: Kept, response?: Response): void {
    if (!this.#keeps(kept)) return
    this.#putAway(kept)
    // Asking again without a right would only fill the audit log: the next who takes one may have it.
    if (this.#resting || response?.status === 401 || response?.status === 403) return
    this.#resting = true
    clearTimeout(this.#next)
    this.#next = setTimeout(() => {
      this.#resting = false
      if (!this.#coming) this.#make()
    }, Math.max(this.#backoff.next(), response ? retryAfterMs(response) : 0))
  }

  #keeps(kept: Kept): boolean {
    return this.#coming === kept || this.#ready.includes(kept)
  }

  #putAway(kept: Kept): void {
    this.#forget(kept)
    retire(kept.pc)
    if (kept.session) end(this.workshop, kept.session.place, true)
  }

  #forget(kept: Kept): void {
    clearTimeout(kept.timer)
    if (this.#coming === kept) this.#coming = null
    this.#ready = this.#ready.filter((one) => one !== kept)
  }

  #after(kept: Kept, ms: number, run: () => void): void {
    clearTimeout(kept.timer)
    kept.timer = setTimeout(run, ms)
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
