/** What a film shows, in numbers. */
import type { Person } from './browser'

/** Size of what lumaAt gives. */
export const LUMA = { w: 320, h: 180 }

/** The luminance of a film's picture at a time, 0 to 255, line by line. */
export function lumaAt(person: Person, url: string, second: number): Promise<number[]> {
  return person.page.evaluate(async ([from, at, { w, h }]) => {
    const video = document.createElement('video')
    video.muted = true
    video.src = from
    await new Promise((done, failed) => {
      video.onloadeddata = done
      video.onerror = () => failed(new Error(video.error?.message))
    })
    const drawn = new Promise((done) => video.requestVideoFrameCallback(done))
    video.currentTime = at
    await new Promise((done) => video.addEventListener('seeked', done, { once: true }))
    await drawn
    const canvas = new OffscreenCanvas(w, h)
    const pen = canvas.getContext('2d')!
    pen.drawImage(video, 0, 0, w, h)
    const { data } = pen.getImageData(0, 0, w, h)
    video.removeAttribute('src')
    video.load()
    return Array.from({ length: w * h }, (_, i) => Math.round(0.299 * data[4 * i]! + 0.587 * data[4 * i + 1]! + 0.114 * data[4 * i + 2]!))
  }, [url, second, LUMA] as const)
}
