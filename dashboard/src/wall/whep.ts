/**
 * One WHEP session (draft-ietf-wish-whep) that keeps itself up until it is closed.
 *
 * Invariants:
 * - At most one RTCPeerConnection and one server session at a time. Every session the server
 *   answered with a Location is DELETEd, also one whose answer came after close().
 * - After close() nothing is told, no timer runs, no request starts but that DELETE.
 * - It retries for ever, 1 to 15 s apart with jitter. 401 and 403 stop it ('refused') until it is woken,
 *   because asking again without a right would only fill the audit log.
 * - A codec that does not fit is asked for every CODEC_RETRY_MS: the camera may be set anew.
 * - A spare peer is for the first try alone: a camera that gives nothing uses up no more. One that is of no
 *   use after all is replaced at once, and nothing is told of it.
 * - A lost path is first mended by ICE restart; when that does not help, the session is opened anew.
 */
import { Backoff } from './backoff'
import { answersSound, codecsOf, lowLatency } from './offer'
import { prepare, retire, Spares, type Prepared, type Workshop } from './peers'
import { end, post, retryAfterMs, sessionOf, type Answer } from './requests'
import { fragment, isReachable, withNewIce } from './sdp'

export type Profile = 'main' | 'sub'

export type Trouble =
  | 'network' // no answer from the server
  | 'path' // the server answers, but no media path comes up or it broke
  | 'no_picture' // 503: the camera gives nothing yet
  | 'no_codec' // 406: the camera's codec is none of the offer's
  | 'h265' // 406: the camera sends H.265, which this browser does not take, and nobody turns it into another
  | 'transcodes' // 503: it has to be turned into H.264, and the server does as many of these as it may
  | 'not_found' // 404
  | 'too_many' // 429
  | 'server' // any other status
  | 'signed_out' // 401
  | 'forbidden' // 403

export type LinkState =
  | { state: 'connecting' }
  | { state: 'connected' }
  | { state: 'restarting' }
  | { state: 'waiting'; trouble: Trouble; retryAt: number }
  | { state: 'refused'; trouble: 'signed_out' | 'forbidden' }
  | { state: 'closed' }

/** What the server says it sends. */
export interface Told {
  /** A camera without a sub stream answers with main. */
  profile?: Profile
  /** The codec that the camera sends, H264 or H265. */
  codec?: string
  transcoded: boolean
  /** False when the answer sends no sound. It may promise sound that the camera does not have. */
  sound: boolean
}

export interface WhepOptions {
  /** With a query. */
  url: string
  /** Ask for the camera's sound as well. */
  sound?: boolean
  onState(state: LinkState): void
  /** The session's picture, and its sound in the same stream; stats are the picture's. */
  onStream(stream: MediaStream, receiver: RTCRtpReceiver): void
  /** The sound's receiver, for its stats. */
  onSound?(receiver: RTCRtpReceiver): void
  onTold?(told: Told): void
  /** The request is on its way. */
  onAsked?(): void
  /** True while asking would be in vain, such as for a camera known to be down. */
  hold?(): boolean
}

/** What the session needs from the browser; tests give their own. */
export interface Surroundings extends Workshop {
  spares?: Spares
}

let known = () => true

/** Says who knows whether anybody is signed in. While nobody is, nothing is asked for: the server ends all sessions with the sign-in. */
export function askWhile(signedIn: () => boolean): void {
  known = signedIn
}

const workshop: Workshop = {
  peer: () => new RTCPeerConnection({ bundlePolicy: 'max-bundle', rtcpMuxPolicy: 'require', iceServers: [] }),
  codecs: codecsOf,
  now: () => Date.now(),
  fetch: (url, init) => known() ? fetch(url, init) : Promise.reject(new Error('nobody is signed in')),
  random: () => Math.random(),
  origin: () => location.origin,
}

export const browser: Surroundings = { ...workshop, spares: new Spares(workshop) }

export const PATH_TIMEOUT_MS = 10_000
/** A path may come back by itself after a lost beat; asking for a restart at once would be noise. */
export const RESTART_AFTER_MS = 1_000
export const RESTART_TIMEOUT_MS = 5_000

/** What is known of a camera may be old: after this long it is asked all the same. */
export const HOLD_MS = 30_000

export const CODEC_RETRY_MS = 15_000

const FRAG = 'application/trickle-ice-sdpfrag'

export class WhepSession {
  #pc: RTCPeerConnection | null = null
  #location = ''
  #etag = ''
  #closed = false
  #timer: ReturnType<typeof setTimeout> | undefined
  #backoff: Backoff
  #round = 0
  #state: LinkState = { state: 'closed' }
  #candidates: string[] = []
  #media: MediaStream | null = null

  constructor(private readonly options: WhepOptions, private readonly around: Surroundings) {
    this.#backoff = new Backoff(() => around.random())
  }

