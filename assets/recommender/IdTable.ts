/**
 * Distinct ids in ascending order; an id's position is its dense index, so indices compare as ids do.
 * Leaves out what the ids stand for.
 */

/** Safe integers, ascending and distinct. */
export type IdTable = Float64Array

/** Collects the distinct ids of `ids`, in whatever order they come. */
export const fromIds = (ids: Iterable<number>): IdTable => Float64Array.from(new Set(ids)).sort()

/** Gives ids numbers in the order in which they arrive, until all are known and can be sorted. */
export class Arrivals {
  readonly #numbers = new Map<number, number>()

  numberOf(id: number): number {
    const known = this.#numbers.get(id)
    if (known !== undefined) return known
    this.#numbers.set(id, this.#numbers.size)
    return this.#numbers.size - 1
  }

  /** For each id its number; the same id often comes several times in a row. */
  numbersOf(ids: Float64Array): Int32Array {
    const numbers = new Int32Array(ids.length)
    for (let index = 0; index < ids.length; index++) {
      numbers[index] = index > 0 && ids[index] === ids[index - 1] ? numbers[index - 1]! : this.numberOf(ids[index]!)
    }
    return numbers
  }

  /** The ids, and for each number the index of its id. */
  sorted(): { readonly ids: IdTable; readonly indexOf: Int32Array } {
    const ids = fromIds(this.#numbers.keys())
    return { ids, indexOf: Int32Array.from(this.#numbers.keys(), (id) => indexOf(ids, id)) }
  }
}

/** The index of `id`, or -1. */
export const indexOf = (self: IdTable, id: number): number => {
  let low = 0
  let high = self.length - 1
  while (low <= high) {
    const middle = (low + high) >> 1
    const found = self[middle]!
    if (found === id) return middle
    if (found < id) low = middle + 1
    else high = middle - 1
  }
  return -1
}

/** For each id of `self`, in order, its index in `target`, or -1. */
export const locate = (self: IdTable, target: IdTable): Int32Array => {
  const located = new Int32Array(self.length)
  let position = 0
  for (let index = 0; index < self.length; index++) {
    const id = self[index]!
    while (position < target.length && target[position]! < id) position++
    located[index] = target[position] === id ? position : -1
  }
  return located
}
