/** Figures of a run of measurements, and how they are told. */

export function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil((p / 100) * sorted.length) - 1)] ?? NaN
}

/** Shown in the output of a run; the figures that the README and the closing notes quote come from here. */
export function tell(what: string, values: readonly number[]): void {
  const round = (n: number) => `${Math.round(n)} ms`
  const figures = values.length === 1
    ? round(values[0]!)
    : `p50 ${round(percentile(values, 50))}, p95 ${round(percentile(values, 95))}, most ${round(Math.max(...values))} of ${values.length}`
  process.stdout.write(`  measured: ${what}: ${figures}\n`)
}
