# One file without end.
exec cat /dev/zero > file
