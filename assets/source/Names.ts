/**
 * Names that read like names: people, bands, songs, albums and the words that go with a style of music.
 *
 * Which style a track or a user has is decided elsewhere.
 */
import type { Dice } from "./Dice.ts"
import { below, pick } from "./Dice.ts"

export interface Style {
  /** What a user calls it, as in `favorite_genres`. */
  readonly genre: string
  /** What a track is labelled with, as in `genres`: any word, not a genre. */
  readonly moods: ReadonlyArray<string>
  /** Patterns of artist names; `{last}`, `{first}`, `{place}` and `{noun}` are filled in. */
  readonly artists: ReadonlyArray<string>
  readonly nouns: ReadonlyArray<string>
}

export const styles: ReadonlyArray<Style> = [
  {
    genre: "Jazz",
    moods: ["smoky", "swinging", "late-night"],
    artists: ["{first} {last} Quartet", "{last} Trio", "The {place} Swing Orchestra", "{first} {last} Big Band"],
    nouns: ["Midnight", "Saxophone", "Avenue", "Blue Note", "Moonlight", "Stroll"]
  },
  {
    genre: "Metal",
    moods: ["heavy", "furious", "thundering"],
    artists: ["Iron {noun}", "Black {noun}", "{noun} of Wrath", "Grave {noun}"],
    nouns: ["Thunder", "Serpent", "Ashes", "Cathedral", "Wolf", "Throne"]
  },
  {
    genre: "House",
    moods: ["pulsing", "euphoric", "four-to-the-floor"],
    artists: ["DJ {first}", "{place} Deep Club", "{last} & {last}", "Studio {noun}"],
    nouns: ["Rhythm", "Strobe", "Sunrise", "Bassline", "Horizon", "Signal"]
  },
  {
    genre: "Folk",
    moods: ["gentle", "homespun", "storytelling"],
    artists: ["The {last} Sisters", "{first} {last}", "{place} String Band", "The Wandering {last}s"],
    nouns: ["River", "Harvest", "Lantern", "Meadow", "Old Road", "Sparrow"]
  },
  {
    genre: "Hip Hop",
    moods: ["streetwise", "booming", "rhyming"],
    artists: ["MC {first}", "{place} Cypher", "Lil {last}", "The {noun} Collective"],
    nouns: ["Concrete", "Hustle", "Crown", "Corner", "Cadence", "Skyline"]
  },
  {
    genre: "Bossa Nova",
    moods: ["breezy", "swaying", "sunlit"],
    artists: ["{first} do {place}", "Trio {noun}", "{first} & {first}", "Conjunto {last}"],
    nouns: ["Praia", "Saudade", "Laranjeira", "Luar", "Brisa", "Janela"]
  },
  {
    genre: "Classical",
    moods: ["solemn", "pastoral", "virtuosic"],
    artists: [
      "{place} Chamber Orchestra",
      "{first} {last}, piano",
      "The {last} String Quartet",
      "{place} Philharmonic"
    ],
    nouns: ["Nocturne", "Sonata", "Prelude", "Fugue", "Elegy", "Serenade"]
  },
  {
    genre: "Reggae",
    moods: ["easygoing", "rootsy", "dubwise"],
    artists: ["{place} Roots", "Ras {first}", "The {noun} Sound System", "{first} & The Upsetters"],
    nouns: ["Zion", "Island", "Lion", "Sunshine", "Vibration", "Harbour"]
  },
  {
    genre: "Punk",
    moods: ["raw", "snotty", "breakneck"],
    artists: ["The {noun}s", "{last} Riot", "Dead {noun}", "{place} Dropouts"],
    nouns: ["Safety Pin", "Curfew", "Brick", "Gasoline", "Alley", "Siren"]
  },
  {
    genre: "Soul",
    moods: ["velvet", "aching", "uplifting"],
    artists: ["{first} {last} & The {noun}s", "The {place} Soul Revue", "Miss {first} {last}", "The {last} Brothers"],
    nouns: ["Heartbeat", "Sweetness", "Honey", "Promise", "Teardrop", "Devotion"]
  }
]

