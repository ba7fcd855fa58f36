/** The names by which a machine calls itself, and nobody else can call it. */

const names = new Set(["127.0.0.1", "::1", "[::1]", "localhost"])

export const isName = (host: string): boolean => names.has(host.toLowerCase())

/**
 * Whether a request was meant for this machine by one of these names. A page of a foreign site whose name was made to lead here (DNS
 * rebinding) comes with that name.
 */
export const isMeant = (hostHeader: string | undefined): boolean =>
  hostHeader !== undefined && isName(hostHeader.replace(/:\d+$/, ""))
