#!/bin/sh
# machine.sh PLACE FOLDER COMMAND...: run a command in FOLDER on a machine that has PLACE/content and PLACE/kaggle as
# /content and /kaggle. All else is as here. Nothing outside PLACE is written to; Linux only, no root needed.
set -eu
if [ "${1:-}" != --inside ]; then
    exec unshare --user --map-root-user --mount "$0" --inside "$@"
fi
place=$2 folder=$3
shift 3
root=$place/root
mkdir -p "$root" "$place/content" "$place/kaggle"
mount -t tmpfs tmpfs "$root"
for entry in /*; do
    case $entry in /content | /kaggle) continue ;; esac
    if [ -L "$entry" ]; then
        cp -P "$entry" "$root$entry"
    elif [ -d "$entry" ]; then
        mkdir "$root$entry"
        mount --rbind "$entry" "$root$entry"
    fi
done
for entry in content kaggle; do
    mkdir "$root/$entry"
    mount --bind "$place/$entry" "$root/$entry"
done
exec chroot "$root" sh -c 'cd "$1" && shift && exec "$@"' sh "$folder" "$@"
