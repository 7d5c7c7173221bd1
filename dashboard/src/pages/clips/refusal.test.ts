import { describe, expect, it } from 'vitest'
import { ApiError } from '../../api/client'
import { refusalOf } from './refusal'

describe('a copy that is not made', () => {
  it.each([
    ['unavailable', 503, 'ffmpeg is not installed: install it, or name its path', 'file.sharing.noFfmpeg'],
    ['unavailable', 503, 'copies cannot be made here: ffmpeg is not installed', 'file.sharing.noFfmpeg'],
    ['unavailable', 503, 'no font was found to write the watermark with: install one, such as fonts-noto-cjk', 'file.sharing.noFont'],
    ['unavailable', 503, 'the database does not answer', null],
    ['too_many', 429, 'another copy is being made: try again in a moment', 'file.sharing.another'],
    ['not_found', 404, 'no such evidence', 'file.sharing.gone'],
    ['invalid', 422, 'boxes[0]: must lie within the picture', null],
    ['network', 0, 'ffmpeg', null],
  ] as const)('%s %i: %s', (kind, status, detail, key) => {
    expect(refusalOf(new ApiError(kind, status, detail))).toBe(key)
  })

  it('has no words of its own for what is no answer of the server', () => {
    expect(refusalOf(new Error('ffmpeg'))).toBeNull()
  })
})
