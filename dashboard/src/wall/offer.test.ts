import { describe, expect, it } from 'vitest'
import { answersSound, wanted } from './offer'

const codecs = (...names: string[]) => names.map((mimeType) => ({ mimeType }))
const names = (list: { mimeType: string }[] | null) => list?.map(({ mimeType }) => mimeType) ?? null

describe('an offer', () => {
  it('holds H.264, H.265 behind it where there is one, and nothing that no camera sends', () => {
    expect(names(wanted('video', codecs('video/VP8', 'video/rtx', 'video/H265', 'video/H264', 'video/AV1', 'video/H264', 'video/ulpfec'))))
      .toEqual(['video/H264', 'video/H264', 'video/H265', 'video/rtx'])
    expect(names(wanted('video', codecs('video/VP8', 'video/H264')))).toEqual(['video/H264'])
  })
  it('leaves a browser its own choice that has neither, or does not tell', () => {
    expect(wanted('video', codecs('video/VP8', 'video/rtx'))).toBeNull()
    expect(wanted('video', [])).toBeNull()
  })
  it('takes the sound of cameras as it is', () => {
    expect(names(wanted('audio', codecs('audio/opus', 'audio/red', 'audio/PCMU', 'audio/PCMA', 'audio/G722')))).toEqual(['audio/PCMA', 'audio/PCMU', 'audio/opus'])
  })
})

describe('an answer', () => {
  const answer = (audio: string) => `v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=sendonly\r\n${audio}`
  it.each([
    ['', false],
    ['m=audio 9 UDP/TLS/RTP/SAVPF 8\r\na=sendonly\r\n', true],
    ['m=audio 0 UDP/TLS/RTP/SAVPF 8\r\na=sendonly\r\n', false],
    ['m=audio 9 UDP/TLS/RTP/SAVPF 8\r\na=inactive\r\n', false],
  ])('%j sends sound: %s', (audio, sends) => {
    expect(answersSound(answer(audio))).toBe(sends)
  })
})
