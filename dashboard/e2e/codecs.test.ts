import { afterAll, describe, expect, test } from 'vitest'
import type { Person } from './support/browser'
import { BITS, Films } from './support/films'
import { stage } from './support/stage'

const films = new Films()
const here = stage(async () => ({
  cameras: 4,
  source: await films.serve([
    { path: 'cam000', encode: ['-c:v', 'libx264', '-preset', 'veryfast', '-g', '50', '-x264-params', 'bframes=2:b-adapt=0:b-pyramid=0:scenecut=0'] },
    { path: 'cam001', encode: ['-c:v', 'libx264', '-preset', 'veryfast', '-g', '50', '-x264-params', 'bframes=3:b-adapt=0:b-pyramid=normal:scenecut=0'] },
    { path: 'cam002', encode: ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'keyint=50:bframes=0:log-level=none'] },
    { path: 'cam003', encode: ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '50', '-bf', '0'], sound: true },
  ]),
}))
afterAll(() => films.close())

interface Seen {
  status: number
  codec: string | null
  transcoded: string | null
  /** Of each picture drawn: ms since the first one, and its number. */
  pictures: [number, number][]
  decoded: number
  pli: number
  energy: number
  concealed: number
  samples: number
}

/** Watches a camera as the wall does, and reads the number of each picture that Chromium shows. */
function watch(person: Person, camera: string, seconds: number, sound = false): Promise<Seen> {
  return person.page.evaluate(async ({ camera, seconds, sound, bits }) => {
    const pc = new RTCPeerConnection()
    pc.addTransceiver('video', { direction: 'recvonly' })
    if (sound) pc.addTransceiver('audio', { direction: 'recvonly' })
    const video = document.createElement('video')
    video.autoplay = true
    video.muted = !sound
    document.body.replaceChildren(video)
    const stream = new MediaStream()
    pc.ontrack = (event) => {
      stream.addTrack(event.track)
      video.srcObject = stream
    }
    await pc.setLocalDescription(await pc.createOffer())
    const answer = await fetch(`/api/v1/cameras/${camera}/whep`, {
      method: 'POST', headers: { 'Content-Type': 'application/sdp' }, body: pc.localDescription!.sdp,
    })
    const seen: Seen = { status: answer.status, codec: answer.headers.get('X-Codec'), transcoded: answer.headers.get('X-Transcoded'),
      pictures: [], decoded: 0, pli: 0, energy: 0, concealed: 0, samples: 0 }
    if (!answer.ok) return seen
    await pc.setRemoteDescription({ type: 'answer', sdp: await answer.text() })
    const canvas = new OffscreenCanvas(bits.left + bits.count * bits.width, bits.height)
    const pen = canvas.getContext('2d', { willReadFrequently: true })!
    let first = 0
    const look = () => {
      pen.drawImage(video, 0, 0)
      const line = pen.getImageData(0, bits.height / 2, canvas.width, 1).data
      let number = 0
      for (let i = 0; i < bits.count; i++) if (line[(bits.left + (i + 0.5) * bits.width) * 4]! > 128) number |= 1 << i
      first ||= performance.now()
      seen.pictures.push([performance.now() - first, number])
      video.requestVideoFrameCallback(look)
    }
    video.requestVideoFrameCallback(look)
    await new Promise((done) => setTimeout(done, seconds * 1000))
    for (const report of (await pc.getStats()).values()) {
      if (report.type !== 'inbound-rtp') continue
      if (report.kind === 'video') [seen.decoded, seen.pli] = [report.framesDecoded, report.pliCount]
      else [seen.energy, seen.concealed, seen.samples] = [report.totalAudioEnergy, report.concealedSamples, report.totalSamplesReceived]
    }
    await fetch(answer.headers.get('Location')!, { method: 'DELETE' })
    pc.close()
    return seen
  }, { camera, seconds, sound, bits: BITS })
}

/** In order, and no later at the end than at the beginning. */
function assertSmooth(seen: Seen, perSecond: number, seconds: number): void {
  // The first may be drawn again while the next is on its way.
  const pictures = seen.pictures.filter(([, number], i, all) => i !== 1 || number !== all[0]![1])
  expect(seen.decoded).toBeGreaterThan(perSecond * seconds)
  expect(seen.pli).toBeLessThan(3)
  for (let i = 1; i < pictures.length; i++) {
    expect(pictures[i]![1], `picture ${i} of ${pictures.map(([, number]) => number).join(' ')}`).toBeGreaterThan(pictures[i - 1]![1])
  }
  const late = ([ms, number]: [number, number]) => ms - number * 40
  const early = pictures.slice(pictures.length >> 2)
  expect(Math.abs(late(pictures.at(-1)!) - late(early[0]!))).toBeLessThan(500)
}

async function sit(): Promise<Person> {
  const person = await here.person('duty_officer')
  // An empty page of the gateway's own; the browser asks for its icon by itself.
  await person.page.route('**/favicon.ico', (route) => route.fulfill({ status: 204 }))
  await person.page.goto('/healthz')
  await person.page.mouse.click(5, 5) // sound is played to who has touched the page
  return person
}

describe('what cameras send', () => {
  test('B-pictures: the others are shown in order, without a key frame asked for', async () => {
    const seen = await watch(await sit(), 'cam000', 6)
    expect([seen.status, seen.codec, seen.transcoded]).toEqual([201, 'H264', null])
    assertSmooth(seen, 6, 6) // every third of 25
  })

  test('a pyramid of B-pictures is shown whole, transcoded', async () => {
    const seen = await watch(await sit(), 'cam001', 6)
    expect([seen.status, seen.codec, seen.transcoded]).toEqual([201, 'H264', '1'])
    assertSmooth(seen, 15, 6)
  })

  test('H.265, which this Chromium does not take, is shown transcoded', async () => {
    const seen = await watch(await sit(), 'cam002', 6)
    expect([seen.status, seen.codec, seen.transcoded]).toEqual([201, 'H265', '1'])
    assertSmooth(seen, 15, 6)
  })

  test('AAC is heard as Opus, beside the picture as it is', async () => {
    const seen = await watch(await sit(), 'cam003', 6, true)
    expect([seen.status, seen.codec, seen.transcoded]).toEqual([201, 'H264', null])
    assertSmooth(seen, 15, 6)
    expect(seen.energy).toBeGreaterThan(0)
    expect(seen.concealed).toBeLessThan(seen.samples / 5)
  })
})
