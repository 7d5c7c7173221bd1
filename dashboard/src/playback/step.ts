/** A frame's length where nothing better is known. */
export const AIM_FRAME_S = 0.04

/** Behind the clock by more than this, times the speed, is more than a passing hold-up. */
const LATE_S = 0.35

/** How far the clock is to go back for the slowest of them, s; 0: all keep up. drifts: how far each is ahead of it. */
export function slowest(drifts: readonly number[], rate: number): number {
  const least = Math.min(0, ...drifts)
  const most = LATE_S * Math.max(1, rate)
  // Far behind is a seek that has just been asked for, not a slow decoder.
  return least < -most && least > -4 * most ? least + most : 0
}
