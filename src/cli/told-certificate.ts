/** Tells how long the certificate is good that members are shown. */
import type { Cluster } from '../cluster/port.ts';
import { type CertificateFacts, factsOf, readCertificates } from '../config/certificates.ts';
import type { Observe } from '../core/events.ts';

/** The same cluster, which looks at the file before each survey and tells of what is new in it. */
export function tellCertificate(cluster: Cluster, path: string, observe: Observe): Cluster {
  let told = '';
  return {
    ...cluster,
    survey: (options) => {
      const shown = factsIn(path);
      const text = JSON.stringify(shown);
      if (shown !== undefined && text !== told) {
        told = text;
        observe({ kind: 'certificate-read', of: 'cluster', ...shown });
      }
      return cluster.survey(options);
    },
  };
}

/** What is wrong with the file is told by the connection that needs it. */
function factsIn(path: string): CertificateFacts | undefined {
  try {
    const [shown] = readCertificates(path);
    return shown && factsOf(shown);
  } catch {
    return undefined;
  }
}
