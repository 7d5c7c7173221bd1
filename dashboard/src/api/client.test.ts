import { describe, expect, it, vi } from 'vitest'
import { ApiError, Client } from './client'

const answer = (status: number, body?: unknown, headers: Record<string, string> = {}) =>
  new Response(body === undefined ? null : JSON.stringify(body), {
    status, headers: { 'Content-Type': status < 400 ? 'application/json' : 'application/problem+json', ...headers },
  })
const make = (...answers: (Response | Error)[]) => {
  const fetcher = vi.fn<(...args: Parameters<typeof fetch>) => Promise<Response>>(async () => {
    const next = answers.shift()!
    if (next instanceof Error) throw next
    return next
  })
  const client = new Client(fetcher as typeof fetch)
  client.onSignedOut = vi.fn()
  return { client, fetcher }
}
const faultOf = (promise: Promise<unknown>) => promise.then(() => { throw new Error('no fault') }, (fault: ApiError) => fault)

describe('faults', () => {
  it('carry kind, detail and fields of a problem document', async () => {
    const { client } = make(answer(422, { status: 422, kind: 'invalid', detail: 'text is missing', errors: [{ field: 'text', message: 'say something' }] }))
    const fault = await faultOf(client.report({ category: 'x', text: '', lon: 1, lat: 2 }, 'k'))
    expect(fault).toBeInstanceOf(ApiError)
    expect([fault.kind, fault.status, fault.message, fault.faults[0]!.field, fault.passing]).toEqual(['invalid', 422, 'text is missing', 'text', false])
  })

  it.each([[429, 'too_many'], [503, 'unavailable'], [502, 'unavailable'], [500, 'internal']])('%i may pass', async (status, kind) => {
    const { client } = make(answer(status, {}, { 'Retry-After': '7' }))
    const fault = await faultOf(client.areas())
    expect([fault.kind, fault.passing, fault.retryAfterS]).toEqual([kind, true, 7])
  })

  it('of the network and of half an answer are told as such', async () => {
    const { client } = make(new TypeError('failed to fetch'), new Response('{"items":', { status: 200 }))
    expect((await faultOf(client.areas())).kind).toBe('network')
    expect((await faultOf(client.areas())).kind).toBe('network')
  })

  it('an HTML error page of a proxy does not break the reading', async () => {
    const { client } = make(new Response('<html>', { status: 502, headers: { 'Content-Type': 'text/html' } }))
    expect((await faultOf(client.areas())).kind).toBe('unavailable')
  })

  it('401 leads to the sign-in, but not while signing in or asking who we are', async () => {
    const { client } = make(answer(401, {}), answer(401, {}), answer(401, {}))
    await faultOf(client.signIn('a', 'b'))
    await faultOf(client.session())
    expect(client.onSignedOut).not.toHaveBeenCalled()
    await faultOf(client.areas())
    expect(client.onSignedOut).toHaveBeenCalledOnce()
  })

  it('an aborted question stays an abort', async () => {
    const control = new AbortController()
    control.abort()
    const { client } = make(new DOMException('aborted', 'AbortError'))
    const fault = await faultOf(client.camerasNear([1, 2], 4, control.signal))
    expect(fault).not.toBeInstanceOf(ApiError)
  })
})

describe('a report', () => {
  it('without photos is JSON with its key', async () => {
    const { client, fetcher } = make(answer(201, {}))
    await client.report({ category: 'c', text: 't', lon: 1, lat: 2, direct: true }, 'key-1')
    const [url, init] = fetcher.mock.calls[0]!
    expect(url).toBe('/api/v1/incidents')
    expect(init!.headers).toMatchObject({ 'Idempotency-Key': 'key-1', 'Content-Type': 'application/json' })
    expect(JSON.parse(init!.body as string)).toEqual({ category: 'c', text: 't', lon: 1, lat: 2, direct: true })
  })

  it('with photos is a form, and the browser names its type', async () => {
    const { client, fetcher } = make(answer(201, {}))
    await client.report({ category: 'c', text: 't', lon: 1, lat: 2, accuracy_m: undefined, photos: [{ name: 'a.jpg', blob: new Blob(['x']) }] }, 'key-1')
    const { body, headers } = fetcher.mock.calls[0]![1]!
    expect(body).toBeInstanceOf(FormData)
    expect([...(body as FormData).keys()]).toEqual(['category', 'text', 'lon', 'lat', 'photos'])
    expect(headers).not.toHaveProperty('Content-Type')
  })
})

it('queries leave out what is not asked', async () => {
  const { client, fetcher } = make(answer(200, { items: [] }), answer(200, { items: [] }))
  await client.incidents({ mine: true, cursor: undefined })
  expect(fetcher.mock.calls[0]![0]).toBe('/api/v1/incidents?mine=true')
  await client.camerasNear([118.9, 31.9])
  expect(fetcher.mock.calls[1]![0]).toBe('/api/v1/cameras?near=118.9%2C31.9&limit=4')
})
