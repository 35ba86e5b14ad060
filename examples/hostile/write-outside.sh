# Writes where it has no business, by path and by link. Ends with 0 when it got through to a folder of the machine's.
name=taskfleet-hostile-$$
for folder in /tmp /var/tmp /dev/shm /run /etc /usr/local; do
  (echo here > "$folder/$name") 2>/dev/null
done
[ -n "$OUTSIDE" ] || exit 1
(echo here > "$OUTSIDE/$name") 2>/dev/null && exit 0
ln -s "$OUTSIDE/victim" link
(echo here > link) 2>/dev/null && exit 0
ln "$OUTSIDE/victim" hard 2>/dev/null && exit 0
mv "$OUTSIDE/victim" mine 2>/dev/null && exit 0
rm "$OUTSIDE/victim" 2>/dev/null && exit 0
cat "$OUTSIDE/victim" 2>/dev/null && exit 0
chmod 777 "$OUTSIDE/victim" 2>/dev/null && exit 0
exit 1
