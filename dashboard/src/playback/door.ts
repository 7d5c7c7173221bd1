/** The server as far as this room needs it: footage under a grant that somebody answered for with a purpose. */
import { ApiError, type Client } from '../api/client'
import { mediaUrl } from '../api/media'
import type { Playback as Grant, Profile } from '../api/types'

export interface MediaDoor {
  /** Footage from the key frame at or before `at` (epoch ms) on; media time 0 is `epoch`. */
  run(ask: RunAsk, signal: AbortSignal): Promise<Response>
  /** The key frames before a time, latest last, epoch ms. */
  keyframes(camera: string, profile: Profile, before: number, signal: AbortSignal): Promise<number[]>
}

export interface RunAsk {
  camera: string
  profile: Profile
  at: number
  seconds: number
  epoch: number
}

/** What somebody answers for. */
export interface Reason {
  purpose: string
  caseId?: string
}

/** So much before and after what is asked for is opened at once, and no more: the audit says what was looked at. */
export const REACH_MS = 3600_000
const KEYS = 8

interface Held {
  grant: Grant
  cameras: ReadonlySet<string>
  profile: Profile
  from: number
  to: number
}

type Grants = Pick<Client, 'openPlayback' | 'closePlayback' | 'keyframes'>

/**
 * Opens grants as they are needed: for these cameras, an hour around the time. At most one is held for each
 * profile; the one before it is given back.
 */
export class GrantedDoor implements MediaDoor {
  #held = new Map<Profile, Held>()
  #asking: Promise<Held> | null = null
  #closed = false

  constructor(
    private readonly api: Grants, private readonly reason: Reason, private cameras: readonly string[],
    private readonly fetcher: typeof fetch = (...args) => fetch(...args),
  ) {}

  /** From now on these are looked at; a grant that lacks one of them is not enough any more. */
  setCameras(cameras: readonly string[]): void {
    this.cameras = [...cameras]
  }

  async run(ask: RunAsk, signal: AbortSignal): Promise<Response> {
    for (let again = false; ; again = true) {
      const held = await this.#covering(ask.camera, ask.profile, ask.at)
      signal.throwIfAborted()
      const response = await this.fetcher(mediaUrl(held.grant.id, ask), { signal, credentials: 'same-origin', cache: 'no-store' })
      // A grant ends with its time, the server's restart or a change of rights: the next one says which.
      if (response.status !== 404 || again || !(await lostGrant(response))) return response
      if (this.#held.get(ask.profile) === held) this.#held.delete(ask.profile)
    }
  }

  async keyframes(camera: string, profile: Profile, before: number, signal: AbortSignal): Promise<number[]> {
    const held = await this.#covering(camera, profile, before)
    const { items } = await this.api.keyframes(held.grant.id, camera, before, KEYS, signal)
    return items.map((at) => Date.parse(at)).sort((a, b) => a - b)
  }

  /** Gives the grant back. */
  close(): void {
    this.#closed = true
    for (const held of this.#held.values()) this.#giveBack(held)
    this.#held.clear()
  }

  async #covering(camera: string, profile: Profile, at: number): Promise<Held> {
    for (;;) {
      const held = this.#held.get(profile)
      if (held?.cameras.has(camera) && at >= held.from && at < held.to) return held
      // Those that are asked for at one time come by one grant.
      await (this.#asking ??= this.#open(camera, profile, at).finally(() => (this.#asking = null)))
    }
  }

  async #open(camera: string, profile: Profile, at: number): Promise<Held> {
    const cameras = [...new Set([...this.cameras, camera])]
    const [from, to] = [at - REACH_MS, at + REACH_MS]
    const grant = await this.api.openPlayback({
      cameras, profile, from: new Date(from).toISOString(), to: new Date(to).toISOString(), purpose: this.reason.purpose, case_id: this.reason.caseId,
    })
    const held: Held = { grant, cameras: new Set(cameras), profile, from, to }
    if (this.#closed) {
      this.#giveBack(held)
      throw new ApiError('network', 0, 'the page was left')
    }
    const before = this.#held.get(profile)
    if (before) this.#giveBack(before)
    this.#held.set(profile, held)
    return held
  }

  #giveBack(held: Held): void {
    // What was not given back ends by itself.
    void this.api.closePlayback(held.grant.id).catch(() => undefined)
  }
}

/** A 404 that faults `at` says that nothing is recorded then; any other that there is no such grant any more. */
async function lostGrant(response: Response): Promise<boolean> {
  const problem = (await response.clone().json().catch(() => ({}))) as { errors?: { field?: string }[] }
  return !problem.errors?.some((fault) => fault.field === 'at')
}