  get state(): LinkState {
    return this.#state
  }

  get #sound(): boolean {
    return this.options.sound ?? false
  }

  get peer(): RTCPeerConnection | null {
    return this.#pc
  }

  open(): void {
    if (!this.#closed) this.#openUnlessHeld(true)
  }

  /**
   * Try now instead of at the end of the wait: the camera or the network is back. Also a refused
   * session when rights may have changed.
   */
  nudge(rights = false): void {
    if (this.#closed) return
    if (this.#state.state === 'waiting' || (rights && this.#state.state === 'refused')) this.#openUnlessHeld()
  }

  /** The picture stands although the path is up: a fresh session is what helps. */
  reopen(): void {
    if (this.#closed || this.#state.state === 'refused') return
    this.#open()
  }

  /** A picture arrived: the next trouble starts with short waits again. */
  proven(): void {
    this.#backoff.reset()
  }

  /** Ends the session at once and for good. keepalive lets the DELETE outlive the page. */
  close(keepalive = false): void {
    if (this.#closed) return
    this.#closed = true
    this.#drop(keepalive)
    this.#state = { state: 'closed' }
  }

  #openUnlessHeld(first = false): void {
    if (!this.options.hold?.()) return this.#open(first)
    this.#drop(false)
    this.#tell({ state: 'waiting', trouble: 'no_picture', retryAt: this.around.now() + HOLD_MS })
    this.#after(HOLD_MS, () => this.#open())
  }

  #open(first = false): void {
    this.#drop(false)
    this.#tell({ state: 'connecting' })
    void this.#begin((first ? this.around.spares?.take(this.#sound) : undefined) ?? prepare(this.around, this.#sound))
  }

  async #begin({ pc, receiver, offered, session }: Prepared): Promise<void> {
    const round = this.#round
    this.#pc = pc
    try {
      if (session) {
        this.#location = session.place
        this.#etag = session.etag
        pc.onconnectionstatechange = () => this.#insteadOfSpare(round)
        // The first packets may be here before the answer is.
        this.#show(receiver)
      } else this.#listen(pc, round)
      await offered
      if (this.#gone(round)) return
      const answer = await this.#ask(session ? null : pc.localDescription?.sdp ?? '', round)
      if (answer === null || this.#gone(round)) return
      if (session) this.#listen(pc, round)
      else await pc.setRemoteDescription({ type: 'answer', sdp: answer })
      if (this.#gone(round)) return
      this.#after(PATH_TIMEOUT_MS, () => this.#fail(round, 'path'))
      if (pc.connectionState === 'connected') this.#connected(round)
      void this.#sendCandidates(round)
    } catch {
      this.#fail(round, 'path')
    }
  }

  /** The spare broke, or the server knows its session no more. */
  #insteadOfSpare(round: number): void {
    if (this.#gone(round)) return
    this.#drop(false)
    void this.#begin(prepare(this.around, this.#sound))
  }

  /** The answer, empty where there was no offer, or null when the trouble has been dealt with. */
  async #ask(offer: string | null, round: number): Promise<string | null> {
    const { url, onAsked, onTold } = this.options
    const id = this.#location.slice(this.#location.lastIndexOf('/') + 1)
    let answer: Answer
    try {
      answer = await post(this.around, offer === null ? `${url}&session=${id}` : url, offer, onAsked)
    } catch {
      this.#fail(round, 'network')
      return null
    }
    const { response, body } = answer
    const session = sessionOf(this.around, url, response)
    if (this.#gone(round)) {
      // A spare's was deleted when it was given up.
      if (session && offer !== null) end(this.around, session.place, false)
      return null
    }
    if (offer === null && (response.status === 404 || response.status === 409)) {
      this.#insteadOfSpare(round)
      return null
    }
    if (response.status !== 201) {
      this.#refusal(response, body, round)
      return null
    }
    if (!session) {
      this.#fail(round, 'server')
      return null
    }
    this.#location = session.place
    this.#etag = session.etag
    const profile = response.headers.get('X-Profile')
    onTold?.({
      profile: profile === 'main' || profile === 'sub' ? profile : undefined, codec: response.headers.get('X-Codec') ?? undefined,
      transcoded: response.headers.get('X-Transcoded') === '1', sound: answersSound(body),
    })
    return body
  }

  #refusal(response: Response, body: string, round: number): void {
    switch (response.status) {
      case 401: return this.#refused(round, 'signed_out')
      case 403: return this.#refused(round, 'forbidden')
      case 404: return this.#fail(round, 'not_found')
      case 406: return this.#fail(round, body.includes('h265_not_taken') ? 'h265' : 'no_codec', CODEC_RETRY_MS)
      case 429: return this.#fail(round, 'too_many', retryAfterMs(response))
      case 503: return this.#fail(round, body.includes('transcodes_full') ? 'transcodes' : 'no_picture', retryAfterMs(response))
      default: return this.#fail(round, 'server')
    }
  }

  #refused(round: number, trouble: 'signed_out' | 'forbidden'): void {
    if (this.#gone(round)) return
    this.#drop(false)
    this.#tell({ state: 'refused', trouble })
  }

  #fail(round: number, trouble: Trouble, atLeastMs = 0): void {
    if (this.#gone(round)) return
    this.#drop(false)
    const wait = Math.max(atLeastMs, this.#backoff.next())
    this.#tell({ state: 'waiting', trouble, retryAt: this.around.now() + wait })
    this.#after(wait, () => this.#openUnlessHeld())
  }

  #listen(pc: RTCPeerConnection, round: number): void {
    pc.ontrack = (event) => {
      if (!this.#gone(round)) this.#show(event.receiver)
    }
    pc.onicecandidate = (event) => {
      if (this.#gone(round)) return
      if (event.candidate && isReachable(event.candidate.candidate)) this.#candidates.push(event.candidate.candidate)
    }
    pc.onicegatheringstatechange = () => {
      if (pc.iceGatheringState === 'complete') void this.#sendCandidates(round)
    }
    pc.onconnectionstatechange = () => {
      if (this.#gone(round)) return
      switch (pc.connectionState) {
        case 'connected': return this.#connected(round)
        case 'disconnected': return this.#after(RESTART_AFTER_MS, () => void this.#restart(round))
        case 'failed':
          if (this.#state.state === 'connected') return void this.#restart(round)
          return this.#fail(round, 'path')
      }
    }
  }

  #show(receiver: RTCRtpReceiver): void {
    lowLatency(receiver)
    // One stream of our own: the order in which picture and sound come is the server's affair.
    this.#media ??= new MediaStream()
    this.#media.addTrack(receiver.track)
    if (receiver.track.kind === 'video') this.options.onStream(this.#media, receiver)
    else this.options.onSound?.(receiver)
  }

  #connected(round: number): void {
    if (this.#gone(round) || !this.#location) return
    clearTimeout(this.#timer)
    if (this.#state.state !== 'connected') this.#tell({ state: 'connected' })
  }

  /** ICE restart by PATCH (draft-ietf-wish-whep, ICE restarts): new credentials both ways, media kept. */
  async #restart(round: number): Promise<void> {
    const pc = this.#pc
    if (this.#gone(round) || !pc || !this.#location || this.#state.state === 'restarting') return
    this.#tell({ state: 'restarting' })
    this.#after(RESTART_TIMEOUT_MS, () => this.#fail(round, 'path'))
    try {
      this.#candidates = []
      await pc.setLocalDescription(await pc.createOffer({ iceRestart: true }))
      const offer = pc.localDescription?.sdp ?? ''
      const answer = pc.remoteDescription?.sdp ?? ''
      const response = await this.#patch(fragment(offer, [], false), '*')
      if (this.#gone(round)) return
      if (response.status === 401) return this.#refused(round, 'signed_out')
      if (response.status === 403) return this.#refused(round, 'forbidden')
      if (response.status !== 200) return this.#fail(round, 'path')
      const frag = await response.text()
      if (this.#gone(round)) return
      this.#etag = response.headers.get('ETag') ?? this.#etag
      await pc.setRemoteDescription({ type: 'answer', sdp: withNewIce(answer, frag) })
    } catch {
      this.#fail(round, 'path')
    }
  }

  /** Most viewers have nothing to tell: the server learns their address from their first packet. */
  async #sendCandidates(round: number): Promise<void> {
    const pc = this.#pc
    if (this.#gone(round) || !pc || !this.#location || pc.iceGatheringState !== 'complete') return
    const candidates = this.#candidates.splice(0)
    const offer = pc.localDescription?.sdp
    if (candidates.length === 0 || !offer) return
    try {
      await this.#patch(fragment(offer, candidates, true), this.#etag)
    } catch {
      // Without it the path may still come up; if not, the path's own timer says so.
    }
  }

  #patch(body: string, match: string): Promise<Response> {
    const headers: Record<string, string> = { 'Content-Type': FRAG }
    if (match) headers['If-Match'] = match
    return this.around.fetch(this.#location, { method: 'PATCH', credentials: 'same-origin', headers, body })
  }

  #drop(keepalive: boolean): void {
    this.#round++
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#candidates = []
    this.#media = null
    const pc = this.#pc
    this.#pc = null
    if (pc) retire(pc)
    const place = this.#location
    this.#location = ''
    this.#etag = ''
    if (place) end(this.around, place, keepalive)
  }

  #after(ms: number, run: () => void): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(run, ms)
  }

  #gone(round: number): boolean {
    return this.#closed || round !== this.#round
  }

  #tell(state: LinkState): void {
    this.#state = state
    this.options.onState(state)
  }
}
