/** The requests of WHEP (draft-ietf-wish-whep): a session is known by its Location, and ends with a DELETE of it. */

export interface Server {
  fetch(url: string, init: RequestInit): Promise<Response>
  origin(): string
}

/** A session on the server. */
export interface Held {
  place: string
  etag: string
}

export interface Answer {
  response: Response
  body: string
}

/** The server itself waits up to 10 s for a camera's first picture. */
const POST_TIMEOUT_MS = 20_000

/**
 * Asks for a session; without an offer, for a camera in one that is there. Not aborted by who wants it
 * no more: a session made meanwhile is known by its Location only.
 */
export async function post(server: Server, url: string, offer: string | null, onAsked?: () => void): Promise<Answer> {
  const abort = new AbortController()
  const timeout = setTimeout(() => abort.abort(), POST_TIMEOUT_MS)
  try {
    const init: RequestInit = { method: 'POST', credentials: 'same-origin', signal: abort.signal }
    const sdp: RequestInit = { headers: { 'Content-Type': 'application/sdp', Accept: 'application/sdp' }, body: offer }
    const asked = server.fetch(url, offer === null ? init : { ...init, ...sdp })
    onAsked?.()
    const response = await asked
    return { response, body: await response.text() }
  } finally {
    clearTimeout(timeout)
  }
}

/** The session that a POST made. Sessions live on the own server only; a Location elsewhere is not followed. */
export function sessionOf(server: Server, url: string, { status, headers }: Response): Held | null {
  const place = headers.get('Location')
  if (status !== 201 || !place) return null
  try {
    const { origin, pathname, search } = new URL(place, new URL(url, server.origin()))
    return origin === server.origin() ? { place: pathname + search, etag: headers.get('ETag') ?? '' } : null
  } catch {
    return null
  }
}

/** keepalive lets it outlive the page. */
export function end(server: Server, place: string, keepalive: boolean): void {
  // Read to its end, so that the browser does not count it as broken off. Should it fail: the
  // server ends sessions without packets by itself.
  server.fetch(place, { method: 'DELETE', credentials: 'same-origin', keepalive })
    .then((response) => response.arrayBuffer())
    .catch(() => undefined)
}

export function retryAfterMs(response: Response): number {
  const seconds = Number(response.headers.get('Retry-After'))
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, 60) * 1000 : 0
}
