/** A WHEP viewer and a live socket of the test's own, in a page that does nothing else. */
import type { Person } from './browser'

declare global {
  interface Window {
    viewer: { peer: RTCPeerConnection; video: HTMLVideoElement; frames: number; lastAt: number; location: string }
    heard: string[]
  }
}

export interface Watching {
  state: RTCPeerConnectionState
  frames: number
  /** When the newest frame was drawn, epoch ms. */
  lastAt: number
}

/** Asks for a camera's picture; the server's status, and once it is 201 the first frame has been drawn. */
export function view(person: Person, camera: string): Promise<number> {
  return person.page.evaluate(async (id) => {
    const peer = new RTCPeerConnection()
    const video = document.createElement('video')
    video.muted = true
    video.autoplay = true
    video.style.cssText = 'position:fixed;inset:0;width:320px;z-index:9999'
    document.body.append(video)
    peer.ontrack = ({ track }) => (video.srcObject = new MediaStream([track]))
    peer.addTransceiver('video', { direction: 'recvonly' })
    await peer.setLocalDescription(await peer.createOffer())
    const answer = await fetch(`/api/v1/cameras/${id}/whep?profile=sub`, {
      method: 'POST', headers: { 'Content-Type': 'application/sdp' }, body: peer.localDescription!.sdp,
    })
    if (answer.status !== 201) {
      peer.close()
      video.remove()
      return answer.status
    }
    const viewer = { peer, video, frames: 0, lastAt: 0, location: answer.headers.get('Location')! }
    window.viewer = viewer
    const first = new Promise<void>((done) => {
      const drawn = () => {
        viewer.frames++
        viewer.lastAt = Date.now()
        video.requestVideoFrameCallback(drawn)
        done()
      }
      video.requestVideoFrameCallback(drawn)
    })
    await peer.setRemoteDescription({ type: 'answer', sdp: await answer.text() })
    await first
    return answer.status
  }, camera)
}

export function watching(person: Person): Promise<Watching> {
  return person.page.evaluate(() => ({ state: window.viewer.peer.connectionState, frames: window.viewer.frames, lastAt: window.viewer.lastAt }))
}

/** Opens live sockets and keeps every word they say; returns when each has said hello. */
export function listen(person: Person, ...queries: string[]): Promise<void> {
  return person.page.evaluate(async (all) => {
    window.heard = []
    await Promise.all(all.map((query) => new Promise<void>((done, failed) => {
      const socket = new WebSocket(`ws://${location.host}/api/v1/live${query}`)
      socket.onmessage = ({ data }) => {
        window.heard.push(String(data))
        done()
      }
      socket.onerror = () => failed(new Error('the live socket failed'))
    })))
  }, queries)
}

/** How often the sockets have said this. */
export function heard(person: Person, words: string): Promise<number> {
  return person.page.evaluate((text) => window.heard.filter((message) => message.includes(text)).length, words)
}
