/**
 * The one time that all pictures of a playback keep to. It runs at a rate, stands when paused, and stands
 * while it is held: somebody's picture is not there yet.
 */
export class Clock {
  #base: number
  #since = 0
  #rate = 1
  #playing = false
  #held = false

  constructor(private readonly now: () => number, at: number) {
    this.#base = at
  }

  /** What is shown at this moment, epoch ms. */
  get at(): number {
    return this.#running ? this.#base + (this.now() - this.#since) * this.#rate : this.#base
  }

  get rate(): number {
    return this.#rate
  }

  /** Wanted by whoever watches; it may be held all the same. */
  get playing(): boolean {
    return this.#playing
  }

  get held(): boolean {
    return this.#held
  }

  set(at: number): void {
    this.#base = at
    this.#since = this.now()
  }

  setRate(rate: number): void {
    this.set(this.at)
    this.#rate = rate
  }

  play(on: boolean): void {
    this.set(this.at)
    this.#playing = on
  }

  hold(on: boolean): void {
    if (on === this.#held) return
    this.set(this.at)
    this.#held = on
  }

  get #running(): boolean {
    return this.#playing && !this.#held
  }
}
