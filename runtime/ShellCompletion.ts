/**
 * Scripts that complete commands, flags and asset keys in a shell.
 *
 * What a command takes is known when a script is written, which keys there are is not: the script asks `assets list`.
 */
import * as Completions from "effect/cli/Completions"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

/** `--completions SHELL`. */
export const flag = GlobalFlag.Action({
  flag: GlobalFlag.Completions.flag,
  run: (shell, { command }) =>
    Option.match(shell, {
      onNone: () => Effect.void,
      onSome: (shell) => Console.log(script(shell, Completions.fromCommand(command)))
    })
})

export const script = (shell: Completions.Shell, command: Completions.CommandDescriptor): string => {
  if (shell === "powershell") return Completions.generate(command.name, shell, command)
  const { ask, before, completes, placeheld } = shells[shell]
  return Completions.generate(command.name, shell, withPlaceholders(command))
    .replaceAll(placeheld, () => completes)
    .replace(before, (line) => `${ask}\n${line}`)
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

// Generated scripts know choices only; this one stands for the keys until it is replaced.
const placeholder = "__asset_keys__"

const arguments_ = new Set(["selection", "asset"])

const withPlaceholders = (command: Completions.CommandDescriptor): Completions.CommandDescriptor => ({
  ...command,
  arguments: command.arguments.map((argument) =>
    arguments_.has(argument.name) ? { ...argument, type: { _tag: "Choice", values: [placeholder] } } : argument
  ),
  subcommands: command.subcommands.map(withPlaceholders)
})

interface Shell {
  readonly placeheld: string
  readonly completes: string
  /** Defines what `completes` calls. Operators and other keys that stand before the last key stay as they are. */
  readonly ask: string
  /** Where the definition has to stand. */
  readonly before: RegExp
}

const shells: Readonly<Record<Exclude<Completions.Shell, "powershell">, Shell>> = {
  bash: {
    placeheld: `_assets--choices "$cur" "$_comp_word" '${placeholder}'`,
    completes: `_assets--keys "$cur"; _assets--choices "$cur" "$_comp_word" "\${_keys[@]}"`,
    before: /^_assets\(\)$/m,
    ask: `_assets--keys()
{
  local _typed="$1" _definitions=() _key _i
  _typed=\${_typed//\\"/}; _typed=\${_typed//\\'/}
  local _before="\${_typed%"\${_typed##*[+( ]}"}"
  for ((_i = 1; _i < cword; _i++)); do
    case "\${words[_i]}" in
      --definitions) _definitions=(--definitions "\${words[_i + 1]}") ;;
      --definitions=*) _definitions=("\${words[_i]}") ;;
    esac
  done
  _keys=()
  while IFS= read -r _key; do
    _keys+=("$_before$_key")
  done < <("\${words[0]}" list "\${_definitions[@]}" 2>/dev/null)
}
`
  },
  zsh: {
    placeheld: `:(${placeholder})'`,
    completes: ":_assets_keys'",
    before: /^_assets\(\) \{$/m,
    ask: `_assets_keys() {
  local -a keys
  keys=(\${(f)"$(_call_program asset-keys assets list 2>/dev/null)"})
  compset -P '*[+( ]'
  compadd "$@" -a keys
}
`
  },
  fish: {
    placeheld: `-r -f -a '${placeholder}'`,
    completes: "-f -a '(__assets_keys)'",
    before: /^complete -c assets/m,
    ask: `function __assets_keys
  set -l before (string replace -r '[^+( ]*$' '' -- (commandline -ct))
  for key in (assets list 2>/dev/null)
    echo $before$key
  end
end
`
  }
}
