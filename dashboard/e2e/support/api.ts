/** The server's API as a machine uses it: plain requests with one cookie. */
import type { Alert, Camera, Incident, List, Me, Receipt, Role } from '../../src/api/types'

export const COOKIE = 'sharpeyes_session'

export interface Answer<T> {
  status: number
  headers: Headers
  body: T
}

export class Api {
  me: Me | null = null
  /** The session's secret. */
  cookie = ''

  constructor(readonly url: string) {}

  async request<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer<T>> {
    const plain = body === undefined || typeof body === 'string' || body instanceof FormData
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        ...(this.cookie ? { Cookie: `${COOKIE}=${this.cookie}` } : {}),
        ...(plain ? {} : { 'Content-Type': 'application/json' }),
        ...headers,
      },
      body: plain ? (body as string | FormData | undefined) : JSON.stringify(body),
    })
    const text = await response.text()
    const json = /json/.test(response.headers.get('Content-Type') ?? '') && text !== ''
    return { status: response.status, headers: response.headers, body: (json ? JSON.parse(text) : text) as T }
  }

  /** The answer's body; an Error with the server's words when the status is another one. */
  async must<T>(status: number, method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<T> {
    const answer = await this.request<T>(method, path, body, headers)
    if (answer.status !== status) {
      throw new Error(`${method} ${path}: ${answer.status} instead of ${status}: ${JSON.stringify(answer.body)}`)
    }
    return answer.body
  }

  get<T>(path: string): Promise<T> {
    return this.must<T>(200, 'GET', path)
  }

  async signIn(username: string, password: string): Promise<this> {
    const answer = await this.request<Me>('POST', '/api/v1/session', { username, password })
    if (answer.status !== 200) throw new Error(`sign-in of ${username}: ${answer.status} ${JSON.stringify(answer.body)}`)
    const cookie = answer.headers.getSetCookie().find((line) => line.startsWith(`${COOKIE}=`))
    this.cookie = cookie!.slice(COOKIE.length + 1).split(';')[0]!
    this.me = answer.body
    return this
  }

  cameras(): Promise<List<Camera>> {
    return this.get('/api/v1/cameras?limit=1000')
  }
  incidents(): Promise<List<Incident>> {
    return this.get('/api/v1/incidents?limit=1000')
  }
  alerts(): Promise<List<Alert>> {
    return this.get('/api/v1/alerts?limit=1000')
  }

  report(incident: { category: string; text: string; lon: number; lat: number }, key?: string): Promise<{ incident: Incident; receipt: Receipt }> {
    return this.must(201, 'POST', '/api/v1/incidents', incident, key ? { 'Idempotency-Key': key } : {})
  }

  async createUser(username: string, role: Role, areaId: string): Promise<{ id: string; username: string; password: string }> {
    const password = `e2e ${username} 7f3a 91c2`
    const { id } = await this.must<{ id: string }>(201, 'POST', '/api/v1/users', { username, name: username, role, area_id: areaId, password })
    return { id, username, password }
  }

  /** A source of alarms; its token is shown this once. */
  async createSource(name: string, areaId: string): Promise<string> {
    const { token } = await this.must<{ token: string }>(201, 'POST', '/api/v1/sources', { name, area_id: areaId })
    return token
  }
}

/** What a camera or an AI box posts. */
export async function postAlarm(url: string, token: string, alarm: Record<string, unknown>): Promise<{ status: number; at: number; body: { id: string; count: number; repeated: boolean } }> {
  const response = await fetch(`${url}/api/v1/hooks/alarms`, {
    method: 'POST', headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' }, body: JSON.stringify(alarm),
  })
  const at = Date.now()
  return { status: response.status, at, body: (await response.json()) as { id: string; count: number; repeated: boolean } }
}
