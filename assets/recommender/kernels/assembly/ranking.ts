/**
 * The best tracks of users by the product of their factors, exactly, over the whole catalogue.
 * Leaves out NaN: factors are finite.
 */
import { f32Size } from "./vectors"

/** Tracks that are scored at a time, so that their factors stay in the second-level cache while a group of users passes by. */
const trackBlock: i32 = 256
const userBlock: i32 = 64

/** Packs tracks `from` to `to`, both multiples of 8, of `count`: of each 8 tracks their first factors, then their second ones and so on. */
export function packTracks(
  from: i32,
  to: i32,
  _scratch: usize,
  factors: usize,
  count: i32,
  d: i32,
  packed: usize
): void {
  const size = <usize>d * f32Size
  for (let track = from; track < to; track++) {
    const source = factors + <usize>track * size
    let target = packed + <usize>(track & ~7) * size + ((<usize>(track & 7)) << 2)
    for (let at: usize = 0; at < size; at += f32Size) {
      store<f32>(target, track < count ? load<f32>(source + at) : 0)
      target += 32
    }
  }
}

/**
 * For users `from` to `to` the `k` best of `count` packed tracks that are not among `columns` of their row, best first and of equals the
 * lowest; -1 where there are no more. Scratch: 4 x 256 scores and a group's states, 5 KB.
 */
export function topTracks(
  from: i32,
  to: i32,
  scratch: usize,
  users: usize,
  packed: usize,
  count: i32,
  d: i32,
  offsets: usize,
  columns: usize,
  k: i32,
  indices: usize,
  scores: usize
): void {
  if (k == 0) return
  const size = <usize>d * f32Size
  const block = scratch
  const found = block + <usize>(4 * trackBlock) * f32Size
  const heard = found + <usize>userBlock * 4
  for (let first = from; first < to; first += userBlock) {
    const last = min(first + userBlock, to)
    memory.fill(found, 0, <usize>userBlock * 4)
    memory.copy(heard, offsets + ((<usize>first) << 2), (<usize>(last - first)) << 2)
    for (let track = 0; track < count; track += trackBlock) {
      const tracks = min(trackBlock, count - track)
      for (let user = first; user < last; user += 4) {
        score(users + <usize>user * size, packed + <usize>track * size, tracks, d, block)
        for (let each = user; each < min(user + 4, last); each++) {
          const line = block + <usize>((each - user) * trackBlock) * f32Size
          const state = (<usize>(each - first)) << 2
          const end = load<i32>(offsets + ((<usize>each) << 2), 4)
          store<i32>(heard + state, strike(line, track, tracks, columns, load<i32>(heard + state), end))
          const own = (<usize>(each * k)) << 2
          store<i32>(
            found + state,
            select(line, track, tracks, k, load<i32>(found + state), indices + own, scores + own)
          )
        }
      }
    }
    for (let user = first; user < last; user++) {
      for (let rank = load<i32>(found + ((<usize>(user - first)) << 2)); rank < k; rank++) {
        store<i32>(indices + ((<usize>(user * k + rank)) << 2), -1)
        store<f32>(scores + ((<usize>(user * k + rank)) << 2), -Infinity)
      }
    }
  }
}

/** The scores of all `count` packed tracks for one user. `out` has room for a multiple of 8. */
export function scoreTracks(user: usize, packed: usize, count: i32, d: i32, out: usize): void {
  for (let track = 0; track < count; track += 8) {
    let sum0 = f32x4.splat(0)
    let sum1 = sum0
    for (let at = 0; at < d; at++) {
      const factor = v128.load_splat<f32>(user + ((<usize>at) << 2))
      sum0 = f32x4.add(sum0, f32x4.mul(factor, v128.load(packed)))
      sum1 = f32x4.add(sum1, f32x4.mul(factor, v128.load(packed, 16)))
      packed += 32
    }
    v128.store(out, sum0)
    v128.store(out, sum1, 16)
    out += 32
  }
}

