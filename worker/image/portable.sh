#!/bin/sh
# Copies programs with all that they load, so that they run in an image on another base: portable.sh DIR NAME...
# DIR gets the programs and libraries, DIR/bin a starter for each that takes them from /opt/<last part of DIR>.
set -eu
out=$1
shift
place=/opt/${out##*/}
mkdir -p "$out/bin" "$out/lib"
for name in "$@"; do
  file=$(command -v "$name")
  cp -L "$file" "$out/$name"
  # glibc's loader answers in lines: "name => path (address)", and its own path alone.
  LD_TRACE_LOADED_OBJECTS=1 "$file" >"$out/loads"
  loader=
  while read -r library _ path _; do
    case $library in
      /*/ld-*)
        path=$library
        loader=${library##*/}
        ;;
    esac
    case $path in /*) cp -L "$path" "$out/lib/${path##*/}" ;; esac
  done <"$out/loads"
  rm "$out/loads"
  [ -n "$loader" ] || {
    echo "$file is not linked with glibc: use a base image on Debian" >&2
    exit 1
  }
  printf '#!/bin/sh\nexec %s/lib/%s --library-path %s/lib %s/%s "$@"\n' \
    "$place" "$loader" "$place" "$place" "$name" >"$out/bin/$name"
done
