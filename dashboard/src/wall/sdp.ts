/** The few lines of SDP that trickle ICE (RFC 8840) and ICE restart over WHEP need. */

export interface IceFragment {
  ufrag: string
  pwd: string
  mids: string[]
}

function lines(sdp: string): string[] {
  return sdp.split(/\r\n|\n/)
}

/** The ICE credentials and media ids of a description; null when it has none. */
export function iceOf(sdp: string): IceFragment | null {
  let ufrag = ''
  let pwd = ''
  const mids: string[] = []
  for (const line of lines(sdp)) {
    if (!ufrag && line.startsWith('a=ice-ufrag:')) ufrag = line.slice(12).trim()
    else if (!pwd && line.startsWith('a=ice-pwd:')) pwd = line.slice(10).trim()
    else if (line.startsWith('a=mid:')) mids.push(line.slice(6).trim())
  }
  return ufrag && pwd ? { ufrag, pwd, mids } : null
}

/** A sdpfrag for PATCH: credentials, the bundled media section, candidates, the end mark. */
export function fragment(offer: string, candidates: readonly string[], complete: boolean): string {
  const ice = iceOf(offer)
  if (!ice) throw new Error('the description has no ICE credentials')
  const media = lines(offer).find((line) => line.startsWith('m=')) ?? 'm=video 9 UDP/TLS/RTP/SAVPF 0'
  const out = [`a=ice-ufrag:${ice.ufrag}`, `a=ice-pwd:${ice.pwd}`, media, `a=mid:${ice.mids[0] ?? '0'}`]
  for (const candidate of candidates) out.push(candidate.startsWith('a=') ? candidate : `a=${candidate}`)
  if (complete) out.push('a=end-of-candidates')
  return out.join('\r\n') + '\r\n'
}

/** The answer with another side's new ICE credentials and candidates put in: what a restart by PATCH brings. */
export function withNewIce(answer: string, frag: string): string {
  const ice = iceOf(frag)
  if (!ice) throw new Error('the fragment has no ICE credentials')
  const candidates = lines(frag).filter((line) => line.startsWith('a=candidate:'))
  const out: string[] = []
  let section = 0
  for (const line of lines(answer)) {
    if (line.startsWith('a=candidate:') || line === 'a=end-of-candidates') continue
    if (line.startsWith('m=')) section++
    if (line.startsWith('a=ice-ufrag:')) out.push(`a=ice-ufrag:${ice.ufrag}`)
    else if (line.startsWith('a=ice-pwd:')) {
      out.push(`a=ice-pwd:${ice.pwd}`)
      if (section === 1) out.push(...candidates)
    } else out.push(line)
  }
  return out.join('\r\n')
}

/** True for a candidate that another machine could use: browsers hide local addresses behind mDNS names. */
export function isReachable(candidate: string): boolean {
  return candidate !== '' && !/\s[0-9a-f-]+\.local\s/i.test(candidate)
}
