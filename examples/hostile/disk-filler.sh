# Files without end, of a megabyte each.
number=0
while head -c 1000000 /dev/zero > "file-$number"; do number=$((number + 1)); done
exit 1
