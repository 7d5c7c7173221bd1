/**
 * What this browser offers to take. Only what cameras send: H.264 first, H.265 behind it where the
 * browser has it; the server picks by what the camera sends. Sound is offered when it is asked for,
 * so that a wall of silent tiles costs no packet of sound.
 */
export type Kind = 'video' | 'audio'

interface Codec {
  mimeType: string
}

/** In the order of the offer. Retransmission stays: it is not a codec, but it mends one. */
const ORDER: Record<Kind, readonly string[]> = {
  video: ['video/h264', 'video/h265', 'video/rtx'],
  audio: ['audio/pcma', 'audio/pcmu', 'audio/opus'],
}

/** The codecs to offer, in our order; null when the browser's own choice has to do. */
export function wanted<C extends Codec>(kind: Kind, codecs: readonly C[]): C[] | null {
  const rank = (codec: C) => ORDER[kind].indexOf(codec.mimeType.toLowerCase())
  const kept = codecs.filter((codec) => rank(codec) >= 0).sort((a, b) => rank(a) - rank(b))
  return kept.some((codec) => !codec.mimeType.endsWith('/rtx')) ? kept : null
}

/** What the browser can receive; browsers that do not tell get nothing chosen for them. */
export function codecsOf(kind: Kind): RTCRtpCodec[] {
  if (typeof RTCRtpReceiver === 'undefined') return []
  return RTCRtpReceiver.getCapabilities?.(kind)?.codecs ?? []
}

export function offer(pc: RTCPeerConnection, kind: Kind, codecs: readonly RTCRtpCodec[]): RTCRtpReceiver {
  const transceiver = pc.addTransceiver(kind, { direction: 'recvonly' })
  const list = wanted(kind, codecs)
  try {
    if (list && 'setCodecPreferences' in transceiver) transceiver.setCodecPreferences(list)
  } catch {
    // A browser that refuses the order offers in its own.
  }
  return transceiver.receiver
}

/** True when the answer sends sound: its audio section is neither refused (port 0) nor without a sender. */
export function answersSound(answer: string): boolean {
  const section = answer.split(/\r?\n(?=m=)/).find((part) => part.startsWith('m=audio '))
  return section !== undefined && !section.startsWith('m=audio 0 ') && !/^a=(inactive|recvonly)\s*$/m.test(section)
}

/** Shown as soon as decoded: the wall is for seeing now, not for smoothness. */
export function lowLatency(receiver: RTCRtpReceiver): void {
  const tuned = receiver as RTCRtpReceiver & { jitterBufferTarget?: number | null; playoutDelayHint?: number | null }
  if ('jitterBufferTarget' in tuned) tuned.jitterBufferTarget = 0
  if ('playoutDelayHint' in tuned) tuned.playoutDelayHint = 0
}
