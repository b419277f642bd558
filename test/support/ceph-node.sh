# One Ceph node (mon, osd, radosgw) on 127.0.0.1 for a test, in namespaces of its own:
#
#     unshare --mount --pid --fork --kill-child bash ceph-node.sh ROOT DATA PORT MON_PORT [TLS_PORT]
#
# ROOT is the unpacked packages and stays as it is; DATA is an empty folder and becomes /tmp there.
# Prints "ready", then runs each line of stdin and prints "@@ STATUS" after it. When stdin ends, or
# this script is killed, the whole node is gone.
set -euo pipefail
root=$1 data=$2 port=$3 mon_port=$4 tls_port=${5:-}
export LC_ALL=C CEPH_ARGS=

mount --bind "$data" "$root/tmp"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"

at=/tmp
fsid=$(cat /proc/sys/kernel/random/uuid)
tls=${tls_port:+ssl_endpoint=127.0.0.1:$tls_port ssl_certificate=$at/tls.pem}
mkdir -p "$data"/{mon,osd,run,rgw}
cat > "$data/ceph.conf" <<CONF
[global]
fsid = $fsid
mon host = [v2:127.0.0.1:$mon_port/0]
auth allow insecure global id reclaim = false
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon warn on pool no redundancy = false
mon max pg per osd = 1000
run dir = $at/run
admin socket = $at/run/\$name.asok
log file = $at/\$name.log
pid file =
keyring = $at/keyring
crash dir = $at
ms bind msgr1 = false
public addr = 127.0.0.1
cluster addr = 127.0.0.1
# The defaults make every step of the start wait for a second.
paxos propose interval = 0.05
paxos min wait = 0.01
mon osd adjust heartbeat grace = false
osd max pg per osd hard ratio = 10
[mon.a]
mon data = $at/mon
mon initial members = a
mon data avail crit = 1
mon data avail warn = 1
[osd]
osd data = $at/osd
osd objectstore = memstore
memstore device bytes = 6442450944
osd class load list = *
osd class default list = *
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:$port $tls
rgw data = $at/rgw
rgw enable usage log = false
# Keys of customers may come over http here: it does not leave the host.
rgw crypt require ssl = false
# A key that the server keeps, as a service for keys would.
rgw crypt s3 kms backend = testing
rgw crypt s3 kms encryption keys = the-key=YSBrZXkgb2YgMzIgYnl0ZXMgZm9yIHRoZSBzZXJ2ZXI=
rgw gc obj min wait = 60
rgw gc processor period = 30
rgw thread pool size = 64
CONF

in_root() { chroot "$root" "$@"; }
admin() { in_root radosgw-admin -c $at/ceph.conf -n client.rgw --admin-socket= "$@"; }
await() {
  for _ in $(seq 300); do "$@" > /dev/null 2>&1 && return; sleep 0.1; done
  echo "not within 30 s: $*" >&2
  return 1
}

key() { in_root ceph-authtool $at/keyring --gen-key "$@" > /dev/null; }
in_root ceph-authtool --create-keyring $at/keyring --gen-key -n mon. --cap mon 'allow *' > /dev/null
key -n client.admin --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *'
key -n client.rgw --cap mon 'allow *' --cap osd 'allow *'
key -n osd.0 --cap mon 'allow profile osd' --cap osd 'allow *' --cap mgr 'allow profile osd'
in_root monmaptool --create --clobber --fsid "$fsid" --addv a "[v2:127.0.0.1:$mon_port]" \
  $at/monmap > /dev/null
in_root ceph-mon -c $at/ceph.conf -i a --mkfs --monmap $at/monmap --keyring $at/keyring

chroot "$root" ceph-mon -c $at/ceph.conf -i a -f > "$data/mon.out" 2>&1 < /dev/null &
await timeout 5 chroot "$root" rados -c $at/ceph.conf --no-mon-config lspools
osd=$(cat /proc/sys/kernel/random/uuid)
in_root ceph -c $at/ceph.conf osd new "$osd" > /dev/null
in_root ceph-osd -c $at/ceph.conf -i 0 --mkfs --osd-uuid "$osd" > "$data/osd.out" 2>&1
chroot "$root" ceph-osd -c $at/ceph.conf -i 0 -f >> "$data/osd.out" 2>&1 < /dev/null &
osd_pid=$!
osd_is_up() { in_root ceph -c $at/ceph.conf osd stat | grep -q '1 up'; }
await osd_is_up
start_gateway() {
  # Not by the function: the number of the process must be that of the server itself.
  chroot "$root" radosgw -c $at/ceph.conf -n client.rgw -f >> "$data/rgw.out" 2>&1 < /dev/null &
  gateway_pid=$!
  await gateway_listens
}
gateway_listens() { (exec 3<> "/dev/tcp/127.0.0.1/$port"); }
start_gateway
echo ready

set +e
while read -r line; do
  eval "$line"
  echo "@@ $?"
done
