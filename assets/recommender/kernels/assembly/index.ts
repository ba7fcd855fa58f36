/** What the module exports. Pointers are byte offsets into one shared memory; factor matrices are row-major, `d` a multiple of 8. */
export { cholesky, solve } from "./cholesky"
export { conjugateGradient } from "./conjugateGradient"
export { gramParts, gramSum } from "./gram"
export { packTracks, scoreTracks, topTracks } from "./ranking"
