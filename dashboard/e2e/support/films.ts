/** Cameras of other makes: films with the frame's number in the picture, served by GStreamer's RTSP server. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const SERVER = join(import.meta.dirname, '../../../streams/rtsp/testdata/gst_server.py')
const WIDTH = 320
const HEIGHT = 180
const SECONDS = 30

/** Twelve blocks at the top of the picture, one for each bit; the page reads them back. */
export const BITS = { count: 12, left: 8, width: 24, height: 40 }

export interface Film {
  path: string
  /** What ffmpeg encodes with. */
  encode: string[]
  /** AAC beside the picture. */
  sound?: boolean
}

function ffmpeg(args: string[]): void {
  const done = spawnSync('ffmpeg', ['-v', 'error', '-y', ...args], { encoding: 'utf8' })
  if (done.status !== 0) throw new Error(`ffmpeg: ${done.error?.message ?? done.stderr}`)
}

/** Noise, so that a damaged picture differs, with the number drawn over it. */
function draw(number: string): string {
  const { count, left, width, height } = BITS
  const block = `lt(Y,${height})*gte(X,${left})*lt(X,${left + count * width})`
  const bit = `mod(floor(${number}/pow(2,floor((X-${left})/${width}))),2)`
  return `geq=lum='if(${block},16+219*${bit},100+40*mod(X*7+Y*13+3*${number},2))':cb=128:cr=128`
}

export class Films {
  #folder = ''
  #server: ChildProcess | null = null

  /** Encodes the films and serves each; the address is as the demo's --source takes it. */
  async serve(films: Film[]): Promise<string> {
    this.#folder = await mkdtemp(join(tmpdir(), 'sharpeyes-films-'))
    const drawn = join(this.#folder, 'drawn.mkv')
    ffmpeg(['-f', 'lavfi', '-i', `color=gray:s=${WIDTH}x${HEIGHT}:r=25,${draw('N')}`, '-t', String(SECONDS),
      '-pix_fmt', 'yuv420p', '-c:v', 'libx264', '-preset', 'ultrafast', '-qp', '0', drawn])
    const mounts = films.map((film, i) => {
      const file = join(this.#folder, `${i}.mkv`)
      const sound = film.sound ? ['-f', 'lavfi', '-i', 'sine=f=440:r=44100', '-c:a', 'aac', '-shortest'] : []
      ffmpeg(['-i', drawn, ...sound, '-pix_fmt', 'yuv420p', ...film.encode, file])
      const codec = film.encode.includes('libx265') ? 'h265' : 'h264'
      const picture = `queue ! ${codec}parse ! rtp${codec}pay name=pay0 pt=96 config-interval=-1`
      const rest = film.sound ? ` d.audio_0 ! queue ! aacparse ! rtpmp4gpay name=pay1 pt=97` : ''
      return { path: film.path, launch: `filesrc location=${file} ! matroskademux name=d d.video_0 ! ${picture}${rest}` }
    })
    const child = spawn('/usr/bin/python3', [SERVER, JSON.stringify(mounts)], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#server = child
    const port = await new Promise<string>((done, fail) => {
      let said = ''
      child.once('error', fail)
      child.once('close', () => fail(new Error("GStreamer's RTSP server ended")))
      child.stdout.on('data', (text: Buffer) => {
        said += text.toString()
        const found = /PORT (\d+)/.exec(said)
        if (found) done(found[1]!)
      })
    })
    return `rtsp://127.0.0.1:${port}/cam%03d`
  }

  /** The server ends with its standard input. */
  async close(): Promise<void> {
    const child = this.#server
    if (child) {
      const ended = new Promise((done) => child.once('close', done))
      child.stdin!.end()
      await ended
    }
    if (this.#folder) await rm(this.#folder, { recursive: true, force: true })
  }
}
