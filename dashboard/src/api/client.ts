/**
 * The one door to the server's JSON routes. Every failure is an ApiError with a kind;
 * pages turn kinds into words. A 401 on any route but sign-in is told to onSignedOut.
 */
import type {
  Alert, Area, AreaProps, BasemapProps, Camera, Case, Category, ClipRequest, Evidence, Export, FeatureCollection, Grid, GridProps, Hold, Incident,
  List, LonLat, Me, NearCamera, NewCopy, NewExport, NewPlayback, Playback, Problem, Profile, Receipt, Recordings, TimeSpan, Verdict,
} from './types'

export type ErrorKind =
  | 'invalid' | 'unauthenticated' | 'forbidden' | 'not_found' | 'conflict' | 'too_large' | 'unsupported' | 'too_many'
  | 'unavailable' | 'internal'
  /** Nothing reached the server, or nothing came back. */
  | 'network'

export interface FieldFault {
  row?: number
  field?: string
  message: string
}

export class ApiError extends Error {
  override readonly name = 'ApiError'
  constructor(
    readonly kind: ErrorKind,
    readonly status: number,
    /** The server's own sentence, in English; safe to show beside ours. */
    detail: string,
    readonly faults: FieldFault[] = [],
    readonly retryAfterS?: number,
  ) {
    super(detail)
  }

  /** Whether the same request may succeed later without a change. */
  get passing(): boolean {
    return this.kind === 'network' || this.kind === 'unavailable' || this.kind === 'too_many' || this.kind === 'internal'
  }
}

const KIND_BY_STATUS: Record<number, ErrorKind> = {
  400: 'invalid', 401: 'unauthenticated', 403: 'forbidden', 404: 'not_found', 406: 'unsupported', 408: 'unavailable',
  409: 'conflict', 413: 'too_large', 415: 'unsupported', 422: 'invalid', 429: 'too_many', 502: 'unavailable',
  503: 'unavailable', 504: 'unavailable',
}

export interface NewIncident {
  category: string
  text: string
  lon: number
  lat: number
  accuracy_m?: number
  address?: string
  direct?: boolean
  photos?: { name: string; blob: Blob }[]
}

export interface Reported {
  incident: Incident
  receipt: Receipt
}

const TIMEOUT_MS = 20_000
const UPLOAD_TIMEOUT_MS = 180_000
/** A little longer than the server takes at most to encode a clip anew. */
const COPY_TIMEOUT_MS = 31 * 60_000

type Query = Record<string, string | number | boolean | readonly string[] | undefined>

export class Client {
  /** Called when the server no longer knows us. */
  onSignedOut: () => void = () => undefined

  constructor(private readonly fetcher: typeof fetch = (...args) => fetch(...args)) {}

  signIn(username: string, password: string): Promise<Me> {
    return this.#json<Me>('POST', '/session', { body: { username, password }, quiet: true })
  }
  async signOut(): Promise<void> {
    await this.#json('DELETE', '/session', { quiet: true })
  }
  /** Who we are; an ApiError of kind unauthenticated when nobody. */
  session(): Promise<Me> {
    return this.#json<Me>('GET', '/session', { quiet: true })
  }

  areas(): Promise<List<Area>> {
    return this.#json('GET', '/areas')
  }
  grids(): Promise<List<Grid>> {
    return this.#json('GET', '/grids')
  }
  areaShapes(): Promise<FeatureCollection<AreaProps>> {
    return this.#json('GET', '/areas.geojson')
  }
  gridShapes(): Promise<FeatureCollection<GridProps>> {
    return this.#json('GET', '/grids.geojson')
  }
  basemap(): Promise<FeatureCollection<BasemapProps>> {
    return this.#json('GET', '/basemap.geojson')
  }
  categories(): Promise<List<Category>> {
    return this.#json('GET', '/categories')
  }

  cameras(query: { q?: string; area?: string; grid?: string; limit?: number; cursor?: string } = {}): Promise<List<Camera>> {
    return this.#json('GET', '/cameras', { query })
  }
  /** The cameras that see a point, best first. */
  camerasNear(at: LonLat, limit = 4, signal?: AbortSignal): Promise<List<NearCamera>> {
    return this.#json('GET', '/cameras', { query: { near: `${at[0]},${at[1]}`, limit }, signal })
  }

