# Runs a program the way a container does: in a root of its own that cannot be written, with the
# folders that it is given, and as a user without rights.
#
#     unshare --mount sh container.sh ROOT MOUNTS USER PROGRAM ARGUMENT...
#
# ROOT is an empty folder. MOUNTS is a file of lines "FROM TO ro|rw".
set -eu
root=$1 mounts=$2 user=$3
shift 3

mount -t tmpfs -o mode=0755 tmpfs "$root"
for name in bin sbin lib lib64 usr; do
  [ -d "/$name" ] || continue
  mkdir "$root/$name"
  mount --bind "/$name" "$root/$name"
  mount -o remount,bind,ro "$root/$name"
done
for name in proc dev; do
  mkdir "$root/$name"
  mount --rbind "/$name" "$root/$name"
done
while read -r from to how; do
  if [ -d "$from" ]; then
    mkdir -p "$root$to"
  else
    mkdir -p "$(dirname "$root$to")"
    : > "$root$to"
  fi
  mount --bind "$from" "$root$to"
  [ "$how" = rw ] || mount -o remount,bind,ro "$root$to"
done < "$mounts"
mount -o remount,ro "$root"
exec chroot --userspec="$user:$user" --groups="$user" "$root" /usr/bin/setpriv --no-new-privs "$@"
