/**
 * The JSON that etcd keeps in its buckets. Member ids stand in it as bare decimals of 64 bits, so
 * they are taken from the text and never pass through a number.
 */

interface JsonContext {
  readonly source?: string;
}

export interface MemberJson {
  /** Undefined when the text has none. */
  readonly id: bigint | undefined;
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
  readonly learner: boolean;
}

/** Undefined when the bytes are no member of etcd. */
export function parseMember(bytes: Uint8Array): MemberJson | undefined {
  const json = parseObject(bytes);
  if (json === undefined) return undefined;
  const { id, name = '', peerURLs = [], clientURLs = [], isLearner = false } = json;
  if (id !== undefined && typeof id !== 'bigint') return undefined;
  if (typeof name !== 'string' || typeof isLearner !== 'boolean') return undefined;
  const peerUrls = peerURLs ?? [];
  const clientUrls = clientURLs ?? [];
  if (!isTexts(peerUrls) || !isTexts(clientUrls)) return undefined;
  return { id, name, peerUrls, clientUrls, learner: isLearner };
}

/** Undefined when the bytes are no downgrade state of etcd. */
export function parseDowngrade(
  bytes: Uint8Array,
): { targetVersion: string; enabled: boolean } | undefined {
  const json = parseObject(bytes);
  if (json === undefined) return undefined;
  const { 'target-version': targetVersion = '', enabled = false } = json;
  if (typeof targetVersion !== 'string' || typeof enabled !== 'boolean') return undefined;
  return { targetVersion, enabled };
}

function parseObject(bytes: Uint8Array): Record<string, unknown> | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder().decode(bytes), exactly);
  } catch {
    // Not JSON: what the caller makes of it, it says with the place in the file.
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return undefined;
  return parsed as Record<string, unknown>;
}

function exactly(_name: string, value: unknown, context?: JsonContext): unknown {
  const source = context?.source ?? '';
  return typeof value === 'number' && /^\d{1,20}$/.test(source) ? BigInt(source) : value;
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string');
}
