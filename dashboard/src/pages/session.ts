/** Who is signed in, and what hangs on it: the picture and the live socket. One per page load. */
import { inject, shallowRef, type InjectionKey } from 'vue'
import { ApiError, Client } from '../api/client'
import type { Me, Right } from '../api/types'
import { Live } from '../live/live'
import { Picture } from '../picture/picture'

export class Session {
  readonly me = shallowRef<Me | null>(null)
  readonly api = new Client()
  readonly picture = new Picture()
  readonly live: Live
  /** The session ended by itself: expired, revoked. Set by the router. */
  onEnded: () => void = () => undefined
  #asking: Promise<Me | null> | null = null

  constructor() {
    this.api.onSignedOut = () => this.#ended()
    const { protocol, host } = window.location
    this.live = new Live({
      url: `${protocol === 'https:' ? 'wss' : 'ws'}://${host}/api/v1/live`,
      picture: this.picture,
      onSessionEnded: () => this.#ended(),
      refreshSession: async () => (await this.#fetch()) !== null,
    })
  }

  can(right: Right): boolean {
    return this.me.value?.rights.includes(right) ?? false
  }

  /**
   * Who we are, asked of the server once. Null: nobody. Throws when the server cannot be reached.
   * A browser that never signed in, or signed out, is not asked for unless `surely`: the cookie
   * cannot be read from here, and a refusal would stand in the console of every first visit.
   */
  async known(surely = true): Promise<Me | null> {
    if (this.me.value) return this.me.value
    if (!surely && !remembered()) return null
    this.#asking ??= this.#fetch().finally(() => (this.#asking = null))
    return this.#asking
  }

  async signIn(username: string, password: string): Promise<Me> {
    return this.#become(await this.api.signIn(username, password))
  }

  async signOut(): Promise<void> {
    await this.api.signOut().catch((fault: unknown) => {
      // Already signed out is what we want; anything else must be seen.
      if (!(fault instanceof ApiError && fault.kind === 'unauthenticated')) throw fault
    })
    this.#forget()
  }

  async #fetch(): Promise<Me | null> {
    try {
      return this.#become(await this.api.session())
    } catch (fault) {
      if (fault instanceof ApiError && fault.kind === 'unauthenticated') return null
      throw fault
    }
  }

  #become(me: Me): Me {
    const before = this.me.value
    // Another person or another area: nothing of the former may stay on the screen.
    if (before && (before.user.id !== me.user.id || before.area.id !== me.area.id)) this.picture.clear()
    this.picture.setClockOffset(Date.parse(me.server_time) - Date.now())
    this.me.value = me
    remember(true)
    return me
  }

  #ended(): void {
    const had = this.me.value !== null
    this.#forget()
    if (had) this.onEnded()
  }

  #forget(): void {
    remember(false)
    this.live.close()
    this.me.value = null
    this.picture.clear()
  }
}

const STORED = 'sharpeyes.session'

function remember(signedIn: boolean): void {
  try {
    if (signedIn) localStorage.setItem(STORED, 'yes')
    else localStorage.removeItem(STORED)
  } catch {
    // Without storage every visit begins at the sign-in page.
  }
}

function remembered(): boolean {
  try {
    return localStorage.getItem(STORED) !== null
  } catch {
    return false
  }
}

export const sessionKey: InjectionKey<Session> = Symbol('session')

export function useSession(): Session {
  const session = inject(sessionKey)
  if (!session) throw new Error('no session provided')
  return session
}
