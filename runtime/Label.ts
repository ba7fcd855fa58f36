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

/** The one group it is shown in; `/` makes groups of groups: `ingest/raw`. */
export const group =
  (name: string) =>
  <A extends Labels>(self: A): A =>
    label(self, { group: name })

/** Adds tags; a value may be empty. */
export const tags =
  (tags: Readonly<Record<string, string>>) =>
  <A extends Labels>(self: A): A =>
    label(self, { tags: { ...self.tags, ...tags } })

/** Adds what it is made with or of, beside the kind of its value: `sql`, `python`. */
export const kinds =
  (...kinds: ReadonlyArray<string>) =>
  <A extends Labels>(self: A): A =>
    label(self, { kinds: [...self.kinds, ...kinds] })

/** Adds who answers for it: mail addresses, or teams such as `team:data`. */
export const owners =
  (...owners: ReadonlyArray<string>) =>
  <A extends Labels>(self: A): A =>
    label(self, { owners: [...self.owners, ...owners] })

/** Labels that cannot be, in words. */
export const problems = ({ group, kinds, owners, tags }: Labels): ReadonlyArray<string> => {
  const found: Array<string> = []
  const refuse = (what: string, label: string, must: string) =>
    found.push(`the ${what} ${JSON.stringify(label)} must be ${must}`)
  if (group !== undefined && !isGroup(group)) refuse("group", group, `names joined by "/", each of ${name}`)
  for (const [tag, value] of Object.entries(tags)) {
    if (!isTag(tag)) refuse("tag", tag, `a name, or two joined by "/", of ${name}`)
    if (!isTagValue(value)) refuse(`tag ${tag} with the value`, value, "one line of at most 255 characters")
  }
  for (const kind of kinds) if (!isName(kind)) refuse("kind", kind, name)
  for (const owner of owners) if (!isOwner(owner)) refuse("owner", owner, "a mail address or a team such as team:data")
  return found
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const label = <A extends Labels>(self: A, change: Partial<Labels>): A =>
  Object.setPrototypeOf({ ...self, ...change }, Object.getPrototypeOf(self))

const name = "1 to 63 letters, digits, dots, dashes and underscores"

const isName = (text: string): boolean => /^[A-Za-z0-9_.-]{1,63}$/.test(text)

const isGroup = (text: string): boolean => text.split("/").every(isName)

const isTag = (text: string): boolean => text.split("/").length <= 2 && text.split("/").every(isName)

const isTagValue = (text: string): boolean => /^\P{Cc}{0,255}$/u.test(text)

const isOwner = (text: string): boolean =>
  text.startsWith("team:") ? isName(text.slice("team:".length)) : /^[^\s@:]+@[^\s@:]+$/.test(text)
