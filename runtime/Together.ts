/**
 * That an asset is one of several which one body computes, as its declaration says.
 *
 * Declared by `MultiAsset`; planned and computed together by whoever plans and computes.
 */

export interface Together {
  /** Of the body: the same for all that it computes. */
  readonly id: string
  /** Which of the body's outputs this asset is. */
  readonly output: string
  /** The keys of all assets it computes, by output. */
  readonly members: Readonly<Record<string, string>>
  /** Whether the body can compute some without the others. */
  readonly subset: boolean
}

/** The keys of the other assets. */
export const others = ({ members, output }: Together): ReadonlyArray<string> =>
  Object.entries(members).flatMap(([name, key]) => (name === output ? [] : [key]))
