#!/bin/bash
# A real systemd for tests: boots this machine's own root as a container that leaves nothing behind.
#
#   systemd-lab.sh boot FOLDER [NSPAWN-OPTION...]  runs until SIGTERM, or until its parent ends
#   systemd-lab.sh exec FOLDER COMMAND...          runs COMMAND inside as root; streams and status pass through
#
# FOLDER must be an empty one of its own. Needs root, systemd-container and dbus. What the container writes goes to
# a tmpfs; all mounts lie in a mount namespace that ends with it; its network is a loopback of its own. It sees the
# root as it was at boot: what a test shares with it must be bound (--bind=HERE:THERE), also for inotify to work.
set -euo pipefail

die() { echo "systemd-lab: $*" >&2; exit 1; }

# The cgroups that nspawn takes over, so that systemd finds a tree of its own: one on a machine with cgroup2 only,
# two on a machine that still has systemd's named hierarchy beside it.
trees=(/sys/fs/cgroup)
[ ! -d /sys/fs/cgroup/unified ] || trees=(/sys/fs/cgroup/unified /sys/fs/cgroup/systemd)
group=vlogd-lab-$$

supervise() {
    folder=$1
    for tree in "${trees[@]}"; do
        [ -e "$tree/cgroup.procs" ] || die "there is no cgroup2 at $tree"
        mkdir "$tree/$group"
    done
    (
        for tree in "${trees[@]}"; do echo "$BASHPID" >"$tree/$group/cgroup.procs"; done
        exec setsid unshare --mount --propagation private "$0" _container "$@"
    ) &
    nspawn=$!
    echo "$nspawn" >"$folder/pid"
    trap halt TERM
    while kill -0 "$nspawn" 2>/dev/null; do wait "$nspawn" || true; done
    for tree in "${trees[@]}"; do find "$tree/$group" -depth -type d -exec rmdir {} +; done
    wait "$nspawn"
}

halt() {
    kill -TERM "$nspawn" 2>/dev/null || true  # nspawn asks its systemd to shut down
    for ((tenths = 0; tenths < 200; tenths++)); do
        kill -0 "$nspawn" 2>/dev/null || return 0
        sleep 0.1
    done
    echo "systemd-lab: no orderly end within 20 s" >&2
    echo 1 >"${trees[0]}/$group/cgroup.kill"
}

container() {  # in the cgroups and in a mount namespace of its own; becomes nspawn
    local folder=$1 root=$1/fs/root
    shift
    mkdir -p "$folder/fs"
    mount -t tmpfs -o mode=755 lab "$folder/fs"
    mkdir "$folder/fs/upper" "$folder/fs/work" "$root"
    mount -t overlay -o "lowerdir=/,upperdir=$folder/fs/upper,workdir=$folder/fs/work" lab "$root"
    mount -t tmpfs -o mode=755 lab /run  # nspawn keeps notes there; the machine's own /run stays clean
    # Nothing that this machine starts or mounts at boot; consoles are not there.
    find "$root/etc/systemd/system" -path '*.wants/*' -type l -delete
    ln -sf /dev/null "$root/etc/systemd/system/console-getty.service"
    : >"$root/etc/fstab"
    tr -d - </proc/sys/kernel/random/uuid >"$root/etc/machine-id"
    UNIFIED_CGROUP_HIERARCHY=1 exec systemd-nspawn --quiet --register=no --keep-unit --settings=no \
        --private-network --link-journal=no --resolv-conf=off --timezone=off --console=pipe \
        --system-call-filter="landlock_create_ruleset landlock_add_rule landlock_restrict_self" \
        --directory="$root" --machine=vlogd-lab "$@" --boot systemd.unit=multi-user.target
}

first_process() {  # the pid, seen from here, of the container's PID 1
    local pid
    for pid in $(pgrep -P "$(cat "$1/pid")"); do
        if grep -q $'^NSpid:.*\t1$' "/proc/$pid/status" 2>/dev/null; then
            echo "$pid"
            return
        fi
    done
    die "it is not up"
}

inside() {
    local pid
    pid=$(first_process "$1")
    shift
    exec nsenter -t "$pid" --mount --uts --ipc --net --pid --cgroup -- \
        env -i HOME=/root LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

word=${1:-}
[ $# -ge 2 ] || die "usage: systemd-lab.sh boot|exec FOLDER ..."
shift
case $word in
    boot) exec setpriv --pdeathsig TERM "$0" _supervise "$@" ;;
    exec) inside "$@" ;;
    _supervise) supervise "$@" ;;
    _container) container "$@" ;;
    *) die "what is '$word'?" ;;
esac