  incidents(query: { mine?: boolean; q?: string; limit?: number; cursor?: string } = {}, signal?: AbortSignal): Promise<List<Incident>> {
    return this.#json('GET', '/incidents', { query, signal })
  }
  incident(id: string): Promise<Incident> {
    return this.#json('GET', `/incidents/${encodeURIComponent(id)}`)
  }
  alerts(query: { limit?: number; cursor?: string } = {}): Promise<List<Alert>> {
    return this.#json('GET', '/alerts', { query })
  }

  /** Sends a report. The same key again gives the same answer, so a lost answer is safe to ask for again. */
  report(incident: NewIncident, idempotencyKey: string): Promise<Reported> {
    const { photos = [], ...fields } = incident
    const headers = { 'Idempotency-Key': idempotencyKey }
    if (photos.length === 0) return this.#json('POST', '/incidents', { body: fields, headers, quiet: true })
    const form = new FormData()
    for (const [name, value] of Object.entries(fields)) if (value !== undefined) form.set(name, String(value))
    for (const photo of photos) form.append('photos', photo.blob, photo.name)
    return this.#json('POST', '/incidents', { form, headers, timeoutMs: UPLOAD_TIMEOUT_MS, quiet: true })
  }

  cases(query: { q?: string; open?: boolean; limit?: number; sort?: 'updated' | 'opened' } = {}, signal?: AbortSignal): Promise<List<Case>> {
    return this.#json('GET', '/cases', { query, signal })
  }
  /** By id or by code. */
  case(id: string): Promise<Case> {
    return this.#json('GET', `/cases/${encodeURIComponent(id)}`)
  }
  caseIncidents(id: string): Promise<List<Incident>> {
    return this.#json('GET', `/cases/${encodeURIComponent(id)}/incidents`)
  }

  /** What is recorded of these cameras, with the alarms and cases around them. */
  recordings(cameras: readonly string[], profile: Profile, span: TimeSpan, signal?: AbortSignal): Promise<Recordings> {
    return this.#json('GET', '/recordings', { query: { camera: cameras, profile, ...span }, signal })
  }
  openPlayback(wanted: NewPlayback): Promise<Playback> {
    return this.#json('POST', '/playbacks', { body: wanted })
  }
  async closePlayback(id: string): Promise<void> {
    await this.#json('DELETE', `/playbacks/${encodeURIComponent(id)}`, { quiet: true })
  }
  /** Times of the key frames before a moment (epoch ms), the latest first. */
  keyframes(playback: string, camera: string, before: number, n: number, signal?: AbortSignal): Promise<List<string>> {
    const query = { camera, before: new Date(before).toISOString(), n }
    return this.#json('GET', `/playbacks/${encodeURIComponent(playback)}/keyframes`, { query, signal })
  }

  /** The same key again gives the same export. */
  startExport(wanted: NewExport, idempotencyKey: string): Promise<Export> {
    return this.#json('POST', '/exports', { body: wanted, headers: { 'Idempotency-Key': idempotencyKey } })
  }
  export(id: string, signal?: AbortSignal): Promise<Export> {
    return this.#json('GET', `/exports/${encodeURIComponent(id)}`, { signal })
  }
  /** One's own. */
  exports(): Promise<List<Export>> {
    return this.#json('GET', '/exports')
  }
  async cancelExport(id: string): Promise<void> {
    await this.#json('DELETE', `/exports/${encodeURIComponent(id)}`)
  }

