/** Addresses of recorded footage and of evidence, for elements and readers that fetch by themselves. */

/**
 * Footage for MSE: an init segment, then fragments from the key frame at or before `at`. Times are epoch ms;
 * media time 0 is `epoch`. The answer's X-Codecs, X-From, X-To and X-Next say what it holds.
 */
export function mediaUrl(playback: string, ask: { camera: string; at: number; seconds: number; epoch: number }): string {
  const query = new URLSearchParams({
    camera: ask.camera, at: new Date(ask.at).toISOString(), seconds: String(ask.seconds), epoch: new Date(ask.epoch).toISOString(),
  })
  return `/api/v1/playbacks/${encodeURIComponent(playback)}/media?${query}`
}

/** All evidence of a case in one file, to be checked without this server. */
export function packageUrl(caseId: string): string {
  return `/api/v1/cases/${encodeURIComponent(caseId)}/evidence/package`
}
