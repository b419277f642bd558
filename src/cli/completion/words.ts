/** The words that a command line may hold, from what the commands say of themselves. */
import { leavesOf } from '../../config/entry.ts';
import { truth } from '../../config/formats.ts';
import { schema } from '../../config/schema.ts';
import type { Command, Option } from '../command.ts';

/**
 * What stands behind an option: nothing, a path, one of few words, or what nobody can guess. A
 * switch takes its word behind "=" only.
 */
export type Behind = 'nothing' | 'switch' | 'file' | 'folder' | 'text' | readonly string[];

export const switchWords = ['true', 'false'];

export interface OptionWord {
  /** With its dashes. */
  readonly flag: string;
  readonly behind: Behind;
  readonly doc: string;
}

export interface CommandWords {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly OptionWord[];
  /** Whether keys of the configuration are options too. */
  readonly takesConfig: boolean;
  /** Words that may stand first behind the command. */
  readonly words: readonly string[];
  /** Whether a file may stand there. */
  readonly takesFile: boolean;
}

export interface ProgramWords {
  readonly commands: readonly CommandWords[];
  readonly config: readonly OptionWord[];
}

export function wordsOf(commands: readonly Command[]): ProgramWords {
  return { commands: commands.map(commandWords), config: configWords() };
}

function commandWords({ name, summary, usage, options, positionals }: Command): CommandWords {
  const own = Object.entries(options).map(([option, about]): OptionWord => {
    return { flag: `--${option}`, behind: behindOption(about), doc: about.doc };
  });
  const help: OptionWord = { flag: '--help', behind: 'nothing', doc: 'show this' };
  // `BACKUP|latest|FILE`: what is written in capitals stands for something.
  const first = positionals.max === 0 ? [] : usage.replaceAll(/[[\]]/g, '').split(' ', 1);
  const choices = first.flatMap((word) => word.split('|'));
  return {
    name,
    summary,
    options: [...own, help],
    takesConfig: 'config' in options,
    words: choices.filter((word) => /^[a-z]/.test(word)),
    takesFile: choices.includes('FILE'),
  };
}

function behindOption({ type, value }: Option): Behind {
  if (type === 'boolean') return 'nothing';
  if (value === 'FILE') return 'file';
  return value === 'DIR' ? 'folder' : 'text';
}

function configWords(): readonly OptionWord[] {
  return leavesOf(schema).map(({ key, node }) => {
    const flag = `--${key}`;
    if (node.kind === 'listing') return { flag, behind: 'text', doc: firstSentence(node.about) };
    const { format, doc } = node;
    if (format.name === truth.name) return { flag, behind: 'switch', doc: firstSentence(doc) };
    const path = format.name.includes('absolute path') ? 'file' : 'text';
    return { flag, behind: format.values ?? path, doc: firstSentence(doc) };
  });
}

function firstSentence(text: string): string {
  return text.replace(/[.:;] .*$/s, '').replace(/\.$/, '');
}