  evidence(caseId: string): Promise<List<Evidence>> {
    return this.#json('GET', `/cases/${encodeURIComponent(caseId)}/evidence`)
  }
  verifyEvidence(id: string): Promise<Verdict> {
    return this.#json('POST', `/evidence/${encodeURIComponent(id)}/verify`, { timeoutMs: UPLOAD_TIMEOUT_MS })
  }
  /** A copy for sharing: answers when it is made. To leave it is to have the server give it up. */
  copyEvidence(id: string, wanted: NewCopy, signal: AbortSignal): Promise<Evidence> {
    return this.#json('POST', `/evidence/${encodeURIComponent(id)}/copy`, { body: wanted, signal, timeoutMs: COPY_TIMEOUT_MS })
  }
  clipRequests(query: { state?: ClipRequest['state']; case_id?: string } = {}, signal?: AbortSignal): Promise<List<ClipRequest>> {
    return this.#json('GET', '/clip-requests', { query, signal })
  }
  requestClip(caseId: string, wanted: TimeSpan & { cameras: string[]; reason: string }, idempotencyKey: string): Promise<ClipRequest> {
    const headers = { 'Idempotency-Key': idempotencyKey }
    return this.#json('POST', `/cases/${encodeURIComponent(caseId)}/clip-requests`, { body: wanted, headers })
  }
  approveClip(id: string): Promise<ClipRequest> {
    return this.#json('POST', `/clip-requests/${encodeURIComponent(id)}/approval`, { body: {} })
  }
  refuseClip(id: string, reason: string): Promise<ClipRequest> {
    return this.#json('POST', `/clip-requests/${encodeURIComponent(id)}/refusal`, { body: { reason } })
  }
  holds(caseId: string): Promise<List<Hold>> {
    return this.#json('GET', `/cases/${encodeURIComponent(caseId)}/holds`)
  }
  reviewHold(id: string, until: string, reason: string): Promise<Hold> {
    return this.#json('POST', `/holds/${encodeURIComponent(id)}/review`, { body: { until, reason } })
  }

  async #json<T>(
    method: string,
    path: string,
    options: {
      query?: Query
      body?: unknown
      form?: FormData
      headers?: Record<string, string>
      signal?: AbortSignal
      timeoutMs?: number
      /** Do not send the user to the sign-in page on 401. */
      quiet?: boolean
    } = {},
  ): Promise<T> {
    const headers: Record<string, string> = { Accept: 'application/json', ...options.headers }
    let body: BodyInit | undefined = options.form
    if (options.body !== undefined) {
      headers['Content-Type'] = 'application/json'
      body = JSON.stringify(options.body)
    }
    const timeout = AbortSignal.timeout(options.timeoutMs ?? TIMEOUT_MS)
    const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout
    let response: Response
    try {
      response = await this.fetcher(`/api/v1${path}${queryOf(options.query)}`, {
        method, headers, body, signal, credentials: 'same-origin',
      })
    } catch (cause) {
      if (options.signal?.aborted) throw cause
      throw new ApiError('network', 0, cause instanceof Error ? cause.message : 'no answer')
    }
    if (!response.ok) {
      const fault = await faultOf(response)
      if (fault.kind === 'unauthenticated' && !options.quiet) this.onSignedOut()
      throw fault
    }
    if (response.status === 204) return undefined as T
    try {
      return (await response.json()) as T
    } catch (cause) {
      if (options.signal?.aborted) throw cause
      throw new ApiError('network', response.status, 'the answer was cut short or is not JSON')
    }
  }
}

function queryOf(query: Query | undefined): string {
  const params = new URLSearchParams()
  for (const [name, value] of Object.entries(query ?? {})) {
    if (Array.isArray(value)) for (const one of value) params.append(name, String(one))
    else if (value !== undefined && value !== '') params.set(name, String(value))
  }
  const text = params.toString()
  return text && `?${text}`
}

async function faultOf(response: Response): Promise<ApiError> {
  let problem: Partial<Problem> = {}
  if (/json/.test(response.headers.get('Content-Type') ?? '')) {
    problem = await response.json().catch(() => ({}))
  }
  const kind = KIND_BY_STATUS[response.status] ?? problem.kind ?? 'internal'
  const retry = Number(response.headers.get('Retry-After'))
  return new ApiError(
    kind, response.status, problem.detail ?? problem.title ?? response.statusText, problem.errors ?? [],
    retry > 0 ? retry : undefined,
  )
}
