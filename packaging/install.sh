#!/bin/sh
# Installs what lies beside this file, or replaces an older version of it. Configuration and backups
# are left alone. With DESTDIR everything is put below that folder and nothing is set going.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
to=${DESTDIR:-}

(cd "$here" && sha256sum --check --quiet SHA256SUMS)

install -D -m 755 "$here/etcd-backupd" "$to/usr/bin/etcd-backupd"
install -D -m 644 "$here/systemd/etcd-backupd.service" "$to/usr/lib/systemd/system/etcd-backupd.service"
install -D -m 644 "$here/systemd/etcd-backupd.sysusers" "$to/usr/lib/sysusers.d/etcd-backupd.conf"
install -D -m 644 "$here/systemd/etcd-backupd.tmpfiles" "$to/usr/lib/tmpfiles.d/etcd-backupd.conf"
install -D -m 644 "$here/etcd-backupd.8" "$to/usr/share/man/man8/etcd-backupd.8"
install -D -m 644 "$here/completion/etcd-backupd" "$to/usr/share/bash-completion/completions/etcd-backupd"
install -D -m 644 "$here/completion/_etcd-backupd" "$to/usr/share/zsh/vendor-completions/_etcd-backupd"
install -D -m 644 "$here/completion/etcd-backupd.fish" "$to/usr/share/fish/vendor_completions.d/etcd-backupd.fish"
for file in LICENSE etcd-backupd.example.yaml systemd/restore.conf systemd/credentials.conf; do
  install -D -m 644 "$here/$file" "$to/usr/share/doc/etcd-backupd/${file##*/}"
done
install -d -m 755 "$to/etc/etcd-backupd"

if [ -z "$to" ]; then
  systemd-sysusers etcd-backupd.conf
  systemd-tmpfiles --create etcd-backupd.conf
  systemctl daemon-reload
fi
echo 'Installed. Next: write /etc/etcd-backupd/config.yaml (an example is in'
echo '/usr/share/doc/etcd-backupd), then: systemctl enable --now etcd-backupd'
