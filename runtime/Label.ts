/**
 * What people sort and find assets by: group, tags, kinds, owners.
 *
 * Labels change nothing about what an asset is or how it is run.
 */

export interface Labels {
  readonly group: string | undefined
  readonly tags: Readonly<Record<string, string>>
  /** Beside the kind of its value. */
  readonly kinds: ReadonlyArray<string>
  readonly owners: ReadonlyArray<string>
}

export const none: Labels = { group: undefined, tags: {}, kinds: [], owners: [] }

/** Labels that cannot be, in words. */
export const problems = ({ group, kinds, owners, tags }: Labels): ReadonlyArray<string> => {
  const found: Array<string> = []
  const mistaken = (what: string, label: string, expected: string) =>
    found.push(`the ${what} ${JSON.stringify(label)} is not ${expected}`)
  if (group !== undefined && !isGroup(group)) mistaken("group", group, `names joined by "/", each of ${nameInWords}`)
  for (const [name, value] of Object.entries(tags)) {
    if (!isTagName(name)) mistaken("tag", name, `a name, or two joined by "/", of ${nameInWords}`)
    if (!isTagValue(value)) mistaken(`value of the tag ${name},`, value, "one line of at most 255 characters")
  }
  for (const kind of kinds) if (!isName(kind)) mistaken("kind", kind, nameInWords)
  for (const owner of owners)
    if (!isOwner(owner)) mistaken("owner", owner, "a mail address or a team such as team:data")
  return found
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const nameInWords = "at most 63 letters, digits, dots, dashes and underscores"

const isName = (text: string): boolean => /^[A-Za-z0-9_.-]{1,63}$/.test(text)

const isGroup = (text: string): boolean => text.split("/").every(isName)

const isTagName = (text: string): boolean => text.split("/").length <= 2 && text.split("/").every(isName)

const isTagValue = (text: string): boolean => /^\P{Cc}{0,255}$/u.test(text)

const isOwner = (text: string): boolean =>
  text.startsWith("team:") ? isName(text.slice("team:".length)) : /^[^\s@:]+@[^\s@:]+$/.test(text)