/** The scores of up to 256 tracks for four users, a row of 256 each. */
function score(user: usize, packed: usize, tracks: i32, d: i32, out: usize): void {
  const size = <usize>d * f32Size
  const line = <usize>trackBlock * f32Size
  for (let track = 0; track < tracks; track += 8) {
    let factor = user
    let sum00 = f32x4.splat(0)
    let sum01 = sum00
    let sum10 = sum00
    let sum11 = sum00
    let sum20 = sum00
    let sum21 = sum00
    let sum30 = sum00
    let sum31 = sum00
    for (let at = 0; at < d; at++) {
      const tracks0 = v128.load(packed)
      const tracks1 = v128.load(packed, 16)
      const user0 = v128.load_splat<f32>(factor)
      sum00 = f32x4.add(sum00, f32x4.mul(user0, tracks0))
      sum01 = f32x4.add(sum01, f32x4.mul(user0, tracks1))
      const user1 = v128.load_splat<f32>(factor + size)
      sum10 = f32x4.add(sum10, f32x4.mul(user1, tracks0))
      sum11 = f32x4.add(sum11, f32x4.mul(user1, tracks1))
      const user2 = v128.load_splat<f32>(factor + 2 * size)
      sum20 = f32x4.add(sum20, f32x4.mul(user2, tracks0))
      sum21 = f32x4.add(sum21, f32x4.mul(user2, tracks1))
      const user3 = v128.load_splat<f32>(factor + 3 * size)
      sum30 = f32x4.add(sum30, f32x4.mul(user3, tracks0))
      sum31 = f32x4.add(sum31, f32x4.mul(user3, tracks1))
      packed += 32
      factor += f32Size
    }
    v128.store(out, sum00)
    v128.store(out, sum01, 16)
    v128.store(out + line, sum10)
    v128.store(out + line, sum11, 16)
    v128.store(out + 2 * line, sum20)
    v128.store(out + 2 * line, sum21, 16)
    v128.store(out + 3 * line, sum30)
    v128.store(out + 3 * line, sum31, 16)
    out += 32
  }
}

/** Strikes out what was heard of the block that begins at `first`; returns the first entry that lies beyond it. */
function strike(line: usize, first: i32, tracks: i32, columns: usize, entry: i32, end: i32): i32 {
  while (entry < end) {
    const track = load<i32>(columns + ((<usize>entry) << 2)) - first
    if (track >= tracks) break
    store<f32>(line + ((<usize>track) << 2), -Infinity)
    entry++
  }
  return entry
}

/** Merges a block into a list of the best `k`, of which `size` were found; returns how many there are now. */
function select(line: usize, first: i32, tracks: i32, k: i32, size: i32, indices: usize, scores: usize): i32 {
  let least: f32 = size == k ? load<f32>(scores + ((<usize>(k - 1)) << 2)) : -Infinity
  let leasts = f32x4.splat(least)
  for (let track = 0; track < tracks; track += 4) {
    if (!v128.any_true(f32x4.gt(v128.load(line + ((<usize>track) << 2)), leasts))) continue
    for (let each = track; each < min(track + 4, tracks); each++) {
      const offered = load<f32>(line + ((<usize>each) << 2))
      if (!(offered > least)) continue
      let rank = size == k ? k - 1 : size++
      while (rank > 0 && load<f32>(scores + ((<usize>(rank - 1)) << 2)) < offered) {
        store<f32>(scores + ((<usize>rank) << 2), load<f32>(scores + ((<usize>(rank - 1)) << 2)))
        store<i32>(indices + ((<usize>rank) << 2), load<i32>(indices + ((<usize>(rank - 1)) << 2)))
        rank--
      }
      store<f32>(scores + ((<usize>rank) << 2), offered)
      store<i32>(indices + ((<usize>rank) << 2), first + each)
      if (size == k) least = load<f32>(scores + ((<usize>(k - 1)) << 2))
      leasts = f32x4.splat(least)
    }
  }
  return size
}
