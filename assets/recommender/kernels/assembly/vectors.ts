/**
 * Vectors of single-precision numbers in memory, their length a multiple of 4, and four at a time in a register.
 * Leaves out fused multiply-add: its rounding differs from machine to machine.
 */

/** Bytes of a number in single precision. */
export const f32Size: usize = 4

// @inline is not used, as only AssemblyScript parses it on functions; the optimiser inlines what is small without it.

export function sum(lanes: v128): f32 {
  const halves = f32x4.add(lanes, v128.shuffle<f32>(lanes, lanes, 2, 3, 2, 3))
  return f32x4.extract_lane(halves, 0) + f32x4.extract_lane(halves, 1)
}

/** The product of two vectors of `size` bytes. */
export function dot(left: usize, right: usize, size: usize): f32 {
  let products = f32x4.splat(0)
  for (let at: usize = 0; at < size; at += 16) {
    products = f32x4.add(products, f32x4.mul(v128.load(left + at), v128.load(right + at)))
  }
  return sum(products)
}

/** target += factor * vector, over `size` bytes. */
export function add(target: usize, factor: f32, vector: usize, size: usize): void {
  const factors = f32x4.splat(factor)
  for (let at: usize = 0; at < size; at += 16) {
    v128.store(target + at, f32x4.add(v128.load(target + at), f32x4.mul(factors, v128.load(vector + at))))
  }
}

/** target = vector + factor * target, over `size` bytes. */
export function scaleAndAdd(target: usize, factor: f32, vector: usize, size: usize): void {
  const factors = f32x4.splat(factor)
  for (let at: usize = 0; at < size; at += 16) {
    v128.store(target + at, f32x4.add(v128.load(vector + at), f32x4.mul(factors, v128.load(target + at))))
  }
}
