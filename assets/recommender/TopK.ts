/**
 * The best of many offers: a list of bounded length, reused from one selection to the next.
 * Leaves out what is being selected: offers are indices with a score.
 */

/** Holds at most `capacity` offers, the highest score first and of equal scores the lowest index, whatever order they are offered in. */
export class TopK {
  readonly capacity: number
  readonly indices: Int32Array
  readonly scores: Float64Array
  size = 0

  constructor(capacity: number) {
    this.capacity = capacity
    this.indices = new Int32Array(capacity)
    this.scores = new Float64Array(capacity)
  }

  clear(): void {
    this.size = 0
  }

  offer(index: number, score: number): void {
    if (this.size === this.capacity) {
      if (this.capacity === 0 || !this.#precedes(index, score, this.size - 1)) return
      this.size--
    }
    let position = this.size++
    while (position > 0 && this.#precedes(index, score, position - 1)) {
      this.indices[position] = this.indices[position - 1]!
      this.scores[position] = this.scores[position - 1]!
      position--
    }
    this.indices[position] = index
    this.scores[position] = score
  }

  #precedes(index: number, score: number, position: number): boolean {
    const held = this.scores[position]!
    return score > held || (score === held && index < this.indices[position]!)
  }
}
