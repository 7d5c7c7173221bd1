/** What the screen itself showed, frame by frame: pictures of the page as the browser put them together. */
import type { CDPSession } from 'playwright-core'
import type { Person } from './browser'

export interface Box {
  x: number
  y: number
  width: number
  height: number
}

export interface Shot {
  /** Of the camera's picture, null when its strip cannot be read in any of the boxes. */
  frame: number | null
  /** Mean brightness of the first box, 0 to 255. */
  light: number
}

export class ScreenFilm {
  #shots: { data: string; at: number }[] = []

  private constructor(private readonly person: Person, private readonly session: CDPSession) {}

  static async start(person: Person): Promise<ScreenFilm> {
    const session = await person.context.newCDPSession(person.page)
    const film = new ScreenFilm(person, session)
    session.on('Page.screencastFrame', ({ data, metadata, sessionId }) => {
      film.#shots.push({ data, at: metadata.timestamp ?? 0 })
      // The session may have ended meanwhile.
      session.send('Page.screencastFrameAck', { sessionId }).catch(() => undefined)
    })
    await session.send('Page.startScreencast', { format: 'jpeg', quality: 92, everyNthFrame: 1 })
    return film
  }

  /** Ends it; what each shot has in one of these boxes, each that of a whole 16:9 picture. */
  async stop(boxes: readonly Box[]): Promise<Shot[]> {
    await this.session.send('Page.stopScreencast')
    await this.session.detach()
    // They are packed side by side, and do not come in their order.
    const shots = this.#shots.sort((a, b) => a.at - b.at).map(({ data }) => data)
    const out: Shot[] = []
    while (shots.length > 0) out.push(...(await this.person.page.evaluate(look, { shots: shots.splice(0, 20), boxes })))
    return out
  }
}

/** Runs in the page. */
async function look({ shots, boxes }: { shots: string[]; boxes: readonly Box[] }): Promise<Shot[]> {
  const canvas = document.createElement('canvas')
  const pen = canvas.getContext('2d', { willReadFrequently: true })!
  const out: Shot[] = []
  for (const data of shots) {
    const bytes = Uint8Array.from(atob(data), (char) => char.charCodeAt(0))
    const image = await createImageBitmap(new Blob([bytes], { type: 'image/jpeg' }))
    const cut = ({ x, y, width, height }: Box, w: number, h: number) => {
      canvas.width = w
      canvas.height = h
      pen.drawImage(image, x, y, width, height, 0, 0, w, h)
    }
    let frame: number | null = null
    for (const box of boxes) {
      cut(box, 480, 270)
      frame ??= window.probe.read(canvas).frame
    }
    cut(boxes[0]!, 16, 9)
    const pixels = pen.getImageData(0, 0, 16, 9).data
    let light = 0
    for (let i = 0; i < pixels.length; i += 4) light += (pixels[i]! + pixels[i + 1]! + pixels[i + 2]!) / 3
    image.close()
    out.push({ frame, light: (4 * light) / pixels.length })
  }
  return out
}

/** The picture of 16:9 that stands whole in the middle of a tile. */
export function pictureIn({ x, y, width, height }: Box): Box {
  const w = Math.min(width, (height * 16) / 9)
  const h = (w * 9) / 16
  return { x: x + (width - w) / 2, y: y + (height - h) / 2, width: w, height: h }
}
