/** From the server's answer to lanes and marks of the timeline. Pure. */
import type { Profile, Recording, Recordings } from '../../api/types'
import type { Gap, Lane, Mark, Span } from '../../playback'

/** Two pieces so near are one: an answer ends where the next one begins. */
const SEAM_MS = 1_000

const spanOf = ({ from, to }: { from: string; to: string }): Span => ({ from: Date.parse(from), to: Date.parse(to) })

/** What is known of one camera by profile. */
export type Known = Map<string, Map<Profile, Lane>>

export function laneOf(item: Recording): Lane {
  return {
    camera: item.camera,
    ranges: item.ranges.map(spanOf).sort((a, b) => a.from - b.from),
    gaps: item.gaps.map((gap): Gap => ({ ...spanOf(gap), cause: gap.cause })).sort((a, b) => a.from - b.from),
  }
}

/** Puts an answer over what was known: inside its span it alone counts. */
export function merge(known: Known, answer: readonly Recording[], over: Span): Known {
  const out: Known = new Map([...known].map(([camera, lanes]) => [camera, new Map(lanes)]))
  for (const item of answer) {
    const lanes = out.get(item.camera) ?? new Map<Profile, Lane>()
    const [before, now] = [lanes.get(item.profile), laneOf(item)]
    lanes.set(item.profile, before ? { camera: item.camera, ranges: overlaid(before.ranges, now.ranges, over), gaps: overlaid(before.gaps, now.gaps, over) } : now)
    out.set(item.camera, lanes)
  }
  return out
}

function overlaid<T extends Span>(before: readonly T[], now: readonly T[], over: Span): T[] {
  const out: T[] = []
  const cut = [
    ...before.filter((one) => one.from < over.from).map((one) => ({ ...one, to: Math.min(one.to, over.from) })),
    ...now,
    ...before.filter((one) => one.to > over.to).map((one) => ({ ...one, from: Math.max(one.from, over.to) })),
  ]
  for (const one of cut) {
    const last = out.at(-1)
    const same = last && one.from - last.to <= SEAM_MS && causeOf(last) === causeOf(one)
    if (same) out[out.length - 1] = { ...last, to: Math.max(last.to, one.to) }
    else out.push(one)
  }
  return out
}

const causeOf = (span: Span) => (span as Partial<Gap>).cause

/** The profile that is shown of a camera: the wanted one, unless only the other was recorded. */
export function profileOf(known: Known, camera: string, wanted: Profile): Profile {
  const lanes = known.get(camera)
  const other = wanted === 'main' ? 'sub' : 'main'
  return !lanes?.get(wanted)?.ranges.length && lanes?.get(other)?.ranges.length ? other : wanted
}

export function lanesFor(known: Known, cameras: readonly string[], wanted: Profile): Lane[] {
  return cameras.map((camera) => known.get(camera)?.get(profileOf(known, camera, wanted)) ?? { camera, ranges: [], gaps: [] })
}

export function marksOf(answer: Recordings, words: { alert(kind: string): string; category(code: string): string; nameOf(camera: string): string }): Mark[] {
  return [
    ...answer.alerts.map((one): Mark => ({
      kind: 'alert', id: one.id, at: Date.parse(one.at), severity: one.severity, label: `${words.alert(one.kind)} · ${words.nameOf(one.camera)}`,
    })),
    ...answer.cases.map((one): Mark => ({
      kind: 'case', id: one.id, at: Date.parse(one.at), severity: one.severity, label: `${one.number} · ${words.category(one.category)}`,
    })),
  ]
}
