#!/bin/sh
# Installs a package, runs what it brings, and removes it, on a copy of this machine's files that
# only this process sees, in a namespace of mounts and one of processes: check.sh PACKAGE FOLDER,
# as root. FOLDER is empty and stays so.
set -eu

package=$1
layers=$2
mount -t tmpfs none "$layers"
mkdir "$layers/upper" "$layers/work" "$layers/root"
mount -t overlay -o "lowerdir=/,upperdir=$layers/upper,workdir=$layers/work" none "$layers/root"
root=$layers/root
for folder in proc dev sys; do mount --rbind "/$folder" "$root/$folder"; done
mount -t tmpfs none "$root/run"
mount -t tmpfs -o mode=1777 none "$root/tmp"
cp "$package" "$root/tmp/pgkeep.deb"
# What the machine itself has of pgkeep is none of this.
rm -rf "$root/var/lib/pgkeep" "$root/var/cache/pgkeep"
sed -i -e /pgkeep/d -e '$a\' "$root/etc/hosts"
cp "$root/etc/hosts" "$root/tmp/hosts"

in_root() { chroot "$root" "$@"; }
fail() { echo "packaging: $*" >&2; exit 1; }

in_root dpkg --install /tmp/pgkeep.deb
in_root getent passwd pgkeep >/dev/null || fail "there is no user pgkeep"
[ "$(in_root stat -c '%U %a' /var/lib/pgkeep)" = "pgkeep 700" ] || fail "/var/lib/pgkeep is open"
in_root dpkg --verify pgkeep
in_root systemd-analyze verify /lib/systemd/system/pgkeep.service
# 10 is no protection at all; a service that must give up root and make namespaces is no 0.
in_root systemd-analyze security --no-pager --offline=true --threshold=35 \
    /lib/systemd/system/pgkeep.service >"$root/tmp/security" || { cat "$root/tmp/security"; exit 1; }
tail -n 1 "$root/tmp/security"
rm "$root/tmp/security"
for page in pgkeep pgkeep-serve; do
    in_root test -s "/usr/share/man/man1/$page.1.gz" || fail "there is no page $page(1)"
done
in_root bash -c '. /usr/share/bash-completion/completions/pgkeep && complete -p pgkeep' >/dev/null
grep -q '"bomFormat": *"CycloneDX"' "$root/usr/share/doc/pgkeep/sbom.cdx.json" || fail "no SBOM"

# As the unit starts it, less systemd: its environment and its command.
unit=$root/lib/systemd/system/pgkeep.service
variables=$(sed -n 's/^Environment=//p' "$unit")
command=$(sed -n 's/^ExecStart=//p' "$unit")
# shellcheck disable=SC2086
chroot "$root" env PGKEEP_LISTEN=127.0.0.1:0 $variables $command &
server=$!
until in_root test -s /var/lib/pgkeep/api-url; do
    kill -0 "$server" || fail "the service ended"
    sleep 0.1
done
[ "$(in_root stat -c %U "/proc/$server")" = pgkeep ] || fail "the service kept root"
in_root pgkeep ls
kill -TERM "$server"
wait "$server" || fail "the service did not end in order"

# A real instance, proved, by the installed program; it goes on running until the package goes.
in_root env PGKEEP_LISTEN=127.0.0.1:0 PGKEEP_USER=pgkeep pgkeep quickstart --exit
chroot "$root" env PGKEEP_LISTEN=127.0.0.1:0 $variables $command &
server=$!
postmaster=$(echo "$root"/var/lib/pgkeep/instances/*/data)/postmaster.pid
until grep -q ready "$postmaster" 2>/dev/null; do
    kill -0 "$server" || fail "the service ended"
    sleep 0.1
done
kill -TERM "$server"
wait "$server" || fail "the service did not end in order"
pid=$(head -n 1 "$postmaster")
kill -0 "$pid" || fail "the server ended with pgkeep"
grep -qx '# BEGIN pgkeep /var/lib/pgkeep' "$root/etc/hosts" || fail "no name is in /etc/hosts"

in_root dpkg --remove pgkeep
cmp "$root/tmp/hosts" "$root/etc/hosts" || fail "names are left in /etc/hosts"
while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
in_root test ! -e /usr/bin/pgkeep || fail "the program is still there"
in_root test -e /etc/default/pgkeep || fail "the settings went before a purge"
in_root dpkg --purge pgkeep 2>"$root/tmp/purged"
cat "$root/tmp/purged"
grep -q 'holds databases' "$root/tmp/purged" || fail "nobody was told of the databases"
rm "$root/tmp/purged"
in_root test -d /var/lib/pgkeep/instances || fail "a purge removed databases"
in_root test ! -e /etc/default/pgkeep || fail "the settings are still there"

# Without databases nothing is left.
rm -rf "$root"/var/lib/pgkeep/instances
in_root dpkg --install /tmp/pgkeep.deb
in_root dpkg --purge pgkeep
in_root test ! -e /var/lib/pgkeep || fail "/var/lib/pgkeep is still there"
if in_root getent passwd pgkeep >/dev/null; then fail "the user is still there"; fi
echo "packaging: installed, run, removed and purged"
