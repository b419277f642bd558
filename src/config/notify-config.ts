/** Who is told how backups go, as settings. */
import type { Secret } from '../core/secret.ts';

export interface NotifyConfig {
  readonly ping: NotifyWay & {
    readonly success: SecretPlace | null;
    readonly failure: SecretPlace | null;
    readonly method: (typeof pingMethods)[number];
  };
  /** Names are unique. */
  readonly webhooks: readonly WebhookConfig[];
}

export interface WebhookConfig extends NotifyWay {
  readonly name: string;
  readonly url: SecretPlace;
  readonly events: readonly string[];
  readonly method: (typeof webhookMethods)[number];
  /** By their names, the paths of the files with their values. */
  readonly headers: Readonly<Record<string, string>>;
  readonly template: SecretPlace | null;
}

export interface NotifyWay {
  readonly ca: string | null;
  readonly insecureHttp: boolean;
  readonly timeoutMs: number;
  readonly retries: number;
}

/** The secret itself, or the path of the file that is read at each use. */
export type SecretPlace = Secret | { readonly file: string };

/** How the ping is called in logs and metrics. */
export const pingName = 'ping';
export const pingMethods = ['GET', 'POST'] as const;
export const webhookMethods = ['POST', 'PUT'] as const;