/** An artist's name in a style. */
export const artist = (dice: Dice, style: Style): string =>
  pick(dice, style.artists).replace(/\{(\w+)\}/g, (_, slot: string) =>
    slot === "first"
      ? pick(dice, firstNames)
      : slot === "last"
        ? pick(dice, lastNames)
        : slot === "place"
          ? pick(dice, places)
          : pick(dice, style.nouns)
  )

/** A song's title in a style. */
export const song = (dice: Dice, style: Style): string => {
  const noun = pick(dice, style.nouns)
  const shapes = [
    `${pick(dice, adjectives)} ${noun}`,
    `${noun} in ${pick(dice, places)}`,
    `${pick(dice, verbs)} the ${noun}`,
    `${noun} for ${pick(dice, firstNames)}`,
    `${pick(dice, adjectives)} ${noun}, ${pick(dice, adjectives)} ${pick(dice, style.nouns)}`
  ]
  return pick(dice, shapes)
}

export const album = (dice: Dice, style: Style): string =>
  `${pick(dice, adjectives)} ${pick(dice, style.nouns)}${dice() < 0.2 ? " (Live)" : ""}`

export const firstName = (dice: Dice): string => pick(dice, firstNames)
export const lastName = (dice: Dice): string => pick(dice, lastNames)
export const person = (dice: Dice): string => `${firstName(dice)} ${lastName(dice)}`
export const gender = (dice: Dice): string => pick(dice, ["Female", "Male", "Non-binary", "Agender"])

/** Two people can have one address: the API does not promise otherwise. */
export const email = (dice: Dice, first: string, last: string): string =>
  `${first}.${last}${dice() < 0.5 ? below(dice, 90) + 10 : ""}@${pick(dice, ["example.com", "example.net", "example.org"])}`
    .toLowerCase()
    .replaceAll("'", "")

/** "MM:SS", two to seven minutes. */
export const duration = (dice: Dice): string => `0${2 + below(dice, 5)}:${String(below(dice, 60)).padStart(2, "0")}`

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const words = (text: string): ReadonlyArray<string> => text.trim().split(/\s+/)

const firstNames = words(`
  Ada Alice Amara Anton Astrid Beatriz Boris Carmen Cedric Chloe Dalia Daniel Dorothea Edwin Elena Emil Esther Fatima
  Felix Flora Gabriel Greta Hana Hugo Ines Isaac Ivy Jonas Jorge Judith Kenji Kira Lars Leila Lina Luca Mabel Malik
  Marta Mateo Mina Nadia Nils Noor Olga Omar Oscar Paula Pedro Priya Quentin Rafael Rosa Ruth Samir Selma Silas Sofia
  Tariq Teresa Theo Uma Vera Viktor Wanda Yara Yusuf Zoe
`)

const lastNames = words(`
  Abara Almeida Andersen Baker Barros Bergman Blum Castillo Chen Costa Delgado Dubois Eriksen Ferrari Fischer Fontaine
  Garcia Greenwood Haddad Halvorsen Hughes Ito Jansen Kaplan Keller Kowalski Kruger Lambert Lindqvist Lopez Marchetti
  Mbeki Mercer Moreau Nakamura Novak Nwosu O'Brien Okafor Olsen Park Petrov Quinn Ramos Reyes Rossi Sato Schneider
  Silva Singh Sorensen Tanaka Thorne Torres Ueda Valente Vasquez Weber Whitfield Yilmaz Zhang Ziegler
`)

const places = words(`
  Accra Antwerp Austin Bahia Bergen Bristol Cadiz Chicago Dakar Detroit Galway Havana Ipanema Kingston Kyoto Lisbon
  Memphis Montreal Naples Oslo Porto Prague Recife Seville Tampere Tunis Valencia Vienna
`)

const adjectives = words(`
  Amber Broken Burning Crooked Distant Electric Endless Fading Forgotten Golden Hidden Hollow Little Lonely Lost Lucky
  Paper Quiet Restless Scarlet Secret Silver Sleepless Slow Stolen Velvet Wild Winter
`)

const verbs = words(`Bury Carry Chasing Follow Forget Leaving Losing Remember Save Stealing Waiting-for`).map((verb) =>
  verb.replace("-", " ")
)
