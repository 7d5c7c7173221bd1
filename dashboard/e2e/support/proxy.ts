/** A bad line between a browser and the server: bytes pass as they are until it is told to lose the answers. */
import { createServer, connect, type Server, type Socket } from 'node:net'

export class BadLine {
  /** Requests get through, their answers do not: the connection breaks instead. */
  losesAnswers = false
  /** Answers that were lost. */
  lost = 0
  #sockets = new Set<Socket>()

  private constructor(private readonly server: Server, private readonly port: number) {}

  static async to(port: number): Promise<BadLine> {
    const server = createServer()
    const line = new BadLine(server, port)
    server.on('connection', (near) => line.#join(near))
    await new Promise<void>((done, failed) => {
      server.once('error', failed)
      server.listen(0, '127.0.0.1', done)
    })
    return line
  }

  get url(): string {
    const address = this.server.address()
    if (address === null || typeof address === 'string') throw new Error('the line is closed')
    return `http://127.0.0.1:${address.port}`
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((done) => this.server.close(done))
  }

  #join(near: Socket): void {
    const far = connect(this.port, '127.0.0.1')
    const end = () => {
      near.destroy()
      far.destroy()
    }
    for (const socket of [near, far]) {
      this.#sockets.add(socket)
      socket.on('error', end)
      socket.on('close', () => {
        this.#sockets.delete(socket)
        end()
      })
    }
    near.on('data', (bytes) => far.write(bytes))
    far.on('data', (bytes) => {
      if (!this.losesAnswers) return void near.write(bytes)
      this.lost++
      end()
    })
  }
}
