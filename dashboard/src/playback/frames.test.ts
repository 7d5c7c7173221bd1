import { describe, expect, it } from 'vitest'
import { FrameList, FrameReader, type Frame } from './frames'

const u32 = (...values: number[]) => values.flatMap((v) => [(v >>> 24) & 255, (v >>> 16) & 255, (v >>> 8) & 255, v & 255])
const box = (kind: string, ...parts: number[][]): number[] => {
  const body = parts.flat()
  return [...u32(8 + body.length), ...[...kind].map((c) => c.charCodeAt(0)), ...body]
}
const trak = (id: number, kind: string, timescale: number) => box('trak',
  box('tkhd', u32(0, 0, 0, id), u32(0, 0)),
  box('mdia', box('mdhd', u32(0, 0, 0, timescale, 0)), box('hdlr', u32(0, 0), [...kind].map((c) => c.charCodeAt(0)), u32(0, 0, 0))))
const init = box('moov', trak(2, 'soun', 8000), trak(1, 'vide', 90_000), box('mvex', box('trex', u32(0, 1, 1, 3600, 0, 0x10000))))
const SYNC = 0x02000000
/** A fragment of the picture: durations and keys in every sample. */
const fragment = (at: number, samples: { d: number; key: boolean; shift?: number }[]) => [
  ...box('moof', box('mfhd', u32(0, 1)), box('traf', box('tfhd', u32(0x20000, 1)), box('tfdt', u32(0x01000000, 0, at)),
    box('trun', u32(0x0f01, samples.length, 0), ...samples.map(({ d, key, shift = 0 }) => u32(d, 1, key ? SYNC : 0x10000, shift))))),
  ...box('mdat', Array(50).fill(7)),
]
const sound = box('moof', box('traf', box('tfhd', u32(0x20000, 2)), box('tfdt', u32(0, 999)), box('trun', u32(0x101, 1, 0, 5))))

function read(bytes: number[], size: number): Frame[] {
  const frames: Frame[] = []
  const reader = new FrameReader((some) => frames.push(...some))
  for (let at = 0; at < bytes.length; at += size) reader.push(Uint8Array.from(bytes.slice(at, at + size)))
  return frames
}

describe('a run', () => {
  const stream = [
    ...box('ftyp', u32(0, 0)), ...init, ...fragment(90_000, [{ d: 3600, key: true }, { d: 3700, key: false }]), ...sound,
    ...fragment(97_300, [{ d: 3600, key: false, shift: 7200 }, { d: 3600, key: false, shift: -3600 }]),
  ]
  const want = [[1, true], [1.04, false], [97_300 / 90_000 + 0.08, false], [100_900 / 90_000 - 0.04, false]] as const

  it.each([1, 7, 100, 1 << 20])('tells each picture by time and kind, in pieces of %i bytes', (size) => {
    const frames = read(stream, size)
    expect(frames.map((frame) => frame.key)).toEqual(want.map(([, key]) => key))
    frames.forEach((frame, i) => expect(frame.at).toBeCloseTo(want[i]![0], 6))
  })

  it('takes durations and flags that stand in the fragment or the file, once for all', () => {
    const short = [...init, ...box('moof', box('traf', box('tfhd', u32(0x20008, 1, 1800)), box('tfdt', u32(0, 0)), box('trun', u32(0x5, 3, 0, SYNC))))]
    expect(read(short, 64)).toEqual([{ at: 0, key: true }, { at: 0.02, key: false }, { at: 0.04, key: false }])
  })

  it('of nonsense is left unread', () => {
    expect(read([...init, ...u32(3, 0x6d6f6f66), ...fragment(0, [{ d: 1, key: true }])], 16)).toEqual([])
    expect(read([...u32(0x7fffffff, 0x6d6f6f76), 1, 2, 3], 8)).toEqual([])
    expect(read([...init, ...box('moof', box('traf', box('tfhd', u32(0, 1)), box('tfdt', u32(0, 0)), box('trun', u32(0x100, 0xffffff)))), ...fragment(0, [{ d: 1, key: true }])], 32)).toEqual([])
  })
})

describe('the list', () => {
  const list = () => {
    const made = new FrameList()
    made.add([0, 0.04, 0.08, 0.12, 0.16].map((at) => ({ at, key: at === 0 || at === 0.12 })))
    return made
  }

  it('knows the frame that is shown, the next one, and the key frame before', () => {
    const frames = list()
    expect([frames.at(0.05)?.at, frames.at(0.04)?.at, frames.at(0.0399)?.at, frames.at(-1)]).toEqual([0.04, 0.04, 0.04, null])
    expect([frames.next(0.05)?.at, frames.next(0.04)?.at, frames.next(0.16)]).toEqual([0.08, 0.08, null])
    expect([frames.keyBefore(0.16)?.at, frames.keyBefore(0.12)?.at, frames.keyBefore(0)]).toEqual([0.12, 0, null])
  })

  it('takes a run again without a second copy, and forgets what lies outside', () => {
    const frames = list()
    frames.add([{ at: 0.0801, key: true }, { at: 0.1199, key: false }])
    expect([frames.next(0.04)?.at, frames.next(0.0801)?.at, frames.next(0.12)?.at]).toEqual([0.0801, 0.1199, 0.16])
    frames.keep(0.1, 0.15)
    expect([frames.next(0)?.at, frames.next(0.13)]).toEqual([0.1199, null])
    frames.clear()
    expect(frames.at(1)).toBeNull()
  })
})
