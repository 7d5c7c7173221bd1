/** Exports that were started here, followed until they have ended. */
import { onScopeDispose, ref } from 'vue'
import type { Export, NewExport } from '../../api/types'
import { makeKey } from '../report/outbox'
import type { Session } from '../session'

export interface Job {
  key: string
  wanted: NewExport
  /** Null until the server has taken it. */
  now: Export | null
  fault: unknown
  /** It does not answer at the moment. */
  lost: boolean
}

const FOLLOW_MS = 400
const LOST_MS = 2_000
export const OVER: ReadonlySet<Export['state']> = new Set(['done', 'failed', 'cancelled'])

export function useExports(session: Session, onDone: (job: Job) => void = () => undefined) {
  const jobs = ref<Job[]>([])
  const timers = new Set<ReturnType<typeof setTimeout>>()
  onScopeDispose(() => timers.forEach(clearTimeout))

  function later(job: Job, ms: number) {
    const timer = setTimeout(() => {
      timers.delete(timer)
      void look(job)
    }, ms)
    timers.add(timer)
  }

  function took(job: Job, now: Export) {
    job.now = now
    job.lost = false
    if (!OVER.has(now.state)) later(job, FOLLOW_MS)
    else if (now.state === 'done') onDone(job)
  }

  async function look(job: Job) {
    try {
      took(job, await session.api.export(job.now!.id))
    } catch {
      job.lost = true
      later(job, LOST_MS)
    }
  }

  /** The same clip asked for again, after a fault, is the same export. */
  async function start(wanted: NewExport): Promise<Job> {
    jobs.value.unshift({ key: makeKey(), wanted, now: null, fault: null, lost: false })
    const job = jobs.value[0]!
    await send(job)
    return job
  }

  async function send(job: Job) {
    job.fault = null
    try {
      took(job, await session.api.startExport(job.wanted, job.key))
    } catch (fault) {
      job.fault = fault
    }
  }

  async function cancel(job: Job) {
    if (!job.now) return
    await session.api.cancelExport(job.now.id).catch(() => undefined)
    await look(job)
  }

  return { jobs, start, again: send, cancel }
}
