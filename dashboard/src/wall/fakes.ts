/** A server and a browser's WebRTC for the tests of this room: no network, times by vitest's fake timers. */
import type { Spares } from './peers'
import type { Surroundings } from './whep'

export const OFFER = [
  'v=0', 'o=- 1 2 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=group:BUNDLE 0', 'm=video 9 UDP/TLS/RTP/SAVPF 96',
  'a=ice-ufrag:offU', 'a=ice-pwd:offerpasswordofferpassword', 'a=mid:0', '',
].join('\r\n')
export const ANSWER = [
  'v=0', 'o=- 3 4 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=group:BUNDLE 0', 'm=video 9 UDP/TLS/RTP/SAVPF 96',
  'a=candidate:1 1 udp 1 127.0.0.1 9000 typ host', 'a=ice-ufrag:ansU', 'a=ice-pwd:answerpasswordanswerpass', 'a=mid:0', 'a=end-of-candidates', '',
].join('\r\n')
export const RESTARTED = 'a=ice-ufrag:newU\r\na=ice-pwd:newpasswordnewpasswordnew\r\na=candidate:2 1 udp 1 127.0.0.1 9001 typ host\r\n'

export class FakePeer {
  connectionState = 'new'
  iceGatheringState = 'new'
  localDescription: { sdp: string } | null = null
  remoteDescription: { type: string; sdp: string } | null = null
  closed = false
  gathers = true
  restarts = 0
  receiver = { getStats: () => Promise.resolve(new Map()), jitterBufferTarget: null, track: { kind: 'video' } }
  ontrack: ((event: unknown) => void) | null = null
  onicecandidate: ((event: unknown) => void) | null = null
  onicegatheringstatechange: (() => void) | null = null
  onconnectionstatechange: (() => void) | null = null

  kinds: string[] = []

  addTransceiver(kind: string) {
    this.kinds.push(kind)
    return { receiver: this.receiver }
  }
  createOffer(options?: { iceRestart?: boolean }) {
    if (options?.iceRestart) this.restarts++
    return Promise.resolve({ type: 'offer', sdp: OFFER })
  }
  setLocalDescription(description: { sdp: string }) {
    this.localDescription = description
    if (this.gathers) this.gather('complete')
    return Promise.resolve()
  }
  setRemoteDescription(description: { type: string; sdp: string }) {
    this.remoteDescription = description
    return Promise.resolve()
  }
  close() {
    this.closed = true
  }
  gather(state: string) {
    this.iceGatheringState = state
    this.onicegatheringstatechange?.()
  }
  become(state: string) {
    this.connectionState = state
    this.onconnectionstatechange?.()
  }
}

export interface Call {
  method: string
  url: string
  init: RequestInit
}

export class FakeWorld implements Surroundings {
  peers: FakePeer[] = []
  calls: Call[] = []
  /** Server sessions that were made and not deleted. */
  sessions = new Set<string>()
  /** Those among them that show a camera. */
  shown = new Set<string>()
  spares?: Spares
  /** Peers have their addresses at once. */
  gathers = true
  answer: (call: Call) => Response | Promise<Response> = (call) => this.ordinary(call)
  #made = 0

  fetch(url: string, init: RequestInit): Promise<Response> {
    const call = { method: init.method ?? 'GET', url, init }
    this.calls.push(call)
    if (call.method === 'DELETE') this.sessions.delete(url)
    return Promise.resolve().then(() => this.answer(call))
  }
  peer(): RTCPeerConnection {
    const peer = new FakePeer()
    peer.gathers = this.gathers
    this.peers.push(peer)
    return peer as unknown as RTCPeerConnection
  }
  codecs = () => []
  now = () => Date.now()
  random = () => 1
  origin = () => 'http://wall.test'

  ordinary(call: Call): Response {
    const named = /&session=(.+)/.exec(call.url)
    if (named) return this.named(`/api/v1/whep/${named[1]}`)
    if (call.method === 'POST') return this.created()
    if (call.method === 'PATCH') return new Response(RESTARTED, { status: 200 })
    return new Response(null, { status: 200 })
  }
  created(location = `/api/v1/whep/s${++this.#made}`): Response {
    this.sessions.add(location)
    return new Response(ANSWER, { status: 201, headers: { Location: location, ETag: '"e1"', 'X-Profile': 'main' } })
  }
  named(location: string): Response {
    if (!this.sessions.has(location)) return new Response(null, { status: 404 })
    if (this.shown.has(location)) return new Response(null, { status: 409 })
    this.shown.add(location)
    return new Response(null, { status: 201, headers: { Location: location, ETag: '"e2"', 'X-Profile': 'main', 'X-Codec': 'H264' } })
  }
  count(method: string, url?: string): number {
    return this.calls.filter((call) => call.method === method && (!url || call.url === url)).length
  }
  get last(): FakePeer {
    return this.peers.at(-1)!
  }
}
