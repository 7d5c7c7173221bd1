import { describe, expect, it } from 'vitest'
import { photoType } from './photos'

const bytes = (...parts: (string | number)[]) =>
  new Uint8Array(parts.flatMap((part) => (typeof part === 'string' ? [...part].map((c) => c.charCodeAt(0)) : [part])))

describe('photoType', () => {
  it.each([
    ['JPEG', bytes(0xff, 0xd8, 0xff, 0xe0), 'image/jpeg'],
    ['PNG', bytes(0x89, 'PNG', 0x0d, 0x0a, 0x1a, 0x0a), 'image/png'],
    ['WebP', bytes('RIFF', 1, 2, 3, 4, 'WEBPVP8 '), 'image/webp'],
    ['HEIC', bytes(0, 0, 0, 24, 'ftypheic'), null],
    ['SVG', bytes('<svg xmlns='), null],
    ['WAV', bytes('RIFF', 1, 2, 3, 4, 'WAVE'), null],
    ['nothing', bytes(), null],
  ])('%s', (_name, head, type) => expect(photoType(head)).toBe(type))
})
