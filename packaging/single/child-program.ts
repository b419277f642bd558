/** The program that is one file runs itself for a mount, told by this word. */
export const mountWord = 'etcd-backupd-mount';

export function childProgram(): URL | string {
  return mountWord;
}
