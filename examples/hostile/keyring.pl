# Leaves a key in the user's keyring, which outlives processes.
use POSIX ();
my @key = ("user\0", "taskfleet-hostile\0", "here");
syscall((POSIX::uname())[4] eq 'aarch64' ? 217 : 248, @key, 4, -4);
exit 0;
