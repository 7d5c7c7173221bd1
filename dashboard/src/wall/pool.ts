/**
 * Video elements, reused: making and dropping hundreds of them leaks decoders in every browser.
 *
 * Invariant: an element is either out (once) or idle; idle ones hold no stream and are in no
 * document. At most KEEP idle ones are kept, the rest are let go.
 */
export const KEEP = 20

export class VideoPool {
  #idle: HTMLVideoElement[] = []
  #out = new Set<HTMLVideoElement>()
  /** Elements ever made, for tests and for finding leaks. */
  made = 0

  constructor(private readonly make: () => HTMLVideoElement = () => document.createElement('video')) {}

  get out(): number {
    return this.#out.size
  }

  get idle(): number {
    return this.#idle.length
  }

  take(): HTMLVideoElement {
    let video = this.#idle.pop()
    if (!video) {
      video = this.make()
      this.made++
      video.muted = true
      video.autoplay = true
      video.playsInline = true
      video.disablePictureInPicture = true
      video.setAttribute('muted', '')
      video.setAttribute('playsinline', '')
      video.tabIndex = -1
    }
    this.#out.add(video)
    return video
  }

  give(video: HTMLVideoElement): void {
    if (!this.#out.delete(video)) return
    video.pause()
    video.srcObject = null
    video.className = ''
    video.remove()
    if (this.#idle.length < KEEP) this.#idle.push(video)
  }

  clear(): void {
    this.#idle = []
  }
}
