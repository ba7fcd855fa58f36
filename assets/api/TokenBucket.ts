/** How many requests each of many may make: a bucket of tokens that fills at a steady rate and holds so many. */

export interface TokenBucket {
  /** Takes a token of the bucket by this name at this time (milliseconds). 0, or the seconds until there is one. */
  readonly take: (name: string, now: number) => number
}

/** Buckets are full at first. */
export const make = ({ burst, perSecond }: { readonly burst: number; readonly perSecond: number }): TokenBucket => {
  const buckets = new Map<string, { tokens: number; at: number }>()
  return {
    take: (name, now) => {
      const bucket = buckets.get(name)
      if (bucket === undefined) {
        buckets.set(name, { tokens: burst - 1, at: now })
        return 0
      }
      bucket.tokens = Math.min(burst, bucket.tokens + (Math.max(0, now - bucket.at) / 1000) * perSecond)
      bucket.at = now
      if (bucket.tokens < 1) return (1 - bucket.tokens) / perSecond
      bucket.tokens -= 1
      return 0
    }
  }
}
