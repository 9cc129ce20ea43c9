#!/bin/bash
# Prepares a Ceph cluster of one monitor and one in-memory disk, with an S3 user, for a radosgw to be started on:
#   s3-radosgw-up.sh FOLDER MONITOR_PORT GATEWAY_PORT
# Needs root and: apt-get install -y --no-install-recommends radosgw ceph-osd ceph-mon ceph-mgr
# Afterwards: radosgw -c FOLDER/ceph.conf -n client.rgw.a -f
# Stop: kill $(cat FOLDER/run/osd.0.pid FOLDER/run/mon.a.pid)
set -euo pipefail
folder=$1 monitor_port=$2 gateway_port=$3
access_key=AKRGW secret_key=SKRGW
mkdir -p "$folder"/{mon,osd,mgr,rgw,run}
cd "$folder"

cat > ceph.conf <<CONF
[global]
fsid = $(cat /proc/sys/kernel/random/uuid)
mon initial members = a
mon host = v1:127.0.0.1:$monitor_port
public addr = 127.0.0.1
ms bind ipv6 = false
ms bind msgr2 = false
auth cluster required = none
auth service required = none
auth client required = none
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd crush chooseleaf type = 0
osd objectstore = memstore
osd max object name len = 1024
osd fast shutdown = true
memstore device bytes = 1073741824
mon allow pool size one = true
mon warn on pool no redundancy = false
mon pg warn min per osd = 0
mon max pg per osd = 2000
mon data = $folder/mon
mgr data = $folder/mgr
osd data = $folder/osd
rgw data = $folder/rgw
rgw frontends = beast endpoint=127.0.0.1:$gateway_port
rgw dns name = localhost
rgw enable usage log = false
run dir = $folder/run
pid file = $folder/run/\$name.pid
admin socket = $folder/run/\$name.asok
log file = $folder/\$name.log
CONF

config=(-c "$folder/ceph.conf")
user=(--setuser root --setgroup root)
# What finds no monitor waits for ever.
limit=(timeout 60)
fsid=$(sed -n 's/^fsid = //p' ceph.conf)
monmaptool --create --clobber --fsid "$fsid" --addv a "[v1:127.0.0.1:$monitor_port]" monmap
ceph-mon "${config[@]}" -i a --mkfs --monmap monmap --keyring /dev/null
ceph-mon "${config[@]}" -i a "${user[@]}"

disk=$(cat /proc/sys/kernel/random/uuid)
"${limit[@]}" ceph "${config[@]}" osd new "$disk"
ceph-osd "${config[@]}" -i 0 --mkfs --osd-uuid "$disk" "${user[@]}"
for attempt in 1 2 3 4 5; do
  ceph-osd "${config[@]}" -i 0 "${user[@]}" && break
  [ "$attempt" -lt 5 ]
  sleep 0.5
done
"${limit[@]}" radosgw-admin "${config[@]}" user create --uid tests --display-name tests --access-key $access_key --secret $secret_key
