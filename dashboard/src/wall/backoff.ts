/**
 * Waiting times between tries: doubling from FIRST_MS to MAX_MS, each with jitter, so that a
 * hundred tiles that lost one server do not come back in the same instant.
 */
export const FIRST_MS = 1_000
export const MAX_MS = 15_000

export class Backoff {
  #tries = 0

  constructor(private readonly random: () => number = Math.random) {}

  /** The next wait: between 60% and 100% of the step, never under FIRST_MS, never over MAX_MS. */
  next(): number {
    const step = Math.min(MAX_MS, FIRST_MS * 2 ** this.#tries)
    if (step < MAX_MS) this.#tries++
    return Math.max(FIRST_MS, Math.round(step * (0.6 + 0.4 * this.random())))
  }

  reset(): void {
    this.#tries = 0
  }
}
