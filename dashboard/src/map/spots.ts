/**
 * Items on one spot, told apart: each gets a place in a row or ring around the spot, so that no
 * symbol hides another. An alarm usually stands exactly where its camera does.
 *
 * Invariant: an item is in at most one group. Beyond SHOWN items the rest share the last place; the
 * list that a click opens has them all. So one arrival changes at most SHOWN symbols.
 */
export const SHOWN = 8
/** About a metre: what nobody can tell apart on a screen. */
const DIGITS = 5
/** Pixels between neighbours. */
const GAP = 25

export type Kind = 'camera' | 'incident' | 'alert'
export interface Placed {
  kind: Kind
  id: string
}

interface Member extends Placed {
  /** Ascending; cameras stand first, then the newest. */
  order: number
}

export class Spots {
  #groups = new Map<string, Member[]>()
  #at = new Map<string, string>()

  constructor(private readonly changed: (kind: Kind, id: string) => void) {}

  place(kind: Kind, id: string, lon: number, lat: number, order: number): void {
    const key = `${kind}:${id}`
    const spot = `${lon.toFixed(DIGITS)},${lat.toFixed(DIGITS)}`
    const old = this.#at.get(key)
    if (old === spot && this.#groups.get(spot)!.some((m) => m.kind === kind && m.id === id && m.order === order)) return
    if (old !== undefined) this.#take(kind, id, old)
    this.#at.set(key, spot)
    const group = this.#groups.get(spot)
    if (!group) {
      this.#groups.set(spot, [{ kind, id, order }])
      return
    }
    let index = group.findIndex((member) => member.order > order)
    if (index < 0) index = group.length
    group.splice(index, 0, { kind, id, order })
    this.#tell(group)
  }

  remove(kind: Kind, id: string): void {
    const spot = this.#at.get(`${kind}:${id}`)
    if (spot !== undefined) this.#take(kind, id, spot)
    this.#at.delete(`${kind}:${id}`)
  }

  /** "n:i": the i-th of n places. */
  slot(kind: Kind, id: string): string {
    const group = this.#groups.get(this.#at.get(`${kind}:${id}`) ?? '')
    if (!group || group.length === 1) return '1:0'
    const index = group.findIndex((member) => member.kind === kind && member.id === id)
    const n = Math.min(group.length, SHOWN)
    return `${n}:${Math.min(Math.max(index, 0), n - 1)}`
  }

  /** All on the same spot as this one, itself included. */
  together(kind: Kind, id: string): Placed[] {
    const group = this.#groups.get(this.#at.get(`${kind}:${id}`) ?? '')
    return group ? group.map((member) => ({ kind: member.kind, id: member.id })) : [{ kind, id }]
  }

  #take(kind: Kind, id: string, spot: string): void {
    const group = this.#groups.get(spot)
    if (!group) return
    const index = group.findIndex((member) => member.kind === kind && member.id === id)
    if (index >= 0) group.splice(index, 1)
    if (group.length === 0) this.#groups.delete(spot)
    else this.#tell(group)
  }

  #tell(group: Member[]): void {
    for (const member of group.slice(0, SHOWN + 1)) this.changed(member.kind, member.id)
  }
}

/** Pixels from the spot, right and down, for the i-th of n. */
export function slotOffset(n: number, i: number): [number, number] {
  if (n <= 1) return [0, 0]
  if (n <= 4) return [(i - (n - 1) / 2) * GAP, 0]
  const radius = (GAP * n) / (2 * Math.PI)
  const angle = (2 * Math.PI * i) / n - Math.PI / 2
  return [Math.round(radius * Math.cos(angle) * 10) / 10, Math.round(radius * Math.sin(angle) * 10) / 10]
}

/** The same as a style expression over the property "slot". */
export function slotExpression(): unknown[] {
  const cases: unknown[] = []
  for (let n = 2; n <= SHOWN; n++) {
    for (let i = 0; i < n; i++) cases.push(`${n}:${i}`, ['literal', slotOffset(n, i)])
  }
  return ['match', ['get', 'slot'], ...cases, ['literal', [0, 0]]]
}
