/**
 * Stops the embedded PostgreSQL of a data folder once nobody has used it for a while, and ends when the server does.
 * `EmbeddedPostgres` starts it: `watchdog DATA_FOLDER LOCK_FILE IDLE_MILLISECONDS`. Starts no server.
 *
 * Idle time is counted in looks that found nothing, not on the clock, so the time a machine sleeps is not idle.
 */
import { setTimeout as sleep } from "node:timers/promises"
import * as FileLock from "../FileLock.ts"
import * as Postmaster from "../Postmaster.ts"
import { Refusal, type Session } from "../PostgresSession.ts"

const looks = 10

const main = async (data: string, lock: string, idleMillis: number): Promise<void> => {
  const session = await openStarting(data)
  if (!(await isOnlyWatchdog(session))) return session.close()
  const gone = session.closed.then(() => "gone" as const)
  let before = await activity(session)
  for (let silent = 0; ;) {
    if ((await Promise.race([gone, sleep(idleMillis / looks, "look", { ref: false })])) === "gone") return
    const now = await activity(session)
    silent = now === before && now.endsWith(noClients) ? silent + 1 : 0
    before = now
    if (silent >= looks) {
      if (await stopUnlessUsed(session, data, lock, before)) return
      silent = 0
    }
  }
}

/**
 * A command holds the lock while it connects and has a session afterwards, so under the lock a look that still finds
 * nothing means that nobody is there and nobody comes before the server has stopped.
 */
const stopUnlessUsed = async (session: Session, data: string, lock: string, before: string): Promise<boolean> => {
  const release = FileLock.tryAcquire(lock, "exclusive")
  if (release === undefined) return false
  try {
    if ((await activity(session)) !== before) return false
    // Read by the server itself: in the place of a data folder that was deleted under it another may stand.
    const [[text]] = (await session.query("select pg_read_file('postmaster.pid')")) as [[string]]
    const postmaster = Postmaster.parse(text)
    if (postmaster === undefined) return false
    await Postmaster.stop(postmaster, data)
    return true
  } finally {
    release()
  }
}

/** Sessions ever and sessions now; the former catches those that came and went between two looks. */
const activity = async (session: Session): Promise<string> => {
  const rows = await session.query(
    `select (select sum(sessions) from pg_stat_database) || ' ' || count(*)
     from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()`
  )
  return rows[0]?.[0] ?? ""
}

const noClients = " 0"

/** Of several that started at once, the first to get this lock, which lasts as long as its session, stays. */
const isOnlyWatchdog = async (session: Session): Promise<boolean> => {
  const rows = await session.query(`select pg_try_advisory_lock(hashtext('${Postmaster.watchdog}'))`)
  return rows[0]?.[0] === "t"
}

/** The server may still be on its way up, or in recovery. */
const openStarting = async (data: string): Promise<Session> => {
  for (const deadline = performance.now() + 120_000; ;) {
    try {
      return await Postmaster.open(data, Postmaster.watchdog)
    } catch (cause) {
      if (performance.now() > deadline) throw cause
      await sleep(20)
    }
  }
}

const [data = "", lock = "", idleMillis = ""] = process.argv.slice(2)
try {
  await main(data, lock, Number(idleMillis))
} catch (cause) {
  // The server went away in the middle of a look.
  if (!(cause instanceof Refusal)) throw cause
}
