/**
 * A camera of the test's own that goes wrong when it is told to: RTSP (RFC 2326) over one TCP
 * connection, RTP interleaved, playing the demo's films. As in camsim, the frame shown at Unix time t
 * is floor(25 t) modulo the film's length, so that a picture's age can be read from it.
 */
import { readFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { join } from 'node:path'

const FPS = 25
const RTP_PAYLOAD = 1188
const FILMS = join(import.meta.dirname, '../../../configs/demo/loops')

export type Codec = 'H264' | 'H265' | 'JPEG'

/** How a camera behaves from now on. */
export interface Mood {
  /** Connected, but not a byte comes. */
  silent?: boolean
  /** Only changes of the picture are sent. */
  noKeys?: boolean
  /** One of so many packets is lost; 0: none. */
  lose?: number
  /** Calls are taken and never answered. */
  deaf?: boolean
}

interface Film {
  frames: { key: boolean; units: Buffer[] }[]
  codec: Codec
}

interface Player {
  socket: Socket
  camera: string
  seq: number
  started: boolean
}

export class TestCamera {
  #server: Server
  #players = new Set<Player>()
  #sockets = new Set<Socket>()
  #films = new Map<string, Film>()
  #moods = new Map<string, Mood>()
  #timer: ReturnType<typeof setInterval>
  #frame = Math.floor((Date.now() / 1000) * FPS)

  private constructor(server: Server) {
    this.#server = server
    server.on('connection', (socket) => this.#join(socket))
    this.#timer = setInterval(() => this.#beat(), 10)
  }

  static async open(): Promise<TestCamera> {
    const server = createServer()
    await new Promise<void>((done, failed) => {
      server.once('error', failed)
      server.listen(0, '127.0.0.1', done)
    })
    return new TestCamera(server)
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** A film for a camera: one of the demo's by its name, or an elementary stream of one's own. */
  film(camera: string, name: string | Buffer, codec: 'H264' | 'H265' = 'H264'): this {
    this.#films.set(camera, { codec, frames: frames(typeof name === 'string' ? readFileSync(join(FILMS, name)) : name, codec) })
    return this
  }

  /** A camera that sends motion JPEG, which nobody here takes. */
  jpeg(camera: string): this {
    this.#films.set(camera, { codec: 'JPEG', frames: [] })
    return this
  }

  be(camera: string, mood: Mood): void {
    // Its silence over, a camera begins with a whole picture again.
    if (this.#moods.get(camera)?.silent) for (const player of this.#players) if (player.camera === camera) player.started = false
    this.#moods.set(camera, mood)
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((done) => this.#server.close(done))
  }

  #join(socket: Socket): void {
    this.#sockets.add(socket)
    const player: Player = { socket, camera: '', seq: 0, started: false }
    let text = Buffer.alloc(0)
    socket.on('data', (bytes) => {
      text = Buffer.concat([text, bytes])
      for (;;) {
        // What the other side sends between its requests are reports of reception.
        if (text[0] === 0x24) {
          if (text.length < 4 || text.length < 4 + text.readUInt16BE(2)) return
          text = text.subarray(4 + text.readUInt16BE(2))
          continue
        }
        const end = text.indexOf('\r\n\r\n')
        if (end < 0) return
        this.#answer(player, text.subarray(0, end).toString())
        text = text.subarray(end + 4)
      }
    })
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      this.#sockets.delete(socket)
      this.#players.delete(player)
    })
  }

  #answer(player: Player, request: string): void {
    const [line = '', ...headers] = request.split('\r\n')
    const [method = '', url = ''] = line.split(' ')
    const seq = headers.find((header) => /^cseq:/i.test(header))?.split(':')[1]?.trim() ?? '0'
    const camera = /^rtsp:\/\/[^/]+\/(\w+)/.exec(url)?.[1] ?? ''
    if (this.#moods.get(camera)?.deaf) return
    const film = this.#films.get(camera)
    const say = (status: string, extra: string[] = [], body = '') =>
      player.socket.write([`RTSP/1.0 ${status}`, `CSeq: ${seq}`, 'Session: 1', ...extra, ...(body ? [`Content-Length: ${body.length}`] : []), '', body].join('\r\n'))
    if (!film) return void say('404 Not Found')
    switch (method) {
      case 'OPTIONS': return void say('200 OK', ['Public: DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER'])
      case 'DESCRIBE': return void say('200 OK', ['Content-Type: application/sdp', `Content-Base: ${url}/`], describe(film))
      case 'SETUP': {
        const transport = headers.find((header) => /^transport:/i.test(header)) ?? ''
        if (!/TCP/.test(transport)) return void say('461 Unsupported Transport')
        return void say('200 OK', ['Transport: RTP/AVP/TCP;unicast;interleaved=0-1'])
      }
      case 'PLAY':
        player.camera = camera
        this.#players.add(player)
        return void say('200 OK')
      case 'TEARDOWN':
        say('200 OK')
        return void player.socket.end()
      default: return void say('200 OK')
    }
  }

  #beat(): void {
    const now = Math.floor((Date.now() / 1000) * FPS)
    // After a hold-up the newest frames count; the receiver waits for the next key frame by itself.
    if (now - this.#frame > FPS) this.#frame = now - 1
    while (this.#frame < now) {
      this.#frame++
      for (const player of this.#players) this.#send(player, this.#frame)
    }
  }

  #send(player: Player, number: number): void {
    const film = this.#films.get(player.camera)
    const mood = this.#moods.get(player.camera) ?? {}
    if (!film || film.frames.length === 0 || mood.silent) return
    const frame = film.frames[number % film.frames.length]!
    // A picture is begun with a key frame, as cameras do, unless there are none.
    if (mood.noKeys ? frame.key : !player.started && !frame.key) return
    player.started = true
    const payloads = frame.units.flatMap((unit) => cut(unit, film.codec))
    const stamp = Math.round(number * (90_000 / FPS)) >>> 0
    payloads.forEach((payload, i) => {
      const packet = Buffer.alloc(16)
      packet.writeUInt8(0x24, 0)
      packet.writeUInt16BE(12 + payload.length, 2)
      packet.writeUInt8(0x80, 4)
      packet.writeUInt8((i === payloads.length - 1 ? 0x80 : 0) | 96, 5)
      packet.writeUInt16BE(player.seq++ & 0xffff, 6)
      packet.writeUInt32BE(stamp, 8)
      packet.writeUInt32BE(0x5ee5, 12)
      if (mood.lose && player.seq % mood.lose === 0) return
      player.socket.write(Buffer.concat([packet, payload]))
    })
  }
}

function describe({ codec, frames: all }: Film): string {
  const head = ['v=0', 'o=- 0 0 IN IP4 127.0.0.1', 's=test', 'c=IN IP4 0.0.0.0', 't=0 0']
  const units = all[0]?.units ?? []
  const sets = (types: number[]) => types.map((type) => units.find((unit) => kind(unit, codec) === type)?.toString('base64') ?? '')
  const media = {
    H264: () => ['m=video 0 RTP/AVP 96', 'a=rtpmap:96 H264/90000', `a=fmtp:96 packetization-mode=1;sprop-parameter-sets=${sets([7, 8]).join(',')}`],
    H265: () => {
      const [vps, sps, pps] = sets([32, 33, 34])
      return ['m=video 0 RTP/AVP 96', 'a=rtpmap:96 H265/90000', `a=fmtp:96 sprop-vps=${vps};sprop-sps=${sps};sprop-pps=${pps}`]
    },
    JPEG: () => ['m=video 0 RTP/AVP 26'],
  }[codec]()
  return [...head, ...media, 'a=control:video', ''].join('\r\n')
}

const kind = (unit: Buffer, codec: Codec) => (codec === 'H265' ? (unit[0]! >> 1) & 0x3f : unit[0]! & 0x1f)

/** The access units of an elementary stream (H.264 and H.265, Annex B). */
function frames(bytes: Buffer, codec: Codec): Film['frames'] {
  const out: Film['frames'] = []
  let units: Buffer[] = []
  let pictured = false
  const isPicture = (type: number) => (codec === 'H265' ? type < 32 : type === 1 || type === 5)
  const end = () => {
    if (!pictured) return
    const types = units.map((unit) => kind(unit, codec))
    out.push({ units, key: types.some((type) => (codec === 'H265' ? type >= 16 && type <= 21 : type === 5)) })
    units = []
    pictured = false
  }
  for (const unit of split(bytes)) {
    const picture = isPicture(kind(unit, codec))
    // The first slice of a picture says so in its first bit.
    const first = (unit[codec === 'H265' ? 2 : 1]! & 0x80) !== 0
    if (!picture || first) end()
    units.push(unit)
    pictured ||= picture
  }
  end()
  return out
}

function* split(bytes: Buffer): Generator<Buffer> {
  const mark = Buffer.from([0, 0, 1])
  let at = bytes.indexOf(mark)
  while (at >= 0) {
    const next = bytes.indexOf(mark, at + 3)
    let end = next < 0 ? bytes.length : next
    while (end > at + 3 && bytes[end - 1] === 0) end--
    if (end > at + 3) yield bytes.subarray(at + 3, end)
    at = next
  }
}

/** RTP payloads of one unit: whole, or in fragments (RFC 6184 5.8, RFC 7798 4.4.3). */
function cut(unit: Buffer, codec: Codec): Buffer[] {
  if (unit.length <= RTP_PAYLOAD) return [unit]
  const header = codec === 'H265' ? 2 : 1
  const type = kind(unit, codec)
  const body = unit.subarray(header)
  const out: Buffer[] = []
  for (let at = 0; at < body.length; at += RTP_PAYLOAD - 3) {
    const part = body.subarray(at, at + RTP_PAYLOAD - 3)
    const edge = (at === 0 ? 0x80 : 0) | (at + part.length === body.length ? 0x40 : 0)
    const lead = codec === 'H265' ? [(unit[0]! & 0x81) | (49 << 1), unit[1]!, edge | type] : [(unit[0]! & 0xe0) | 28, edge | type]
    out.push(Buffer.concat([Buffer.from(lead), part]))
  }
  return out
}
