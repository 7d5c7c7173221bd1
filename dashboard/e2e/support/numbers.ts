/** Figures of a run of measurements, and how they are told. */

export function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil((p / 100) * sorted.length) - 1)] ?? NaN
}

/** Shown in the output of a run; the figures that the README and the closing notes quote come from here. */
export function tell(what: string, values: readonly number[], unit = 'ms'): void {
  const [p50, p95, most] = [percentile(values, 50), percentile(values, 95), Math.max(...values)].map((n) => Math.round(n))
  process.stdout.write(`  measured: ${what}: p50 ${p50} ${unit}, p95 ${p95} ${unit}, most ${most} ${unit} (${values.length})\n`)
}
