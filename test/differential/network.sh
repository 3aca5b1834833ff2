#!/bin/sh
# Runs a command in a network namespace that has loopback addresses only, all of fd00:c::/64 and 10.98.0.0/16 among them
# (FRR takes no next hop in 127.0.0.0/8):
#     sh test/differential/network.sh node --test test/differential/reflection.test.ts
# As root, or where users may make namespaces. Nothing outside of it is touched.
set -e
own=
[ "$(id -u)" = 0 ] || own=--map-root-user
# shellcheck disable=SC2016,SC2086
exec unshare $own --net sh -c '
  ip link set lo up
  ip -6 route add local fd00:c::/64 dev lo
  ip route add local 10.98.0.0/16 dev lo
  echo 1 > /proc/sys/net/ipv6/ip_nonlocal_bind
  exec "$@"' sh "$@"
